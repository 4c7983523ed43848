using System.Collections.Immutable;
using ActorBroker.Control;
using ActorBroker.Journal;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Event;

namespace ActorBroker.Replication;

/// <summary>What the replica manager does for replication: fetchers for followers, ISR proposals for leaders, cuts for both.</summary>
internal sealed partial class ReplicaManagerActor
{
    private const long ResendMs = 2000;
    private const long UnavailableMs = 250;
    private const long ForgetMs = 10_000;

    private readonly FetcherPool _fetchers;
    private readonly IsrProposals _proposals = new(ResendMs, ForgetMs);
    private BrokerStandings _brokers = BrokerStandings.None;
    private long _brokerEpoch = -1;

    private long NowMs => (long)_setup.Time.GetElapsedTime(0).TotalMilliseconds;

    private void ReceiveReplication()
    {
        Receive<ReplicaManagerProtocol.Registered>(OnRegistered);
        Receive<ReplicaManagerProtocol.SelfFenced>(OnSelfFenced);
        Receive<PartitionProtocol.StartFetching>(OnStartFetching);
        Receive<PartitionProtocol.ProposeIsr>(OnProposeIsr);
        Receive<PartitionProtocol.CutNeeded>(OnCutNeeded);
        Receive<JournalProtocol.CutCompleted>(cut => OnCut(cut.PersistenceId, null));
        Receive<JournalProtocol.CutFailed>(cut => OnCut(cut.PersistenceId, cut.Cause));
        Receive<ProposalsAnswered>(OnProposalsAnswered);
    }

    /// <param name="Answer">Null: none came in time.</param>
    private sealed record ProposalsAnswered(int Batch, object? Answer);

    private IActorRef MakeFetcher(BrokerId leader) => Context.Watch(
        Context.ActorOf(Wire.FetcherActor.Props(_setup.Self, leader, _setup.Options.Follower, _setup.Time, _setup.NextJitter)));

    /// <summary>It broke; its partitions get another.</summary>
    private void OnFetcherStopped(IActorRef fetcher)
    {
        foreach (var key in _fetchers.OnLost(fetcher))
            if (_core.PhaseOf(key) is ReplicaPhase.Starting or ReplicaPhase.Serving) _open[key].Actor!.Tell(PartitionProtocol.FetcherLost.Instance);
    }

    private void OnRegistered(ReplicaManagerProtocol.Registered registered)
    {
        _brokerEpoch = registered.BrokerEpoch;
        _fetchers.OnRegistered(registered.BrokerEpoch);
        _proposals.OnRegistered();
        SendProposals();
    }

    private void OnSelfFenced(ReplicaManagerProtocol.SelfFenced fenced)
    {
        if (_setup.Partitions.IsSelfFenced == fenced.IsFenced) return;
        _setup.Partitions.IsSelfFenced = fenced.IsFenced;
        if (fenced.IsFenced) _log.Warning("Broker {0} has lost the controller: it serves no clients until it finds it again", _setup.Self);
        else _log.Info("Broker {0} has found the controller again", _setup.Self);
    }

    private void OnStartFetching(PartitionProtocol.StartFetching start)
    {
        var key = KeyOf(start.Handle);
        if (IsCurrent(start.Handle)) _fetchers.Follow(key, start.Leader, start.Position, _open[key].Actor!);
    }

    private void OnCutNeeded(PartitionProtocol.CutNeeded needed)
    {
        if (!IsCurrent(needed.Handle)) return;
        var key = KeyOf(needed.Handle);
        _open[key].Cut = needed.Cut;
        Step(effects => _core.OnCutNeeded(key, effects));
    }

    private void Cut(ReplicaKey key)
    {
        var cut = _open[key].Cut!;
        var id = PartitionPersistence.Id(key.Partition);
        _journal.Tell(cut.StartsOver ? new JournalProtocol.StartOver(id, cut.Offset) : new JournalProtocol.CutSuffix(id, cut.Offset));
    }

    private void OnCut(string persistenceId, Exception? fault)
    {
        if (!_byPersistenceId.TryGetValue(persistenceId, out var key)) return;
        var open = _open[key];
        open.HighWatermark = Offset.Min(open.Handle!.CommittedOffset, open.Log.LogEndOffset);
        if (fault is not null) _log.Error(fault, "{0} could not be cut; its log is opened anew", key.Partition);
        Step(effects => _core.OnCut(key, isDone: fault is null, effects));
    }

    private void CheckIsrs()
    {
        foreach (var key in _core.Serving)
            if (_open[key].Handle!.View.IsLeader && _core.Wanted(key)!.Assignment.Replicas.Length > 1) _open[key].Actor!.Tell(PartitionProtocol.CheckIsr.Instance);
    }

    private void OnProposeIsr(PartitionProtocol.ProposeIsr propose)
    {
        var (handle, change) = (propose.Handle, propose.Change);
        _proposals.Add(new ControllerProtocol.IsrProposal(
            handle.TopicId, handle.Partition.Partition, change.LeaderEpoch, change.PartitionEpoch, change.Members));
        SendProposals();
    }

    private void SendProposals()
    {
        Refuse(_proposals.TakeForgotten(NowMs));
        if (_brokerEpoch >= 0 && _shutdownAsker is null && _proposals.TakeDue(NowMs) is { } due)
            Propose(_proposals.Batch, new ControllerProtocol.AlterPartitions(_setup.Self, _brokerEpoch, [.. due]));
        if (_proposals.IsIdle) Timers.Cancel(ReplicaManagerProtocol.Tick.Proposals);
        else if (_shutdownAsker is null) Timers.StartSingleTimer(ReplicaManagerProtocol.Tick.Proposals, ReplicaManagerProtocol.Tick.Proposals, TimeSpan.FromMilliseconds(UnavailableMs));
    }

    /// <summary>Asked rather than told, so that each answer names what it answers.</summary>
    private void Propose(int batch, ControllerProtocol.AlterPartitions proposals) => _ = _setup.Controller
        .Ask<object>(proposals, TimeSpan.FromMilliseconds(ForgetMs))
        .PipeTo(Self, ActorRefs.NoSender, success: answer => new ProposalsAnswered(batch, answer), failure: _ => new ProposalsAnswered(batch, null));

    private void OnProposalsAnswered(ProposalsAnswered answered)
    {
        if (answered.Answer is ControllerProtocol.PartitionsAltered altered) Refuse(_proposals.OnAnswer(answered.Batch, altered, NowMs));
        else if (answered.Answer is not null) _proposals.OnUnavailable(answered.Batch, NowMs, UnavailableMs);
        SendProposals();
    }

    private void Refuse(IEnumerable<ControllerProtocol.IsrProposal> refused)
    {
        foreach (var proposal in refused)
            _setup.Partitions.Find(proposal.Topic, proposal.Index)?.Actor.Tell(new PartitionProtocol.IsrRefused(proposal.PartitionEpoch));
    }

    /// <summary>Not of an incarnation that is stopping or has been replaced.</summary>
    private bool IsCurrent(PartitionHandle handle)
    {
        var key = KeyOf(handle);
        return _core.PhaseOf(key) is ReplicaPhase.Starting or ReplicaPhase.Serving && ReferenceEquals(_open[key].Handle, handle);
    }
}
