using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Replication;

namespace ActorBroker.Tests.Replication.Simulation;

/// <summary>A rule that is taken out on purpose: the checker must notice.</summary>
internal enum BrokenRule
{
    None,

    /// <summary>The leader forgets what it has proposed, which the controller may accept all the same.</summary>
    ProposedIsrIsIgnored,

    /// <summary>Fetches count whatever leader epoch the follower knows.</summary>
    AnyEpochCounts,

    /// <summary>Followers go on where they are, wherever the leader's log differs.</summary>
    NothingIsCut,

    /// <summary>Whatever a producer sends is written.</summary>
    DuplicatesAreNotJudged,

    /// <summary>A new incarnation of a replica knows no producers.</summary>
    ProducersAreForgotten,

    /// <summary>A replica that begins to lead does not know of what it is still writing as a follower.</summary>
    WhatIsFetchedCountsLate,

    /// <summary>What was begun behind a batch that the log rejected is written.</summary>
    RejectionsTakeNothingAlong,
}

/// <summary>
/// Three replicas of one partition: the real cores, one seeded queue, a model of the controller. Messages are lost, doubled and
/// late; replicas crash, with and without losing what was not flushed; leaders are fenced though they live; writes are rejected.
/// One of the clients is an idempotent producer (<see cref="IdempotentClient"/>).
/// After each step: what was acknowledged with acks=all is where it was on whoever the controller says leads; what any
/// replica holds as committed is the same everywhere, for ever, with each of the producer's records once and in order. In the end
/// everybody heals, the logs are equal, and hold all that the producer sent.
/// </summary>
internal sealed class ReplicationSimulation(int seed, BrokenRule broken)
{
    public const long LagTimeMs = 50;
    private const int MinIsr = 2;
    private static readonly ImmutableArray<BrokerId> Ids = [new(1), new(2), new(3)];

    private readonly Random _random = new(seed);
    private readonly ModelController _controller = new(Ids, MinIsr, new Random(seed));
    private readonly List<(Action Arrive, IsrChange? Proposal)> _network = [];
    private readonly Dictionary<BrokerId, IsrChange> _proposals = [];
    private readonly Dictionary<int, int> _acknowledged = []; // offset to value
    private readonly List<Entry> _committed = [];
    private readonly Dictionary<BrokerId, int> _checked = [];
    private readonly IdempotentClient _client = new();
    private readonly HashSet<(PartitionCore Leader, LeaderEpoch Epoch, PartitionCore Follower)> _agreed = [];
    private SimulatedReplica[] _replicas = [];
    private long _nowMs;
    private int _nextValue;
    private int _nextSequence; // to be committed
    private bool _isHealing;

    public int Acknowledged => _acknowledged.Count;

    public int Elections => _controller.Now.LeaderEpoch;

    public int Cuts { get; private set; }

    /// <summary>Of the idempotent producer.</summary>
    public int AcknowledgedOnce => _client.Acknowledged;

    public int SentAgain => _client.SentAgain;

    /// <summary>Throws <see cref="SimulationFailedException"/> when a promise is broken.</summary>
    public void Run(int steps)
    {
        var settings = PartitionScript.Settings(MinIsr);
        _replicas = [.. Ids.Select(id => new SimulatedReplica(id, settings, Ids, broken))];
        foreach (var replica in _replicas)
        {
            replica.Start(_controller.EpochOf(replica.Id), _controller.Now, _nowMs);
            Perform(replica);
        }

        for (var step = 0; step < steps; step++) Step();
        Heal();
    }

