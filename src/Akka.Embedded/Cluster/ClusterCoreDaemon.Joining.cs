using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Akka.Cluster;

/// <summary>The way in, of this node and of others.</summary>
internal sealed partial class ClusterCoreDaemon
{
    private ImmutableList<Address> _seedNodes;
    private IActorRef? _seedProcess;
    private int _seedProcesses;
    private Address? _joiningWith;

    private void OnInitJoin()
    {
        if (_phase != Phase.Initialized || Member.IsRemovable(_state.SelfStatus))
        {
            _cluster.Log($"Received InitJoin message from [{Sender.Path.Address}], but this node is not initialized yet");
            Sender.Tell(new ClusterProtocol.InitJoinNack(_cluster.SelfAddress));
            return;
        }

        _cluster.Log($"Received InitJoin message from [{Sender.Path.Address}], will reply with InitJoinAck");
        Sender.Tell(new ClusterProtocol.InitJoinAck(_cluster.SelfAddress));
    }

    private void OnJoinSeedNodes(ImmutableList<Address> nodes)
    {
        if (_phase == Phase.Initialized)
        {
            _cluster.Log($"Trying to join seed nodes [{string.Join(", ", nodes)}] when already part of a cluster, ignoring");
            return;
        }

        if (nodes.IsEmpty)
            return;
        _joiningWith = null;
        _phase = Phase.Uninitialized;
        Timers.Cancel(Tick.RetryJoin);
        StopSeedProcess();
        _seedNodes = nodes;
        if (_settings.ShutdownAfterUnsuccessfulJoinSeedNodes is { } giveUp && !Timers.IsTimerActive(Tick.GiveUpJoining))
            Timers.StartSingleTimer(Tick.GiveUpJoining, Tick.GiveUpJoining, giveUp);
        if (nodes.Count == 1 && nodes[0].Equals(_cluster.SelfAddress))
        {
            // Nobody else to ask.
            OnJoinTo(_cluster.SelfAddress);
            return;
        }

        var others = nodes.Where(n => !n.Equals(_cluster.SelfAddress)).Distinct().ToImmutableArray();
        var first = nodes[0].Equals(_cluster.SelfAddress);
        _seedProcess = Context.ActorOf(
            Props.Of(() => new JoinSeedNodeProcess(_cluster, others, first)).WithDispatcher(_settings.UseDispatcher),
            $"{(first ? "firstSeedNodeProcess" : "joinSeedNodeProcess")}-{++_seedProcesses}");
    }

    private void OnJoinTo(Address address)
    {
        if (_phase == Phase.Initialized)
        {
            _cluster.Log($"Trying to join [{address}] when already part of a cluster, ignoring");
            return;
        }

        if (!IsOfThisCluster(address))
            return;
        StopSeedProcess();
        _phase = Phase.TryingToJoin;
        _joiningWith = address;
        if (address.Equals(_cluster.SelfAddress))
        {
            BecomeInitialized();
            OnJoin(Me, _cluster.SelfRoles);
            return;
        }

        if (_settings.RetryUnsuccessfulJoinAfter is { } retry)
            Timers.StartSingleTimer(Tick.RetryJoin, Tick.RetryJoin, retry);
        CoreAt(address).Tell(new ClusterProtocol.Join(Me, _cluster.SelfRoles));
    }

    private bool IsOfThisCluster(Address address)
    {
        if (address.Protocol == _cluster.SelfAddress.Protocol && address.System == _cluster.SelfAddress.System)
            return true;
        _log.Warning("Member with wrong protocol or ActorSystem name, ignored: expected [{0}://{1}] but was [{2}]",
            _cluster.SelfAddress.Protocol, _cluster.SelfAddress.System, address);
        return false;
    }

    private void RetryJoin()
    {
        if (_phase != Phase.TryingToJoin || _joiningWith is not { } with)
            return;
        _phase = Phase.Uninitialized;
        if (_seedNodes.IsEmpty)
            OnJoinTo(with);
        else
            OnJoinSeedNodes(_seedNodes);
    }

    private void GiveUpJoining()
    {
        if (_phase == Phase.Initialized)
            return;
        _log.Warning("Joining of seed-nodes [{0}] was unsuccessful after configured shutdown-after-unsuccessful-join-seed-nodes [{1}]. Running CoordinatedShutdown.",
            string.Join(", ", _seedNodes), _settings.ShutdownAfterUnsuccessfulJoinSeedNodes);
        StopSeedProcess();
        _ = _shutdown.Run(CoordinatedShutdown.ClusterJoinUnsuccessfulReason.Instance);
    }

    private void StopSeedProcess()
    {
        if (_seedProcess is null)
            return;
        // It may be the one who told, and then ends by itself; stopping twice does no harm.
        Context.Stop(_seedProcess);
        _seedProcess = null;
    }

    private void BecomeInitialized()
    {
        _phase = Phase.Initialized;
        StopSeedProcess();
        Timers.Cancel(Tick.RetryJoin);
        Timers.Cancel(Tick.GiveUpJoining);
    }

    /// <summary>Another node asks to be let in, or this one forms a cluster.</summary>
    private void OnJoin(UniqueAddress node, ImmutableHashSet<string> roles)
    {
        // A node that is in no cluster can let nobody in. It will ask again.
        if (_phase != Phase.Initialized || !IsOfThisCluster(node.Address))
            return;
        var first = Current.Members.IsEmpty;
        var (verdict, gossip) = MembershipRules.Join(_state, Member.Create(node, roles), Member.Create(Me, _cluster.SelfRoles));
        switch (verdict)
        {
            case JoinVerdict.NotNow:
                _cluster.Log($"Trying to join [{node}] to [{_state.SelfStatus}] member, ignoring. Use a member that is Up instead.");
                break;
            case JoinVerdict.Again when !node.Equals(Me):
                _cluster.Log($"Existing member [{node}] is joining again.");
                Sender.Tell(new ClusterProtocol.Welcome(Me, Current));
                break;
            case JoinVerdict.OldIncarnation:
                _cluster.Log($"New incarnation of existing member [{node}] is trying to join. Existing will be removed from the cluster and then new member will be allowed to join.");
                if (!ReferenceEquals(gossip, Current))
                    Change(gossip);
                break;
            case JoinVerdict.Joined:
                // What its address did before says nothing about this incarnation.
                _cluster.FailureDetector.Remove(node.Address);
                Change(gossip);
                if (node.Equals(Me))
                {
                    _cluster.Log($"Node [{node.Address}] is JOINING itself (with roles [{string.Join(',', roles)}]) and forming a new cluster");
                    // At once, so that who forms a cluster is its oldest member.
                    if (first)
                        LeaderTurn();
                }
                else
                {
                    _cluster.Log($"Node [{node.Address}] is JOINING, roles [{string.Join(',', roles)}]");
                    Sender.Tell(new ClusterProtocol.Welcome(Me, Current));
                }

                break;
        }
    }

    private void OnWelcome(ClusterProtocol.Welcome welcome)
    {
        if (_phase != Phase.TryingToJoin)
            return;
        if (!welcome.From.Address.Equals(_joiningWith) || !welcome.Gossip.Has(Me))
        {
            _cluster.Log($"Ignoring welcome from [{welcome.From.Address}] when trying to join with [{_joiningWith}]");
            return;
        }

        _cluster.Log($"Welcome from [{welcome.From.Address}]");
        _state = _state.With(welcome.Gossip).Seen();
        BecomeInitialized();
        PublishState();
        GossipTo(welcome.From);
    }
}
