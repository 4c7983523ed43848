using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Cluster;

/// <summary>Moving members on in their lives, as leader; and the ways out: leaving, exiting, being down.</summary>
internal sealed partial class ClusterCoreDaemon
{
    private ImmutableHashSet<UniqueAddress> _exitingConfirmed = [];
    private IActorRef? _farewell;
    private bool _isLeader;
    private int _turnsWithoutConvergence;
    private int _turnsAfterDown;

    private void LeaderTurn()
    {
        var leads = _state.IsLeader;
        if (leads != _isLeader)
            _cluster.Log(leads ? "is the new leader among reachable nodes (more leaders may exist)" : "is no longer leader");
        _isLeader = leads;
        if (leads)
            Lead();
        // Another leader may have removed them.
        _exitingConfirmed = _exitingConfirmed.Except(_exitingConfirmed.Where(n => !Current.Has(n)));
        StopWhenDown();
    }

    private void Lead()
    {
        var enough = MembershipRules.HasEnoughMembers(Current, _settings.MinNrOfMembers, _settings.MinNrOfMembersOfRole);
        if (_state.HasConvergence(_exitingConfirmed))
        {
            _turnsWithoutConvergence = 0;
            Take(MembershipRules.Lead(_state, enough, _exitingConfirmed));
            return;
        }

        const int firstNotice = 20;
        const int laterNotices = 60;
        _turnsWithoutConvergence++;
        if (_settings.AllowWeaklyUpMembers && _turnsWithoutConvergence * _settings.LeaderActionsInterval >= _settings.WeaklyUpAfter)
            Take(MembershipRules.MoveToWeaklyUp(_state, enough));
        if (_turnsWithoutConvergence == firstNotice || _turnsWithoutConvergence % laterNotices == 0)
            _cluster.Log($"Leader can currently not perform its duties, reachability status: [{_state.TrustedReachability}], member status: [{string.Join(", ", Current.Members.Select(m => $"{m.Address} {m.Status} seen={Current.IsSeenBy(m.UniqueAddress)}"))}]");
    }

    private void Take(LeaderTurn turn)
    {
        if (turn.IsIdle)
            return;
        if (turn.Gossip.Find(Me)?.Status == MemberStatus.Exiting)
            StartExiting("Exiting (leader), starting coordinated shutdown.");
        _exitingConfirmed = _exitingConfirmed.Except(turn.Removed.Select(static m => m.UniqueAddress));
        foreach (var m in turn.Changed)
            _cluster.Log($"Leader is moving node [{m.Address}] to [{m.Status}]");
        foreach (var m in turn.Removed)
            _cluster.Log($"Leader is removing {(m.Status == MemberStatus.Exiting ? "exiting" : "unreachable")} node [{m.Address}]");
        Change(turn.Gossip);
        TellOldest(turn.Changed);
    }

    /// <summary>
    /// Singletons move from an exiting member to the next oldest of its role: both should know soon, whatever the chance of gossip.
    /// </summary>
    private void TellOldest(ImmutableList<Member> changed)
    {
        var targets = new HashSet<UniqueAddress>();
        foreach (var m in changed)
        {
            if (m.Status != MemberStatus.Exiting)
                continue;
            targets.Add(m.UniqueAddress);
            AddOldest(targets, static _ => true);
            foreach (var role in m.Roles)
                AddOldest(targets, other => other.HasRole(role));
        }

        foreach (var node in targets)
            GossipTo(node);
    }

    private void AddOldest(HashSet<UniqueAddress> targets, Func<Member, bool> counts)
    {
        foreach (var m in Current.Members.Where(counts).Order(Member.AgeOrdering).Take(2))
            targets.Add(m.UniqueAddress);
    }

    private void OnLeave(Address address)
    {
        if (MembershipRules.Leave(_state, address) is not { } gossip)
            return;
        Change(gossip);
        _cluster.Log($"Marked address [{address}] as [{MemberStatus.Leaving}]");
        SendGossip();
    }

    private void OnDown(Address address)
    {
        if (_state.FindByAddress(address) is not { } member)
        {
            _cluster.Log($"Ignoring down of unknown node [{address}]");
            return;
        }

        if (MembershipRules.Down(_state, address) is not { } gossip)
            return;
        _cluster.Log($"Marking {(Current.Reachability.IsReachable(member.UniqueAddress) ? "" : "unreachable ")}node [{address}] as [{MemberStatus.Down}]");
        Change(gossip);
        if (member.UniqueAddress.Equals(Me))
            SendGossipToSome(FarewellGossips);
        else
            // So that it stops at once, if it lives.
            GossipTo(member.UniqueAddress);
    }

    private void StopWhenDown()
    {
        if (_state.SelfStatus != MemberStatus.Down)
            return;
        if (_turnsAfterDown++ < TurnsBeforeStop && !MembershipRules.MayStopAfterDown(Current))
            return;
        _cluster.Log("Node has been marked as DOWN. Shutting down myself");
        SendGossipToSome(FarewellGossips);
        _publisher.Tell(ClusterProtocol.ShutdownWhenPublished.Instance);
    }

    /// <summary>The coordinated shutdown does what must be done first, and then says <see cref="ClusterProtocol.ExitingCompleted"/>.</summary>
    private void StartExiting(string why)
    {
        if (_exitingInProgress || _exitingDone)
            return;
        _exitingInProgress = true;
        if (_shutdown.ShutdownReason is null)
            _cluster.Log(why);
        _exiting.TrySetResult(Done.Instance);
        _ = _shutdown.Run(CoordinatedShutdown.ClusterLeavingReason.Instance);
    }

    private void OnExitingCompleted()
    {
        _cluster.Log("Exiting completed");
        _exitingInProgress = false;
        _exitingDone = true;
        if (_state.SelfMember is not null)
        {
            _state = _state.Seen();
            PublishState();
            // What gets lost here costs only time: the others then wait for their failure detectors.
            SendGossipToSome(FarewellGossips);
            var others = Current.Members.Where(m => !m.UniqueAddress.Equals(Me)).ToArray();
            var leader = _state.LeaderOf(others);
            foreach (var node in new[] { leader, _state.LeaderOf(others.Where(m => m.UniqueAddress != leader)) })
                if (node is not null)
                    CoreAt(node.Address).Tell(new ClusterProtocol.ExitingConfirmed(Me));
        }

        _farewell = Sender;
        if (IsExitKnown)
            EndFarewell();
        else
            Timers.StartSingleTimer(Tick.EndFarewell, Tick.EndFarewell, LongestFarewell);
    }

    /// <summary>
    /// The connections close with this node, and what is under way on them can be lost: then the others would take it for one that crashed while
    /// leaving, and wait for somebody to down it. So it goes once one of those who stay has this view, or all have gone.
    /// </summary>
    private bool IsExitKnown
    {
        get
        {
            var stay = Current.Members.Where(m => _state.CanGossipTo(m.UniqueAddress) && m.Status is MemberStatus.Up or MemberStatus.Leaving).ToArray();
            return _state.SelfMember is null || stay.Length == 0 || stay.Any(m => Current.IsSeenBy(m.UniqueAddress));
        }
    }

    private void EndFarewell()
    {
        if (_farewell is not { } asked)
            return;
        _farewell = null;
        asked.Tell(Done.Instance);
        _cluster.Shutdown();
    }

    private void OnExitingConfirmed(UniqueAddress node)
    {
        _cluster.Log($"Exiting confirmed [{node.Address}]");
        _exitingConfirmed = _exitingConfirmed.Add(node);
    }
}