    private void Step()
    {
        _nowMs += _random.Next(3);
        var replica = _replicas[_random.Next(_replicas.Length)];
        switch (_random.Next(46))
        {
            case < 13: Deliver(); break;
            case < 22: if (replica.IsUp) replica.Work(_random.Next(2) == 0, isFull: _random.Next(30) == 0, _nowMs); break;
            case < 27: if (replica.IsUp) replica.Produce(++_nextValue, _random.Next(4) == 0 ? Acks.Leader : Acks.All); break;
            case < 31: Fetch(replica); break;
            case 31: TellMarks(replica); break;
            case < 35: if (replica.IsUp) replica.Learn(_controller.Now, _nowMs); break;
            case 35: if (replica.IsUp) replica.Core.OnIsrTick(_nowMs, replica.Effects); break;
            case 36 when _random.Next(3) == 0: if (replica.IsUp) SendProposal(replica); break;
            case 36: if (replica.IsUp) replica.TakeCheckpoint(); break;
            case 37: Crash(replica); break;
            case 38: if (!replica.IsUp) Restart(replica, hasLost: false); else _controller.Unfence(replica.Id); break;
            case 39: if (_random.Next(2) == 0) _controller.Fence(replica.Id); break;
            default: SendIdempotent(replica, _client.Next(_random)); break;
        }

        if (_random.Next(10) == 0) _nowMs += LagTimeMs;
        if (replica.IsUp) Perform(replica);
        Check();
    }

    private void SendIdempotent(SimulatedReplica leader, int sequence) => Send(() =>
    {
        if (!leader.IsUp) return;
        leader.Produce(IdempotentClient.ValueOf(sequence), Acks.All, sequence);
        Perform(leader);
    });

    private void Deliver()
    {
        if (_network.Count == 0) return;
        var at = _random.Next(_network.Count);
        var message = _network[at];
        if (_random.Next(20) != 0)
        {
            _network[at] = _network[^1];
            _network.RemoveAt(_network.Count - 1);
        }

        if (_isHealing || _random.Next(12) != 0) message.Arrive();
    }

    private void Send(Action message, IsrChange? proposal = null) => _network.Add((message, proposal));

    private void Crash(SimulatedReplica replica)
    {
        if (!replica.IsUp || _random.Next(3) != 0) return;
        // Losing unflushed records is survived only as long as they are elsewhere: by what is promised, on two others.
        var mayLose = _replicas.Count(other => other != replica && other.IsUp && HoldsAcknowledged(other)) == 2
            && _controller.Now.Isr.Length == Ids.Length;
        var loses = mayLose && _random.Next(2) == 0;
        replica.Crash(keep: loses ? _random.Next(replica.Log.Count + 1) : replica.Log.Count);
        _checked.Remove(replica.Id);
        replica.Checkpoint = Math.Min(replica.Checkpoint, replica.Log.Count);
        if (loses) Restart(replica, hasLost: true);
    }

    private void Restart(SimulatedReplica replica, bool hasLost)
    {
        _controller.Register(replica.Id, hasLost);
        replica.Start(_controller.EpochOf(replica.Id), _controller.Now, _nowMs);
        Perform(replica);
    }

    private void Fetch(SimulatedReplica follower)
    {
        if (!follower.IsUp || follower.Fetching is not { } position || follower.Known.Leader is not { } leaderId) return;
        var (leader, brokerEpoch, incarnation) = (_replicas[leaderId.Value - 1], follower.BrokerEpoch, follower.Core);
        Send(() =>
        {
            if (!leader.IsUp) return;
            var epoch = broken == BrokenRule.AnyEpochCounts ? leader.Core.LeaderEpoch : position.LeaderEpoch;
            var lastEpoch = broken is BrokenRule.NothingIsCut or BrokenRule.AnyEpochCounts ? LeaderEpoch.None : position.LastEpoch;
            leader.Core.OnFollowerFetch(
                new FollowerFetch(new RequestKey(incarnation, follower.Id.Value, (int)position.Offset.Value), follower.Id, brokerEpoch, epoch, position.Offset, lastEpoch), _nowMs, leader.Effects);
            Perform(leader);
        });
    }

    /// <summary>The leader tells now and then how far its log is committed, also when it has nothing else to say.</summary>
    private void TellMarks(SimulatedReplica follower)
    {
        if (!follower.IsUp || follower.Known.Leader is not { } id || _replicas[id.Value - 1] is not { IsUp: true, Core.IsLeader: true } leader) return;
        if (!_agreed.Contains((leader.Core, leader.Core.LeaderEpoch, follower.Core))) return;
        var incarnation = follower.Core;
        var (epoch, highWatermark) = (leader.Core.LeaderEpoch, leader.Core.State.HighWatermark);
        Send(() =>
        {
            if (!follower.IsUp || follower.Core != incarnation) return;
            follower.OnFetched(epoch, follower.Core.State.LogEnd, [], highWatermark);
            Perform(follower);
        });
    }

