using Akka.Actor;
using Akka.Event;

namespace Akka.Cluster;

/// <summary>Keeping the members' views alike, and noticing who no longer answers.</summary>
internal sealed partial class ClusterCoreDaemon
{
    /// <summary>Fewer than half have seen the latest change.</summary>
    private bool IsSpeedUpNeeded => Current.SeenBy.Count < Current.Members.Count / 2;

    /// <summary>To one node, rather to one that has another view.</summary>
    private void SendGossip()
    {
        if (Current.Members.Count < 2)
            return;
        var peers = new List<UniqueAddress>();
        if (_random.NextDouble() < _settings.DifferentViewProbability(Current.Members.Count))
            foreach (var m in Current.Members)
                if (_state.CanGossipTo(m.UniqueAddress) && !Current.IsSeenBy(m.UniqueAddress))
                    peers.Add(m.UniqueAddress);
        if (peers.Count == 0)
            AddGossipPeers(peers);
        if (peers.Count == 0)
            return;
        var peer = peers[_random.Next(peers.Count)];
        if (Current.IsSeenBy(peer))
            GossipStatusTo(peer);
        else
            GossipTo(peer);
    }

    /// <summary>For what must be known soon.</summary>
    private void SendGossipToSome(int count)
    {
        var peers = new List<UniqueAddress>();
        AddGossipPeers(peers);
        for (; count > 0 && peers.Count > 0; count--)
        {
            var at = _random.Next(peers.Count);
            GossipTo(peers[at]);
            peers.RemoveAt(at);
        }
    }

    private void AddGossipPeers(List<UniqueAddress> peers)
    {
        foreach (var m in Current.Members)
            if (_state.CanGossipTo(m.UniqueAddress))
                peers.Add(m.UniqueAddress);
    }

    private void GossipTo(UniqueAddress node)
    {
        if (_state.CanGossipTo(node))
            CoreAt(node.Address).Tell(new ClusterProtocol.GossipEnvelope(Me, node, Current));
    }

    private void GossipStatusTo(UniqueAddress node)
    {
        if (_state.CanGossipTo(node))
            CoreAt(node.Address).Tell(new ClusterProtocol.GossipStatus(Me, Current.Version));
    }

    private void OnGossipStatus(ClusterProtocol.GossipStatus status)
    {
        if (!IsFromPeer(status.From))
            return;
        switch (status.Version.CompareTo(Current.Version))
        {
            case VectorClock.Ordering.Same:
                break;
            case VectorClock.Ordering.After:
                // Asks for what the other has.
                GossipStatusTo(status.From);
                break;
            default:
                GossipTo(status.From);
                break;
        }
    }

    /// <summary>
    /// What an unreachable node says is not heard, or it could undo what is decided about it meanwhile.
    /// </summary>
    private bool IsFromPeer(UniqueAddress from)
    {
        if (!Current.Has(from))
            _cluster.Log($"Ignoring received gossip from unknown [{from}]");
        else if (!Current.Reachability.IsReachable(Me, from))
            _cluster.Log($"Ignoring received gossip from unreachable [{from}]");
        else
            return true;
        return false;
    }

    private void OnGossip(ClusterProtocol.GossipEnvelope envelope)
    {
        var (from, to, remote, receivedAt) = envelope;
        if (receivedAt != default && Now - receivedAt > _settings.GossipTimeToLive)
            return;
        if (!to.Equals(Me))
        {
            _cluster.Log($"Ignoring received gossip intended for someone else, from [{from.Address}] to [{to}]");
            return;
        }

        if (!remote.Has(Me))
        {
            // Removed already: they know.
            EndFarewell();
            _cluster.Log($"Ignoring received gossip that does not contain myself, from [{from.Address}]");
            return;
        }

        if (!IsFromPeer(from))
            return;
        var local = Current;
        var statusBefore = _state.SelfStatus;
        var (ordering, winner, talkBack) = MembershipRules.Receive(local, remote, Me);
        // On its way out a node has seen nothing until what it must do first is done: its removal waits for that.
        _state = _state.With(_exitingInProgress ? winner : winner.WithSeen(Me));
        foreach (var m in Current.Members)
            if (!local.Has(m.UniqueAddress))
                _cluster.FailureDetector.Remove(m.Address);
        PublishState();
        if (_state.SelfStatus == MemberStatus.Exiting)
            StartExiting("Exiting, starting coordinated shutdown.");
        if (_state.SelfStatus == MemberStatus.Down && statusBefore != MemberStatus.Down)
        {
            _log.Warning("Cluster Node [{0}] - Received gossip where this member has been downed, from [{1}]", _cluster.SelfAddress, from.Address);
            StopWhenDown();
        }
        else if (talkBack && !(_exitingInProgress && ordering is VectorClock.Ordering.Same or VectorClock.Ordering.After))
            GossipTo(from);
        if (_farewell is not null && IsExitKnown)
            EndFarewell();
    }

    private void ReapUnreachable()
    {
        if (Current.Members.Count < 2)
            return;
        var reachability = Current.Reachability;
        foreach (var m in Current.Members)
        {
            if (m.UniqueAddress.Equals(Me) || !reachability.IsReachable(Me, m.UniqueAddress) || _cluster.FailureDetector.IsAvailable(m.Address))
                continue;
            reachability = reachability.Unreachable(Me, m.UniqueAddress);
            if (m.Status == MemberStatus.Exiting)
                _cluster.Log($"Marking exiting node(s) as UNREACHABLE [{m}]. This is expected and they will be removed.");
            else
                _log.Warning("Cluster Node [{0}] - Marking node(s) as UNREACHABLE [{1}]", _cluster.SelfAddress, m);
        }

        foreach (var node in Current.Reachability.AllUnreachableFrom(Me))
        {
            if (!_cluster.FailureDetector.IsAvailable(node.Address))
                continue;
            reachability = reachability.Reachable(Me, node);
            _cluster.Log($"Marking node(s) as REACHABLE [{node}]");
        }

        if (!ReferenceEquals(reachability, Current.Reachability))
            Change(Current with { Reachability = reachability });
    }

    /// <summary>Remoting refuses that incarnation for good: it can only be downed.</summary>
    private void OnQuarantined(UniqueAddress node)
    {
        if (!Current.Has(node))
            return;
        var reachability = Current.Reachability.Terminated(Me, node);
        if (ReferenceEquals(reachability, Current.Reachability))
            return;
        _log.Warning("Cluster Node [{0}] - Marking node as TERMINATED [{1}], due to quarantine. It must still be marked as down before it's removed.",
            _cluster.SelfAddress, node.Address);
        Change(Current with { Reachability = reachability });
    }
}
