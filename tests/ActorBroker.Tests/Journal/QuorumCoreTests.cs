using System.Collections.Immutable;
using ActorBroker.Journal.Quorum;
using ActorBroker.Log;

namespace ActorBroker.Tests.Journal;

/// <summary>
/// The pure cores of the quorum under 100,000 seeded schedules: 3 or 5 voters, two competing writers, messages lost,
/// repeated and reordered, voters that crash between two effects and restart from what is on their disk, writers that
/// are replaced, and now and then a voter that comes back with a blank disk. Checked after every step: what is committed
/// anywhere stays what it is, and every log that names an entry by the same id holds the same history before it.
/// </summary>
public sealed class QuorumCoreTests
{
    private const int StepsPerVoter = 40;

    [Theory]
    [InlineData(3, false, 40_000)]
    [InlineData(5, false, 10_000)]
    [InlineData(3, true, 40_000)]
    [InlineData(5, true, 10_000)]
    public void Committed_entries_stay_for_ever(int voters, bool disksGetLost, int seeds)
    {
        var (committed, admitted) = (0, 0);
        Parallel.For(0, seeds, seed =>
        {
            var run = new QuorumRun(seed, voters, disksGetLost);
            run.Play(steps: voters * StepsPerVoter);
            Interlocked.Add(ref committed, run.CommittedEntries);
            Interlocked.Add(ref admitted, run.Admissions);
        });

        // The schedules would prove nothing if nothing were ever committed.
        Assert.True(committed > seeds, $"only {committed} entries were committed");
        if (disksGetLost) Assert.True(admitted > seeds / 200, $"only {admitted} blank disks were admitted");
    }

    // A writer that begins no epoch with an entry of its own takes an older entry for committed because a majority holds
    // it, and a later writer may still cut that: the schedules find it.
    [Fact]
    public void The_schedules_catch_a_writer_that_begins_no_epoch()
    {
        var caught = 0;
        Parallel.For(0, 40_000, (seed, loop) =>
        {
            try
            {
                new QuorumRun(seed, 3, disksGetLost: false, startsEpochs: false).Play(steps: 3 * StepsPerVoter);
            }
            catch (ScheduleViolatedException)
            {
                Interlocked.Increment(ref caught);
                loop.Stop();
            }
        });

        Assert.True(caught > 0);
    }

    // Once faults end, a writer gets its entries committed by all.
    [Fact]
    public void A_quorum_makes_progress_when_faults_end()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var run = new QuorumRun(seed, 3, disksGetLost: false);
            run.Play(steps: 200);
            run.Heal();
            Assert.True(run.ReachesAll(), $"seed {seed}: no progress: {run}");
        }
    }
}

internal sealed class ScheduleViolatedException(string message) : Exception(message);

/// <summary>One seeded schedule.</summary>
internal sealed class QuorumRun
{
    private readonly int _seed;
    private readonly Random _random;
    private readonly bool _disksGetLost;
    private readonly Voter[] _voters;
    private readonly Writer[] _writers;
    private readonly List<Action> _network = [];
    private readonly List<QuorumEntry> _committed = [];
    private readonly bool _startsEpochs;
    private readonly ImmutableArray<BrokerId> _ids;
    private int _disks;
    private int _bodies;
    private int _cut; // a bit for each link of a writer and a voter
    private bool _calm;

    public QuorumRun(int seed, int voters, bool disksGetLost, bool startsEpochs = true)
    {
        _startsEpochs = startsEpochs;
        (_seed, _random, _disksGetLost) = (seed, new Random(seed), disksGetLost);
        _voters = Enumerable.Range(0, voters).Select(i => new Voter(new Member(new BrokerId(i), NewDisk()))).ToArray();
        var ids = _voters.Select(v => v.Core.Self.Broker).ToImmutableArray();
        _ids = ids;
        _writers = [NewWriter(), NewWriter()];
    }

    public int CommittedEntries => _committed.Count;

    public int Admissions { get; private set; }

    public void Play(int steps)
    {
        Do(_writers[0], _writers[0].Core.Start);
        for (var i = 0; i < steps; i++)
        {
            Step();
        }
    }

    public void Heal() => _calm = true;

    public bool ReachesAll()
    {
        _network.Clear();
        var writer = _writers[0] = NewWriter();
        Do(writer, writer.Core.Start);
        for (var round = 0; round < 200; round++)
        {
            while (_network.Count > 0)
            {
                Deliver(0);
            }

            if (writer.Core.Phase == WriterPhase.Leading && _voters.All(v => v.Core.Log.Last == writer.Core.Last)) return true;
            // Its supervisor lets it bid again when it met a higher epoch.
            Do(writer, writer.Core.Phase == WriterPhase.Lost ? writer.Core.Start : writer.Core.OnTick);
        }

        return false;
    }

    public override string ToString() =>
        $"writer {_writers[0].Core.Phase} epoch {_writers[0].Core.Epoch} at {_writers[0].Core.Last}, committed {_writers[0].Core.Committed}; "
        + string.Join("; ", _voters.Select(v => $"voter {v.Core.Self.Broker} promised {v.Core.Promised}: {string.Join(' ', v.Disk.Select(e => e.Id))}"));