    private void Perform(SimulatedReplica replica)
    {
        for (var i = 0; i < replica.Effects.Count; i++) Perform(replica, replica.Effects[i]);
        replica.Effects.Clear();
    }

    private void Perform(SimulatedReplica replica, PartitionEffect effect)
    {
        switch (effect.Kind)
        {
            case PartitionEffectKind.ProduceReply when effect.Error == PartitionError.None:
                OnAcknowledged(replica, effect);
                var sequence = effect.Key.Slot;
                if (sequence >= 0 && effect.Key.Client is "producer") Send(() => _client.OnAcknowledged(sequence)); // which may be lost
                break;
            case PartitionEffectKind.FollowerAnswer:
                Answer(replica, effect);
                break;
            case PartitionEffectKind.FollowerAccepted:
                _agreed.Add((replica.Core, replica.Core.LeaderEpoch, (PartitionCore)effect.Key.Client));
                break;
            case PartitionEffectKind.ProposeIsr:
                Propose(replica, effect.Isr!);
                break;
            case PartitionEffectKind.AssignEpoch:
                replica.AssignEpoch(effect.Epoch);
                break;
            case PartitionEffectKind.StartFetching:
                replica.DropEmptyEpoch();
                replica.Fetching = replica.Position(effect.Epoch);
                break;
            case PartitionEffectKind.Replicated:
                if (replica.Fetching is not null) replica.Fetching = replica.Position(effect.Epoch);
                break;
            case PartitionEffectKind.Cut:
                Cuts++;
                _checked.Remove(replica.Id);
                replica.Cut((int)effect.Offset.Value, _nowMs);
                break;
        }
    }

    private void OnAcknowledged(SimulatedReplica replica, in PartitionEffect effect)
    {
        var (offset, value) = ((int)effect.Offset.Value, (int)effect.Key.Call);
        // With acks=1 a record may be lost: only what is committed as well is promised.
        if (offset < replica.Core.State.HighWatermark.Value) _acknowledged[offset] = value;
        else if (effect.Key.Client is "producer") Fail($"{replica.Id} acknowledges {value} at {offset} though it is not committed");
    }

    private void Answer(SimulatedReplica leader, in PartitionEffect effect)
    {
        var follower = _replicas[effect.Key.Call - 1];
        var incarnation = effect.Key.Client;
        var (from, error, epoch) = (new Offset(effect.Key.Slot), effect.Error, leader.Core.LeaderEpoch);
        var end = new EpochEnd(effect.Epoch, effect.Offset);
        if (error == PartitionError.None) _agreed.Add((leader.Core, epoch, (PartitionCore)incarnation));
        var available = (int)(leader.Core.State.LogEnd - from);
        var entries = error == PartitionError.None && available > 0 ? leader.Log.GetRange((int)from.Value, Math.Min(available, 1 + _random.Next(3))).ToArray() : [];
        var highWatermark = leader.Core.State.HighWatermark;
        Send(() =>
        {
            if (!follower.IsUp || follower.Core != incarnation) return; // it came through a connection that is gone
            if (error == PartitionError.None) follower.OnFetched(epoch, from, entries, highWatermark);
            else if (error == PartitionError.Diverging) follower.Core.OnDiverging(epoch, from, end, follower.Effects);
            Perform(follower);
        });
    }

    private void Propose(SimulatedReplica leader, IsrChange change)
    {
        _proposals[leader.Id] = change;
        SendProposal(leader);
        if (broken == BrokenRule.ProposedIsrIsIgnored) leader.Core.OnIsrRefused(change.PartitionEpoch, _nowMs, leader.Effects);
    }

    /// <summary>First and again: it may be lost on its way. As IsrProposals has it, it counts as refused once no copy can arrive any more.</summary>
    private void SendProposal(SimulatedReplica leader)
    {
        if (!_proposals.TryGetValue(leader.Id, out var change)) return;
        var incarnation = leader.Core;
        Send(
            () =>
            {
                var (accepted, partitionEpoch) = _controller.Decide(leader.Id, change);
                if (accepted || partitionEpoch != change.PartitionEpoch || _network.Exists(message => message.Proposal == change)) return;
                if (_proposals.GetValueOrDefault(leader.Id) == change) _proposals.Remove(leader.Id);
                if (!leader.IsUp || leader.Core != incarnation) return;
                leader.Core.OnIsrRefused(change.PartitionEpoch, _nowMs, leader.Effects);
                Perform(leader);
            },
            change);
    }

