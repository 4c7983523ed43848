using System.Collections.Immutable;
using ActorBroker.Journal;
using ActorBroker.Journal.Quorum;
using ActorBroker.Log;

namespace ActorBroker.Tests.Journal;

internal sealed class ScheduleViolatedException(string message) : Exception(message);

/// <param name="Nodes">Of which the first <paramref name="Voters"/> form the quorum.</param>
internal sealed record ScheduleOptions(int Nodes, int Voters)
{
    public bool DisksGetLost { get; init; }

    public bool VotersChange { get; init; }

    public bool Deletes { get; init; }

    public QuorumRules Rules { get; init; } = QuorumRules.All;
}

/// <summary>
/// One seeded schedule. Checked after every step: what is committed anywhere stays what it is and on a majority of the disks
/// that counted; logs that name an entry by the same id hold the same history before it; only what is committed is deleted;
/// a disk counts only once it holds what is committed.
/// </summary>
internal sealed class QuorumRun
{
    private readonly Random _random;
    private readonly ScheduleOptions _options;
    private readonly ScheduledVoter[] _nodes;
    private readonly ScheduledWriter[] _writers;
    private readonly List<Action> _network = [];
    private readonly ImmutableArray<BrokerId> _initial;
    private int _disks;
    private int _bodies;
    private int _bidders;
    private int _cut; // a bit for each link of a writer and a node
    private bool _calm;

    public QuorumRun(int seed, ScheduleOptions options)
    {
        (_random, _options) = (new Random(seed), options);
        _nodes = Enumerable.Range(0, options.Nodes).Select(i => new ScheduledVoter(new Member(new BrokerId(i), NewDisk()))).ToArray();
        Committed = new CommittedHistory(seed, _nodes);
        _initial = [.. Enumerable.Range(0, options.Voters).Select(i => new BrokerId(i))];
        _writers = [NewWriter(), NewWriter()];
    }

    public CommittedHistory Committed { get; }

    public int Deletions { get; private set; }

    /// <summary>Voters that were away while what they lack was deleted.</summary>
    public int Rebases { get; private set; }

    public void Play(int steps)
    {
        Start(_writers[0]);
        for (var i = 0; i < steps; i++)
            Step();
    }

    /// <summary>
    /// A disk was lost before a writer knew it, and it took away another's vote: of the voters that a log names no majority
    /// is left.
    /// </summary>
    public bool LacksMajority => _nodes.Any(v => v.Core.Log.Members is { IsDefault: false } members && members.Count(m => NodeOf(m) is not null) <= members.Length / 2);

    /// <summary>True when a new writer brings all who count to its log, with no more faults.</summary>
    public bool ReachesAll()
    {
        _calm = true;
        _network.Clear();
        // On a node that knows the first voters: others could not form a quorum.
        var writer = _writers[0] = NewWriter(_random.Next(_options.Voters));
        Start(writer);
        for (var round = 0; round < 200; round++)
        {
            while (_network.Count > 0)
                Deliver(0);
            if (writer.Core.Phase == WriterPhase.Leading && writer.Core.Members.All(m => NodeOf(m) is { } voter && voter.Core.Log.Last == writer.Core.Last)) return true;
            // Its supervisor lets it bid again when it met a higher epoch.
            if (writer.Core.Phase == WriterPhase.Lost) Start(writer);
            else Tick(writer);
        }

        return false;
    }