    private void Step()
    {
        var writer = _writers[_random.Next(10) < 6 ? 0 : 1];
        // From now on other links are cut: a quarter of them, in half of the times.
        if (_random.Next(25) == 0) _cut = _random.Next(2) == 0 ? 0 : _random.Next() & _random.Next();
        switch (_random.Next(100))
        {
            case < 72 when _network.Count > 0:
                Deliver(_random.Next(3) == 0 ? _random.Next(_network.Count) : 0);
                break;
            case < 80:
                if (writer.Core.Phase == WriterPhase.Leading) Propose(writer);
                break;
            case < 84:
                Do(writer, writer.Core.OnTick);
                break;
            case < 89:
                if (writer.Core.Phase is WriterPhase.Idle or WriterPhase.Lost) Do(writer, writer.Core.Start);
                break;
            case < 91:
                // The writer's process is replaced: it knows nothing any more.
                var index = Array.IndexOf(_writers, writer);
                _writers[index] = NewWriter();
                Do(_writers[index], _writers[index].Core.Start);
                break;
            case < 95:
                _voters[_random.Next(_voters.Length)].Restart();
                break;
            case < 96:
                if (_disksGetLost) LoseDisk();
                break;
            case < 98:
                TakeOver();
                break;
            default:
                if (writer.Core.Phase == WriterPhase.Leading) Propose(writer);
                break;
        }
    }

    /// <summary>One voter can't be reached, a writer bids, and when it leads, only some voters get its first proposal.</summary>
    private void TakeOver()
    {
        _network.Clear();
        _cut = 3 << (_random.Next(_voters.Length) * 2);
        var writer = _writers[_random.Next(2)];
        Do(writer, writer.Core.Start);
        for (var i = 0; i < 40 && _network.Count > 0 && writer.Core.Phase != WriterPhase.Leading; i++)
            Deliver(0);
        if (writer.Core.Phase != WriterPhase.Leading) return;
        _network.Clear();
        _cut = _random.Next();
        Propose(writer);
        for (var i = 0; i < _voters.Length && _network.Count > 0; i++)
            Deliver(0);
    }

    /// <summary>At most one blank disk at a time: the quorum promises no more than a minority (one of three).</summary>
    private void LoseDisk()
    {
        if (_committed.Count == 0) return;
        var members = _committed.FindLast(e => e.SetsMembers)?.Members ?? default;
        // Only while every current disk counts by what is committed, and its history has reached a majority without the one that is lost.
        if (members.IsDefault || !_voters.All(v => members.Contains(v.Core.Self))) return;
        var lost = _random.Next(_voters.Length);
        var holders = 0;
        for (var i = 0; i < _voters.Length; i++)
            if (i != lost && _voters[i].Holds(_committed[^1])) holders++;
        if (holders <= _voters.Length / 2) return;
        _voters[lost] = new Voter(new Member(_voters[lost].Core.Self.Broker, NewDisk()));
    }

    private void Deliver(int index)
    {
        var action = _network[index];
        _network.RemoveAt(index);
        action();
    }

    private void Post(Action action)
    {
        if (_calm)
        {
            _network.Add(action);
            return;
        }

        var chance = _random.Next(100);
        if (chance < 5) return;
        _network.Add(action);
        if (chance > 95) _network.Add(action);
    }

    private void Propose(Writer writer)
    {
        var entries = ImmutableArray.CreateBuilder<QuorumEntry>();
        var last = writer.Core.Last;
        for (var i = 0; i <= _random.Next(3); i++)
        {
            entries.Add(new QuorumEntry(last, new EntryId(writer.Core.Epoch, last.Sequence + 1 + _random.Next(2)), BitConverter.GetBytes(_bodies++), default));
            last = entries[^1].Id;
        }

        Do(writer, effects => writer.Core.Propose(entries.ToImmutable(), effects));
    }

    private void Do(Writer writer, Action<List<WriterEffect>> step)
    {
        var effects = new List<WriterEffect>();
        step(effects);
        for (var i = 0; i < effects.Count; i++)
            Perform(writer, effects[i], effects);
    }

    private void Perform(Writer writer, WriterEffect effect, List<WriterEffect> effects)
    {
        var core = writer.Core;
        switch (effect.Kind)
        {
            case WriterEffectKind.Send:
                if (!IsCut(writer, effect.To)) Post(() => Vote(writer, effect.To, effect.Request!));
                break;
            case WriterEffectKind.Read:
                var epoch = core.Epoch;
                Post(() =>
                {
                    var source = _voters[effect.Source.Value];
                    var index = source.Core.Log.Copy();
                    var entries = source.Disk.Where(e => e.Id.Sequence > effect.From.Sequence && e.Id.Sequence <= effect.Through).Take(3).ToImmutableArray();
                    Post(() =>
                    {
                        if (!_writers.Contains(writer) || core.Epoch != epoch) return;
                        if (effect.To == BrokerId.None) Do(writer, e => core.OnAdopted(index, e));
                        else Do(writer, e => core.OnRead(effect.To, effect.From, entries, e));
                    });
                });
                break;
            case WriterEffectKind.EncodeMembers:
                core.OnMembersEncoded(effect.Members, BitConverter.GetBytes(_bodies++), effects);
                break;
            case WriterEffectKind.Committed:
                OnCommitted(new EntryId(effect.Epoch, effect.Through));
                break;
        }
    }