    private void Heal()
    {
        _isHealing = true;
        foreach (var replica in _replicas)
            if (!replica.IsUp) Restart(replica, hasLost: false);
        for (var round = 0; round < 400; round++)
        {
            _nowMs += 5;
            foreach (var replica in _replicas)
            {
                _controller.Unfence(replica.Id);
                replica.Learn(_controller.Now, _nowMs);
                Perform(replica);
                while (replica.HasWork) replica.Work(writeFirst: true, isFull: false, _nowMs);
                replica.Core.OnIsrTick(_nowMs, replica.Effects);
                Perform(replica);
                SendProposal(replica);
                Fetch(replica);
                TellMarks(replica);
                foreach (var sequence in _client.Unacknowledged) SendIdempotent(replica, sequence);
            }

            while (_network.Count > 0) Deliver();
            Check();
            if (_replicas.All(replica => !replica.HasWork && replica.Log.SequenceEqual(_replicas[0].Log) && replica.Core.State.HighWatermark.Value == replica.Log.Count)
                && _controller.Now.Isr.Length == Ids.Length && _client.IsDone)
            {
                if (_nextSequence != _client.Sent) Fail($"{_client.Sent} were sent and acknowledged, {_nextSequence} are there");
                return;
            }
        }

        Fail("the replicas do not come together again");
    }

    private void Check()
    {
        foreach (var replica in _replicas)
        {
            if (!replica.IsUp) continue;
            if (replica.Core.IsLeader && replica.Core.LeaderEpoch.Value == _controller.Now.LeaderEpoch && !HoldsAcknowledged(replica))
                Fail($"{replica.Id} leads at epoch {replica.Core.LeaderEpoch} without a record that was acknowledged");
            CheckCommitted(replica);
        }
    }

    /// <summary>What this replica holds as committed is what anybody ever held as committed there.</summary>
    private void CheckCommitted(SimulatedReplica replica)
    {
        var highWatermark = (int)replica.Core.State.HighWatermark.Value;
        for (var offset = _checked.GetValueOrDefault(replica.Id); offset < highWatermark; offset++)
        {
            if (offset == _committed.Count) Commit(replica.Log[offset]);
            else if (_committed[offset] != replica.Log[offset]) Fail($"{replica.Id} holds {replica.Log[offset]} as committed at {offset}, where {_committed[offset]} was");
        }

        _checked[replica.Id] = Math.Max(highWatermark, _checked.GetValueOrDefault(replica.Id));
    }

    private void Commit(Entry entry)
    {
        _committed.Add(entry);
        if (entry.Sequence < 0) return;
        if (entry.Sequence != _nextSequence) Fail($"the producer's record {entry.Sequence} is committed where {_nextSequence} comes next");
        _nextSequence++;
    }

    private bool HoldsAcknowledged(SimulatedReplica replica)
    {
        foreach (var (offset, value) in _acknowledged)
            if (offset >= replica.Log.Count || replica.Log[offset].Value != value) return false;
        return true;
    }

    private void Fail(string what)
    {
        var now = _controller.Now;
        var replicas = _replicas.Select(replica => $"{replica.Id}: {(replica.IsUp ? replica.Core.Role.ToString() : "down")} epoch {replica.Core.LeaderEpoch}"
            + $" partition epoch {replica.Known.PartitionEpoch} hw {replica.Core.State.HighWatermark} fetching {replica.Fetching} log {string.Join(" ", replica.Log.Select(entry => $"{entry.Epoch}:{entry.Value}"))}");
        throw new SimulationFailedException(
            $"seed {seed}: {what}\nleader {now.Leader} epoch {now.LeaderEpoch} isr {string.Join(",", now.Isr)} elr {string.Join(",", now.Eligible)} partition epoch {now.PartitionEpoch}\n{string.Join("\n", replicas)}");
    }
}

internal sealed class SimulationFailedException(string message) : Exception(message);
