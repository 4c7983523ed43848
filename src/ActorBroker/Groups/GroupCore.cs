using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Groups;

internal enum GroupPhase
{
    /// <summary>No members; perhaps offsets.</summary>
    Empty,

    /// <summary>Waiting for all members to join.</summary>
    PreparingRebalance,

    /// <summary>Waiting for the leader's assignment, and for it to be stored.</summary>
    CompletingRebalance,

    /// <summary>Every member has its assignment, or may ask for it.</summary>
    Stable,

    /// <summary>Being deleted.</summary>
    Dead,
}

/// <summary>
/// Decides for one group: who its members are, their generations and assignments (Kafka's classic protocol).
/// <code>
/// phase       input                             becomes / effect
/// Empty       join                              Preparing; waits group.initial.rebalance.delay.ms for more to come
/// Preparing   all joined, or their time is up   Completing: next generation, joins answered; who has not joined is out
/// Preparing   the same, nobody left             Empty: next generation, stored
/// Completing  leader's sync                     stored, then Stable: waiting syncs answered
/// Completing  storing refused                   Preparing: syncs answered with the reason
/// Completing  a sync is overdue                 Preparing without that member
/// Stable      sync                              answered with the assignment
/// Completing, Stable  a member comes, changes, leaves, is silent for its session    Preparing; waiting syncs REBALANCE_IN_PROGRESS
/// Empty       deleted, or expired               Dead until the tombstones are stored
/// </code>
/// Invariants: an assignment is answered only once it is stored, so a generation in which anybody owns anything survives
/// this coordinator; generations grow; whoever names another generation, an unknown member or a replaced static one is
/// refused. A member that waits for us is not silent, except a new one that waits for its first generation too long: its
/// client may never have learnt its id. Unlike in Kafka, a static member that did not join is not given more time by a
/// generation that was formed without it.
/// It leaves to others: offsets (<see cref="OffsetCore"/>), storing and the clock (the coordinator).
/// </summary>
internal sealed partial class GroupCore
{
    /// <summary>A member without a generation can't send heartbeats.</summary>
    public const long NewMemberTimeoutMs = 5 * 60 * 1000;

    private readonly GroupOptions _options;
    private readonly AlarmQueue _alarms;
    private readonly Func<Guid> _newId;
    private readonly Alarm _join;
    private readonly Alarm _sync;
    private readonly Alarm _store;

    /// <summary>What is left of the time in which a group that was empty may still gather; 0 when it no longer gathers.</summary>
    private long _gatheringLeft;
    private bool _isGathering;
    private bool _cameWhileGathering;

    /// <summary>The generation whose assignment is being stored; -1 when none is.</summary>
    private int _storing = -1;

    public GroupCore(string id, GroupOptions options, AlarmQueue alarms, Func<Guid> newId)
    {
        Id = id;
        _options = options;
        _alarms = alarms;
        _newId = newId;
        _join = new Alarm(this, AlarmKind.Join);
        _sync = new Alarm(this, AlarmKind.Sync);
        _store = new Alarm(this, AlarmKind.Store);
    }

    public string Id { get; }

    public GroupPhase Phase { get; private set; }

    public int Generation { get; private set; }

    /// <summary>"" until the first member came.</summary>
    public string ProtocolType { get; private set; } = "";

    /// <summary>The assignor of this generation; null without members.</summary>
    public string? ProtocolName { get; private set; }

    /// <summary>When it came into its phase, if that is known; -1 otherwise.</summary>
    public long PhaseSinceUnixMs { get; private set; } = -1;

    /// <summary>What the members of this generation read; null where it can't be told.</summary>
    public IReadOnlySet<string>? SubscribedTopics { get; private set; }

    public GroupMembers Members { get; } = new();

    /// <summary>Takes up what the log says. Members have a session from now on.</summary>
    public void Recover(GroupMetadata stored, GroupStep step)
    {
        (Generation, ProtocolType, ProtocolName) = (stored.Generation, stored.ProtocolType, stored.Protocol);
        foreach (var from in stored.Members)
        {
            var member = new GroupMember(from.Id, from.InstanceId, new Alarm(this, AlarmKind.Session, from.Id))
            {
                ClientId = from.ClientId,
                ClientHost = from.ClientHost,
                SessionTimeoutMs = from.SessionTimeoutMs,
                RebalanceTimeoutMs = from.RebalanceTimeoutMs,
                Protocols = stored.Protocol is null ? [] : [new MemberProtocol(stored.Protocol, from.Subscription)],
                Assignment = from.Assignment,
            };
            Members.Add(member);
            Touch(member, step);
        }

        if (stored.Leader is not null && Members.Find(stored.Leader) is not null) Members.Leader = stored.Leader;
        Phase = Members.Count == 0 ? GroupPhase.Empty : GroupPhase.Stable;
        PhaseSinceUnixMs = stored.StateTimeMs;
        SubscribedTopics = Subscriptions.TopicsOf(Members.All, ProtocolName);
        if (Members.Count > _options.MaxSize) PrepareRebalance(step);
    }

    public void OnHeartbeat(in RequestKey key, HeartbeatRequest request, GroupStep step) =>
        step.Reply(key, new HeartbeatResponse { ErrorCode = Heartbeat(request, step) });