    private bool IsCut(Writer writer, BrokerId voter) =>
        !_calm && (_cut & (1 << ((voter.Value * 2) + (writer == _writers[0] ? 0 : 1)))) != 0;

    private void Vote(Writer writer, BrokerId to, VoterRequest request)
    {
        var voter = _voters[to.Value];
        var effects = new List<VoterEffect>();
        voter.Core.Step(request, effects);
        // A crash after some of the effects: what is on disk by then is what it comes back with.
        var performed = !_calm && _random.Next(100) == 0 ? _random.Next(effects.Count) : effects.Count;
        foreach (var effect in effects.GetRange(0, performed))
        {
            if (effect.Kind != VoterEffectKind.Reply)
            {
                voter.Perform(effect);
                if (effect.Kind != VoterEffectKind.Promise) CheckDisk(voter);
            }
            else Post(() =>
            {
                if (_writers.Contains(writer)) Do(writer, e => writer.Core.OnReply(effect.Answer!, e));
            });
        }

        if (performed < effects.Count) voter.Restart();
    }

    /// <summary>The writer says so: then the history up to there stands on a majority of disks, and for ever.</summary>
    private void OnCommitted(EntryId id)
    {
        var holder = Array.Find(_voters, v => v.Find(id) is not null);
        Require(holder is not null, $"committed {id} stands nowhere");
        var next = 0;
        foreach (var entry in holder!.Disk)
        {
            if (entry.Id.Sequence > id.Sequence) break;
            if (next < _committed.Count)
            {
                Require(ReferenceEquals(_committed[next], entry), $"committed entry {_committed[next].Id} became {entry.Id}");
                next++;
                continue;
            }

            _committed.Add(entry);
            next++;
            if (entry.SetsMembers && _committed.Count(e => e.SetsMembers && e.Id.Epoch == entry.Id.Epoch) > 1) Admissions++;
        }

        foreach (var voter in _voters)
            CheckDisk(voter);
    }

    /// <summary>After a change of this disk, or of what is committed.</summary>
    private void CheckDisk(Voter changed)
    {
        if (_committed.Count == 0) return;
        var last = _committed[^1];
        var holders = 0;
        foreach (var voter in _voters)
            if (voter.Holds(last)) holders++;
        Require(holders > (_voters.Length / 2) - (_disksGetLost ? 1 : 0), $"committed {last.Id} stands on {holders} disks only");
        // An old disk may still hold what was never committed, but not under an id that was.
        var next = 0;
        foreach (var entry in changed.Disk)
        {
            while (next < _committed.Count && _committed[next].Id.Sequence < entry.Id.Sequence)
                next++;
            if (next == _committed.Count) break;
            Require(_committed[next].Id != entry.Id || ReferenceEquals(_committed[next], entry), $"two entries {entry.Id}");
        }
    }

    private DirectoryId NewDisk() => new(new Guid(_disks++, 0, 0, new byte[8]));

    private Writer NewWriter() => new(new QuorumWriterCore(_ids, _startsEpochs));

    private void Require(bool holds, string otherwise)
    {
        if (!holds) throw new ScheduleViolatedException($"seed {_seed}: {otherwise}");
    }

    private sealed class Writer(QuorumWriterCore core)
    {
        public QuorumWriterCore Core { get; } = core;
    }

    private sealed class Voter(Member self)
    {
        private LeaderEpoch _promised = LeaderEpoch.None;

        public List<QuorumEntry> Disk { get; } = [];

        public VoterCore Core { get; private set; } = new(self, LeaderEpoch.None, new LogIndexState());

        public void Perform(in VoterEffect effect)
        {
            switch (effect.Kind)
            {
                case VoterEffectKind.Promise:
                    _promised = effect.Epoch;
                    break;
                case VoterEffectKind.Cut:
                    var end = effect.End;
                    Disk.RemoveAll(e => e.Id.Sequence > end);
                    break;
                case VoterEffectKind.Append:
                    Disk.AddRange(effect.Entries);
                    break;
            }
        }

        public bool Holds(QuorumEntry entry) => ReferenceEquals(Find(entry.Id), entry);

        public QuorumEntry? Find(EntryId id)
        {
            for (var i = Disk.Count - 1; i >= 0 && Disk[i].Id.Sequence >= id.Sequence; i--)
                if (Disk[i].Id == id) return Disk[i];
            return null;
        }

        public void Restart()
        {
            var index = new LogIndexState();
            foreach (var entry in Disk)
                index.Apply(entry);
            Core = new VoterCore(self, _promised, index);
        }
    }
}
