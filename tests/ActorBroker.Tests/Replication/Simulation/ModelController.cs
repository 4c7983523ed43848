using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Replication;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Tests.Replication.Simulation;

/// <summary>What the controller has decided, as of one moment.</summary>
internal sealed record Decided(BrokerId? Leader, int LeaderEpoch, ImmutableArray<BrokerId> Isr, ImmutableArray<BrokerId> Eligible, int PartitionEpoch, BrokerStandings Brokers)
{
    public PartitionAssignment For(BrokerId self, ImmutableArray<BrokerId> replicas) =>
        new(self, Leader, new LeaderEpoch(LeaderEpoch), replicas, Isr, Eligible, PartitionEpoch, Brokers);
}

/// <summary>The controller's rules for one partition, written down as plainly as can be: KIP-497, 841, 903, 966.</summary>
internal sealed class ModelController
{
    private readonly Dictionary<BrokerId, BrokerStanding> _brokers = [];
    private readonly int _minIsr;
    private readonly Random _random;
    private long _nextBrokerEpoch = 1;

    public ModelController(ImmutableArray<BrokerId> replicas, int minIsr, Random random)
    {
        _random = random;
        Replicas = replicas;
        _minIsr = minIsr;
        foreach (var id in replicas) _brokers[id] = new BrokerStanding(_nextBrokerEpoch++, IsActive: true);
        Now = new Decided(replicas[0], 0, replicas, [], 0, Standings());
    }

    public ImmutableArray<BrokerId> Replicas { get; }

    public Decided Now { get; private set; }

    public long EpochOf(BrokerId id) => _brokers[id].Epoch;

    public bool IsFenced(BrokerId id) => !_brokers[id].IsActive;

    /// <summary>Out of the ISR, and into the ELR as far as the ISR would fall below its minimum.</summary>
    public void Fence(BrokerId id)
    {
        if (IsFenced(id)) return;
        _brokers[id] = _brokers[id] with { IsActive = false };
        Change(Now.Isr.Remove(id), Now.Leader == id ? null : Now.Leader);
    }

    /// <summary>The same process was merely silent.</summary>
    public void Unfence(BrokerId id)
    {
        if (!IsFenced(id)) return;
        _brokers[id] = _brokers[id] with { IsActive = true };
        Change(Now.Isr, Now.Leader);
    }

    /// <summary>A new process. One that lost what it had not flushed leaves everything that says it has it.</summary>
    public void Register(BrokerId id, bool hasLost)
    {
        Fence(id);
        _brokers[id] = new BrokerStanding(_nextBrokerEpoch++, IsActive: false);
        if (hasLost) Now = Now with { Eligible = Now.Eligible.Remove(id), PartitionEpoch = Now.PartitionEpoch + 1 };
        Unfence(id);
    }

    public (bool Accepted, int PartitionEpoch) Decide(BrokerId from, IsrChange change)
    {
        var fits = Now.Leader == from && Now.LeaderEpoch == change.LeaderEpoch.Value && Now.PartitionEpoch == change.PartitionEpoch;
        fits &= change.Members.All(member => _brokers[member.Id].IsActive && _brokers[member.Id].Epoch == member.BrokerEpoch);
        if (fits) Change([.. change.Members.Select(member => member.Id)], from);
        return (fits, Now.PartitionEpoch);
    }

    private void Change(ImmutableArray<BrokerId> isr, BrokerId? leader)
    {
        var left = Now.Isr.Where(id => !isr.Contains(id));
        var eligible = isr.Length >= _minIsr ? [] : Now.Eligible.Union(left).Except(isr).ToImmutableArray();
        if (leader is null)
        {
            leader = Electable(isr) ?? Electable(eligible);
            if (leader is { } elected && !isr.Contains(elected))
            {
                isr = isr.Add(elected);
                eligible = isr.Length >= _minIsr ? [] : eligible.Remove(elected);
            }
        }

        var epoch = leader == Now.Leader ? Now.LeaderEpoch : Now.LeaderEpoch + 1;
        Now = new Decided(leader, epoch, isr, eligible, Now.PartitionEpoch + 1, Standings());
    }

    /// <summary>Any of them: whoever may lead must be able to.</summary>
    private BrokerId? Electable(ImmutableArray<BrokerId> candidates)
    {
        var active = candidates.Where(id => _brokers[id].IsActive).ToList();
        return active.Count == 0 ? null : active[_random.Next(active.Count)];
    }

    private BrokerStandings Standings() => new(_brokers);
}
