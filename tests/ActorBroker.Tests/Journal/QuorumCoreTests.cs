using System.Collections.Immutable;
using ActorBroker.Journal.Quorum;
using ActorBroker.Log;

namespace ActorBroker.Tests.Journal;

/// <summary>
/// The pure cores of the quorum under thousands of seeded schedules: 3 or 5 voters, two competing writers, messages lost,
/// repeated and reordered, voters that crash between two effects and restart from what is on their disk, writers that
/// are replaced, and now and then a voter that comes back with a blank disk. Checked after every step: what is committed
/// anywhere stays what it is, and every log that names an entry by the same id holds the same history before it.
/// </summary>
public sealed class QuorumCoreTests
{
    private const int Seeds = 600;

    [Theory]
    [InlineData(3, false)]
    [InlineData(5, false)]
    [InlineData(3, true)]
    [InlineData(5, true)]
    public void Committed_entries_stay_for_ever(int voters, bool disksGetLost)
    {
        var (committed, admitted) = (0, 0);
        for (var seed = 0; seed < Seeds; seed++)
        {
            var run = new QuorumRun(seed, voters, disksGetLost);
            run.Play(steps: voters * 150);
            committed += run.CommittedEntries;
            admitted += run.Admissions;
        }

        // The schedules would prove nothing if nothing were ever committed.
        Assert.True(committed > Seeds * 3, $"only {committed} entries were committed");
        if (disksGetLost) Assert.True(admitted > Seeds / 50, $"only {admitted} blank disks were admitted");
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

/// <summary>One seeded schedule.</summary>
internal sealed class QuorumRun
{
    private readonly int _seed;
    private readonly Random _random;
    private readonly bool _disksGetLost;
    private readonly Voter[] _voters;
    private readonly Writer[] _writers;
    private readonly List<Action> _network = [];
    private readonly SortedDictionary<long, QuorumEntry> _committed = [];
    private int _disks;
    private int _bodies;
    private bool _calm;

    public QuorumRun(int seed, int voters, bool disksGetLost)
    {
        (_seed, _random, _disksGetLost) = (seed, new Random(seed), disksGetLost);
        _voters = Enumerable.Range(0, voters).Select(i => new Voter(new Member(new BrokerId(i), NewDisk()))).ToArray();
        var ids = _voters.Select(v => v.Core.Self.Broker).ToImmutableArray();
        _writers = [new Writer(ids), new Writer(ids)];
    }

    public int CommittedEntries => _committed.Count;

    public int Admissions { get; private set; }

    public void Play(int steps)
    {
        Do(_writers[0], _writers[0].Core.Start);
        for (var i = 0; i < steps; i++)
        {
            Step();
            Check();
        }
    }

    public void Heal() => _calm = true;

    public bool ReachesAll()
    {
        _network.Clear();
        var writer = _writers[0] = new Writer([.. _voters.Select(v => v.Core.Self.Broker)]);
        Do(writer, writer.Core.Start);
        for (var round = 0; round < 200; round++)
        {
            while (_network.Count > 0)
            {
                Deliver(0);
                Check();
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
        var writer = _writers[_random.Next(10) < 8 ? 0 : 1];
        switch (_random.Next(100))
        {
            case < 70 when _network.Count > 0:
                Deliver(_random.Next(_network.Count));
                break;
            case < 80:
                if (writer.Core.Phase == WriterPhase.Leading) Propose(writer);
                break;
            case < 84:
                Do(writer, writer.Core.OnTick);
                break;
            case < 88:
                if (writer.Core.Phase is WriterPhase.Idle or WriterPhase.Lost) Do(writer, writer.Core.Start);
                break;
            case < 89:
                // The writer's process is replaced: it knows nothing any more.
                var index = Array.IndexOf(_writers, writer);
                _writers[index] = new Writer([.. _voters.Select(v => v.Core.Self.Broker)]);
                Do(_writers[index], _writers[index].Core.Start);
                break;
            case < 95:
                _voters[_random.Next(_voters.Length)].Restart();
                break;
            case < 96:
                if (_disksGetLost) LoseDisk();
                break;
            default:
                if (writer.Core.Phase == WriterPhase.Leading) Propose(writer);
                break;
        }
    }

    /// <summary>At most one blank disk at a time: the quorum promises no more than a minority (one of three).</summary>
    private void LoseDisk()
    {
        if (_committed.Count == 0) return;
        var members = _committed.Values.LastOrDefault(e => e.SetsMembers)?.Members ?? default;
        // Only while every current disk counts by what is committed, and its history has reached a majority without the one that is lost.
        if (members.IsDefault || !_voters.All(v => members.Contains(v.Core.Self))) return;
        var lost = _random.Next(_voters.Length);
        var end = _committed.Keys.Last();
        var holders = _voters.Where((v, i) => i != lost && v.Disk.Any(e => e.Id.Sequence == end && e == _committed[end])).Count();
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
        if (chance < 8) return;
        _network.Add(action);
        if (chance > 92) _network.Add(action);
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
                Post(() => Vote(writer, effect.To, effect.Request!));
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
                OnCommitted(writer, effect.Through);
                break;
        }
    }

    private void Vote(Writer writer, BrokerId to, VoterRequest request)
    {
        var voter = _voters[to.Value];
        var effects = new List<VoterEffect>();
        voter.Core.Step(request, effects);
        // A crash after some of the effects: what is on disk by then is what it comes back with.
        var performed = !_calm && _random.Next(100) == 0 ? _random.Next(effects.Count) : effects.Count;
        foreach (var effect in effects.Take(performed))
        {
            if (effect.Kind != VoterEffectKind.Reply) voter.Perform(effect);
            else Post(() =>
            {
                if (_writers.Contains(writer)) Do(writer, e => writer.Core.OnReply(effect.Answer!, e));
            });
        }

        if (performed < effects.Count) voter.Restart();
    }

    /// <summary>The writer says so: then the history up to there stands on a majority of disks, and for ever.</summary>
    private void OnCommitted(Writer writer, long through)
    {
        var holder = _voters.FirstOrDefault(v => v.Disk.Any(e => e.Id.Sequence == through && e.Id.Epoch == writer.Core.Epoch));
        Assert.True(holder is not null, $"seed {_seed}: committed {through} stands nowhere");
        foreach (var entry in holder.Disk.Where(e => e.Id.Sequence <= through))
        {
            if (_committed.TryGetValue(entry.Id.Sequence, out var before))
            {
                Assert.True(before == entry, $"seed {_seed}: committed entry {before.Id} became {entry.Id}");
                continue;
            }

            Assert.True(_committed.Count == 0 || entry.Id.Sequence > _committed.Keys.Last(), $"seed {_seed}: {entry.Id} was committed into the past");
            _committed.Add(entry.Id.Sequence, entry);
            if (entry.SetsMembers && _committed.Values.Count(e => e.SetsMembers && e.Id.Epoch == entry.Id.Epoch) > 1) Admissions++;
        }
    }

    private void Check()
    {
        if (_committed.Count == 0) return;
        var (end, last) = _committed.Last();
        var holders = _voters.Count(v => v.Disk.Any(e => e == last));
        Assert.True(holders > (_voters.Length / 2) - (_disksGetLost ? 1 : 0), $"seed {_seed}: committed {last.Id} stands on {holders} disks only");
        foreach (var voter in _voters)
        {
            foreach (var entry in voter.Disk.Where(e => e.Id.Sequence <= end))
            {
                // An old disk may still hold what was never committed, but not under an id that was.
                if (_committed.TryGetValue(entry.Id.Sequence, out var committed) && committed.Id == entry.Id)
                    Assert.True(committed == entry, $"seed {_seed}: two entries {entry.Id}");
            }
        }
    }

    private DirectoryId NewDisk() => new(new Guid(_disks++, 0, 0, new byte[8]));

    private sealed class Writer(ImmutableArray<BrokerId> voters)
    {
        public QuorumWriterCore Core { get; } = new(voters);
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

        public void Restart()
        {
            var index = new LogIndexState();
            foreach (var entry in Disk)
                index.Apply(entry);
            Core = new VoterCore(self, _promised, index);
        }
    }
}