    public override string ToString() =>
        $"writer {_writers[0].Core.Phase} epoch {_writers[0].Core.Epoch} at {_writers[0].Core.Last}, committed {_writers[0].Core.Committed}; "
        + string.Join("; ", _nodes.Select(v => $"node {v.Core.Self.Broker} disk {v.Core.Self.Disk.Value.ToString()[..8]} promised {v.Core.Promised}: {v.Base} {string.Join(' ', v.Disk.Select(e => e.Id))}, voters {(v.Core.Log.Members.IsDefault ? "unknown" : string.Join(' ', v.Core.Log.Members.Select(m => $"{m.Broker}:{m.Disk.Value.ToString()[..8]}")))}"));

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
            case < 79:
                if (writer.Core.Phase == WriterPhase.Leading) Propose(writer);
                break;
            case < 83:
                Tick(writer);
                break;
            case < 87:
                if (writer.Core.Phase is WriterPhase.Idle or WriterPhase.Lost) Start(writer);
                break;
            case < 89:
                // The writer's process is replaced: it knows nothing any more.
                Start(_writers[Array.IndexOf(_writers, writer)] = NewWriter());
                break;
            case < 91:
                _nodes[_random.Next(_nodes.Length)].Restart();
                break;
            case < 93:
                if (_options.DisksGetLost) LoseDisk();
                break;
            case < 95:
                TakeOver();
                break;
            case < 96:
                if (_options.Deletes) Delete(writer);
                break;
            default:
                if (_options.VotersChange) Change(writer);
                break;
        }
    }

    /// <summary>One voter can't be reached, a writer bids, and when it leads, only some voters get its first proposal.</summary>
    private void TakeOver()
    {
        _network.Clear();
        _cut = 3 << (_random.Next(_nodes.Length) * 2);
        var writer = _writers[_random.Next(2)];
        Start(writer);
        for (var i = 0; i < 60 && _network.Count > 0 && writer.Core.Phase != WriterPhase.Leading; i++)
            Deliver(0);
        if (writer.Core.Phase != WriterPhase.Leading) return;
        _network.Clear();
        _cut = _random.Next();
        if (_options.VotersChange && _random.Next(2) == 0) Change(writer);
        else Propose(writer);
        for (var i = 0; i < _nodes.Length && _network.Count > 0; i++)
            Deliver(0);
    }

    /// <summary>
    /// At most one disk of those that count is lost at a time, and never one of less than three: the quorum promises no more
    /// than a minority. One that does not count may always be lost, as long as not all of the first voters are blank.
    /// </summary>
    private void LoseDisk()
    {
        if (Committed.Count == 0) return;
        var lost = _random.Next(_nodes.Length);
        if (_initial.All(id => id.Value == lost || _nodes[id.Value].Core.Log.Last == EntryId.Zero)) return;
        foreach (var node in _nodes)
        {
            var members = node.Core.Log.Members;
            if (members.IsDefault || !members.Any(m => m.Broker.Value == lost)) continue;
            if (members.Length < 3 || !members.All(m => NodeOf(m) is not null)) return;
        }

        _nodes[lost] = new ScheduledVoter(new Member(_nodes[lost].Core.Self.Broker, NewDisk()));
        for (var i = 0; i < _writers.Length; i++)
            if (_writers[i].Home.Broker.Value == lost) _writers[i] = NewWriter();
    }

    private void Change(ScheduledWriter writer)
    {
        var kind = _random.Next(2) == 0 ? VoterChange.Add : VoterChange.Remove;
        Do(writer, effects => writer.Core.AskChange(kind, new BrokerId(_random.Next(_nodes.Length)), effects));
    }

    private void Delete(ScheduledWriter writer)
    {
        if (writer.Core.Phase != WriterPhase.Leading) return;
        Deletions++;
        Do(writer, effects => writer.Core.DeleteTo(_random.NextInt64(writer.Core.Committed + 1), effects));
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

    private void Start(ScheduledWriter writer)
    {
        Do(writer, writer.Core.Start);
        AskContacts(writer);
    }

    private void Tick(ScheduledWriter writer)
    {
        Do(writer, writer.Core.OnTick);
        if (writer.Core.Phase == WriterPhase.Bidding) AskContacts(writer);
    }

    /// <summary>One of them says who votes.</summary>
    private void AskContacts(ScheduledWriter writer)
    {
        Post(() =>
        {
            var members = _nodes[_random.Next(_nodes.Length)].Core.Log.Members;
            if (!members.IsDefault && _writers.Contains(writer)) Do(writer, e => writer.Core.OnVotersKnown(members.Select(m => m.Broker), e));
        });
    }

    private void Propose(ScheduledWriter writer)
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

    private void Do(ScheduledWriter writer, Action<List<WriterEffect>> step)
    {
        var effects = new List<WriterEffect>();
        step(effects);
        for (var i = 0; i < effects.Count; i++)
            Perform(writer, effects[i], effects);
    }

    private void Perform(ScheduledWriter writer, WriterEffect effect, List<WriterEffect> effects)
    {
        var core = writer.Core;
        switch (effect.Kind)
        {
            case WriterEffectKind.Send:
                if (!IsCut(writer, effect.To)) Post(() => Vote(writer, effect.To, effect.Request!));
                break;
            case WriterEffectKind.Read:
                Read(writer, effect);
                break;
            case WriterEffectKind.EncodeMembers:
                CheckCaughtUp(core, effect.Members);
                core.OnMembersEncoded(effect.Epoch, effect.Members, BitConverter.GetBytes(_bodies++), effects);
                break;
            case WriterEffectKind.Committed:
                Committed.OnCommitted(new EntryId(effect.Epoch, effect.Through), core.Members);
                break;
        }
    }

    private void Read(ScheduledWriter writer, WriterEffect read)
    {
        var core = writer.Core;
        var epoch = core.Epoch;
        Post(() =>
        {
            var source = _nodes[read.Source.Value];
            var index = source.Core.Log.Copy();
            var (start, members) = (source.Base, source.BaseMembers);
            var entries = source.Disk.Where(e => e.Id.Sequence > read.From.Sequence && e.Id.Sequence <= read.Through).Take(3).ToImmutableArray();
            Post(() =>
            {
                if (!_writers.Contains(writer) || core.Epoch != epoch) return;
                if (read.To == BrokerId.None) Do(writer, e => core.OnAdopted(index, e));
                else if (read.From.Sequence < start.Sequence) Do(writer, e => core.OnBehindStart(read.To, start, members, e));
                else Do(writer, e => core.OnRead(read.To, read.From, entries, e));
            });
        });
    }

    private bool IsCut(ScheduledWriter writer, BrokerId node) =>
        !_calm && (_cut & (1 << ((node.Value * 2) + (writer == _writers[0] ? 0 : 1)))) != 0;

    private void Vote(ScheduledWriter writer, BrokerId to, VoterRequest request)
    {
        var voter = _nodes[to.Value];
        var effects = new List<VoterEffect>();
        voter.Core.Step(request, effects);
        // A crash after some of the effects: what is on disk by then is what it comes back with.
        var performed = !_calm && _random.Next(100) == 0 ? _random.Next(effects.Count) : effects.Count;
        foreach (var effect in effects.GetRange(0, performed))
        {
            switch (effect.Kind)
            {
                case VoterEffectKind.Reply:
                    Post(() =>
                    {
                        if (_writers.Contains(writer)) Do(writer, e => writer.Core.OnReply(effect.Answer!, e));
                    });
                    break;
                case VoterEffectKind.Trim:
                    Committed.Require(effect.End <= Committed.End, $"deleted to {effect.End}, which is not committed");
                    voter.Perform(effect);
                    break;
                case VoterEffectKind.Rebase:
                    Rebases++;
                    Committed.Require(Committed.Find(effect.Base.Sequence)?.Id == effect.Base, $"a log begins at {effect.Base}, which is not committed");
                    voter.Perform(effect);
                    Committed.CheckDisk(voter);
                    break;
                default:
                    voter.Perform(effect);
                    if (effect.Kind != VoterEffectKind.Promise) Committed.CheckDisk(voter);
                    break;
            }
        }

        if (performed < effects.Count) voter.Restart();
    }

    private void CheckCaughtUp(QuorumWriterCore core, ImmutableArray<Member> next)
    {
        if (core.Phase != WriterPhase.Leading || Committed.Find(core.Committed) is not { } held) return;
        foreach (var member in next)
            Committed.Require(member.IsVacant || core.Members.Contains(member) || NodeOf(member)?.Holds(held) != false, $"{member} is to count, but has not caught up");
    }

    /// <summary>Null once the disk is lost.</summary>
    private ScheduledVoter? NodeOf(Member member) => _nodes[member.Broker.Value] is var voter && voter.Core.Self == member ? voter : null;

    private DirectoryId NewDisk() => new(new Guid(++_disks, 0, 0, new byte[8]));

    private ScheduledWriter NewWriter() => NewWriter(_random.Next(_nodes.Length));

    private ScheduledWriter NewWriter(int node)
    {
        var home = _nodes[node].Core.Self;
        // A node that came later does not know the first voters.
        var initial = home.Broker.Value < _options.Voters ? _initial : [];
        return new ScheduledWriter(home, new QuorumWriterCore(home, ++_bidders, initial, _options.Rules));
    }
}

internal sealed record ScheduledWriter(Member Home, QuorumWriterCore Core);