    public void OnAlarm(Alarm alarm, GroupStep step)
    {
        switch (alarm.Kind)
        {
            case AlarmKind.Session:
                OnSilent(Members.Find(alarm.Member!), step);
                break;
            case AlarmKind.Pending:
                Members.RemovePending(alarm.Member!);
                TryCompleteJoin(step);
                break;
            case AlarmKind.Join when Phase == GroupPhase.PreparingRebalance:
                OnJoinTimeout(step);
                break;
            case AlarmKind.Sync when Phase is GroupPhase.CompletingRebalance or GroupPhase.Stable:
                RemoveAll(member => member.OwesSync && member.Sync is null, step);
                break;
            case AlarmKind.Store:
                // The write goes on; whoever asks again finds its outcome.
                AnswerSyncs(ErrorCode.CoordinatorNotAvailable, step);
                break;
        }
    }

    /// <summary>Empty, and nobody is about to join.</summary>
    public bool IsIdle => Phase == GroupPhase.Empty && Members.PendingCount == 0;

    public void BecomeDead()
    {
        Invariant.Check(Phase == GroupPhase.Empty, $"group {Id} dies while {Phase}");
        Phase = GroupPhase.Dead;
    }

    /// <summary>Its tombstones could not be stored.</summary>
    public void BecomeEmptyAgain() => Phase = GroupPhase.Empty;

    /// <summary>The coordinator is one no longer: whoever waits must look for the next.</summary>
    public void Resign(ErrorCode reason, GroupStep step)
    {
        foreach (var member in Members.All)
        {
            AnswerJoin(member, Refusal(reason, member.Id), step);
            AnswerSync(member, new SyncGroupResponse { ErrorCode = reason }, step);
        }
    }

    /// <summary>
    /// Whether this commit may be stored; if it is a member's, it counts as a heartbeat. Without generation, member and
    /// name it comes from outside, which an empty group lets be.
    /// </summary>
    public ErrorCode CheckCommit(int generation, string memberId, string? instanceId, GroupStep step)
    {
        if (Phase == GroupPhase.Dead) return ErrorCode.CoordinatorNotAvailable;
        if (generation < 0 && Phase == GroupPhase.Empty) return ErrorCode.None;
        if (generation < 0 && memberId.Length == 0 && instanceId is null) return ErrorCode.UnknownMemberId;
        var error = CheckMember(memberId, instanceId, out var member);
        if (error != ErrorCode.None) return error;
        if (generation != Generation) return ErrorCode.IllegalGeneration;
        Touch(member!, step);
        // It knows the generation but not yet what it owns in it.
        return Phase == GroupPhase.CompletingRebalance ? ErrorCode.RebalanceInProgress : ErrorCode.None;
    }

    private ErrorCode Heartbeat(HeartbeatRequest request, GroupStep step)
    {
        if (Phase == GroupPhase.Dead) return ErrorCode.CoordinatorNotAvailable;
        var error = CheckMember(request.MemberId, request.GroupInstanceId, out var member);
        if (error != ErrorCode.None) return error;
        if (request.GenerationId != Generation) return ErrorCode.IllegalGeneration;
        Touch(member!, step);
        return Phase == GroupPhase.PreparingRebalance ? ErrorCode.RebalanceInProgress : ErrorCode.None;
    }

    private ErrorCode CheckMember(string memberId, string? instanceId, out GroupMember? member)
    {
        member = instanceId is null ? Members.Find(memberId) : Members.FindStatic(instanceId);
        if (member is null) return ErrorCode.UnknownMemberId;
        return member.Id == memberId ? ErrorCode.None : ErrorCode.FencedInstanceId;
    }

    private void Touch(GroupMember member, GroupStep step) => _alarms.Set(member.Session, step.Now.Ms + member.SessionTimeoutMs);

    private void OnSilent(GroupMember? member, GroupStep step)
    {
        if (member is null) return;
        if (!member.IsNew && member.IsWaiting) Touch(member, step);
        else Remove(member, step);
    }

    /// <summary>Out at once; if it waits itself, it hears that it is unknown.</summary>
    private void Remove(GroupMember member, GroupStep step)
    {
        Drop(member, step);
        AfterRemoval(step);
    }

    private void RemoveAll(Func<GroupMember, bool> which, GroupStep step)
    {
        var gone = Members.All.Where(which).ToList();
        foreach (var member in gone) Drop(member, step);
        if (gone.Count > 0) AfterRemoval(step);
    }

    private void Drop(GroupMember member, GroupStep step)
    {
        Members.Remove(member);
        AnswerJoin(member, Refusal(ErrorCode.UnknownMemberId, ""), step);
        AnswerSync(member, new SyncGroupResponse { ErrorCode = ErrorCode.UnknownMemberId }, step);
    }

    private void AfterRemoval(GroupStep step)
    {
        if (Phase is GroupPhase.Stable or GroupPhase.CompletingRebalance) PrepareRebalance(step);
        else TryCompleteJoin(step);
    }

    private void BecomePhase(GroupPhase phase, GroupStep step)
    {
        Phase = phase;
        PhaseSinceUnixMs = step.Now.UnixMs;
    }

    private static void AnswerJoin(GroupMember member, JoinGroupResponse answer, GroupStep step)
    {
        if (member.Join is not { } key) return;
        member.Join = null;
        step.Reply(key, answer);
    }

    private static void AnswerSync(GroupMember member, SyncGroupResponse answer, GroupStep step)
    {
        if (member.Sync is not { } key) return;
        member.Sync = null;
        step.Reply(key, answer);
    }

    private void AnswerSyncs(ErrorCode error, GroupStep step)
    {
        foreach (var member in Members.All)
        {
            if (member.Sync is not null) Touch(member, step);
            AnswerSync(member, new SyncGroupResponse { ErrorCode = error }, step);
        }
    }

    private static JoinGroupResponse Refusal(ErrorCode error, string memberId) => new() { ErrorCode = error, MemberId = memberId, ProtocolName = "" };
}
