using ActorBroker.Log;
using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Groups;

/// <param name="RetentionMs">How long the commit itself wants to be kept; negative: as <c>offsets.retention.minutes</c> says.</param>
internal sealed record CommitInput(
    RequestKey Key, string Group, int Generation, string MemberId, string? InstanceId, long RetentionMs, IReadOnlyList<CommitEntry> Entries);

internal readonly record struct CommitEntry(TopicPartition Partition, Offset Offset, LeaderEpoch LeaderEpoch, string Metadata);

/// <param name="Errors">One for each entry of the question, in its order.</param>
internal sealed record OffsetErrors(ErrorCode Error, ErrorCode[] Errors)
{
    public static OffsetErrors All(ErrorCode error, int count)
    {
        var errors = new ErrorCode[count];
        Array.Fill(errors, error);
        return new OffsetErrors(error, errors);
    }
}

/// <param name="Committed">Null where nothing was.</param>
internal readonly record struct FetchedOffset(TopicPartition Partition, CommittedOffset? Committed);

internal sealed record FetchedOffsets(ErrorCode Error, IReadOnlyList<FetchedOffset> Offsets);

/// <summary>
/// Decides about groups' offsets: what is stored, what is deleted, what expires. Whether a member may commit at all is
/// <see cref="GroupCore.CheckCommit"/>'s. Invariants: what is fetched is committed in the log; an offset is never taken away
/// while a commit of it is under way, since its tombstone would come behind that commit.
/// </summary>
internal sealed class OffsetCore(CoordinatorState state, GroupOptions options)
{
    /// <summary>Commits under way, by what they are of.</summary>
    private readonly Dictionary<(string Group, TopicPartition Partition), int> _pending = [];

    public void Commit(CommitInput commit, GroupStep step)
    {
        var errors = new ErrorCode[commit.Entries.Count];
        var events = new List<GroupEvent>(errors.Length);
        var nowMs = step.Now.UnixMs;
        var expireMs = commit.RetentionMs < 0 ? -1 : nowMs + commit.RetentionMs;
        for (var i = 0; i < errors.Length; i++)
        {
            var entry = commit.Entries[i];
            if (entry.Metadata.Length > options.MaxMetadataBytes)
            {
                errors[i] = ErrorCode.OffsetMetadataTooLarge;
                continue;
            }

            events.Add(new OffsetCommitted(
                commit.Group, entry.Partition, new CommittedOffset(entry.Offset, entry.LeaderEpoch, entry.Metadata, nowMs, expireMs)));
        }

        if (events.Count == 0)
        {
            step.Reply(commit.Key, new OffsetErrors(ErrorCode.None, errors));
            return;
        }

        foreach (var change in events) Begin((OffsetCommitted)change);
        step.Write(events, (error, then) =>
        {
            foreach (var change in events) End((OffsetCommitted)change);
            then.Reply(commit.Key, Outcome(errors, error));
        });
    }

    public FetchedOffsets Fetch(string group, IReadOnlyList<TopicPartition>? partitions)
    {
        var stored = state.Find(group)?.Offsets;
        if (partitions is null)
            return new FetchedOffsets(ErrorCode.None, stored is null ? [] : [.. stored.Select(offset => new FetchedOffset(offset.Key, offset.Value))]);
        var fetched = new FetchedOffset[partitions.Count];
        for (var i = 0; i < fetched.Length; i++) fetched[i] = new FetchedOffset(partitions[i], stored?.GetValueOrDefault(partitions[i]));
        return new FetchedOffsets(ErrorCode.None, fetched);
    }

    /// <summary>What a group reads right now stays; of a group with members whose reading is unknown, everything.</summary>
    public void Delete(in RequestKey key, GroupCore group, IReadOnlyList<TopicPartition> partitions, GroupStep step)
    {
        var asker = key;
        if (group.Phase == GroupPhase.Dead || (group.Phase != GroupPhase.Empty && group.ProtocolType != Subscriptions.ConsumerType))
        {
            step.Reply(key, OffsetErrors.All(group.Phase == GroupPhase.Dead ? ErrorCode.GroupIdNotFound : ErrorCode.NonEmptyGroup, partitions.Count));
            return;
        }

        var errors = new ErrorCode[partitions.Count];
        var events = new List<GroupEvent>();
        for (var i = 0; i < errors.Length; i++)
        {
            if (group.Phase != GroupPhase.Empty && group.SubscribedTopics?.Contains(partitions[i].Topic) != false) errors[i] = ErrorCode.GroupSubscribedToTopic;
            else if (Knows(group.Id, partitions[i])) events.Add(new OffsetForgotten(group.Id, partitions[i]));
        }

        if (events.Count == 0) step.Reply(key, new OffsetErrors(ErrorCode.None, errors));
        else step.Write(events, (error, then) => then.Reply(asker, Outcome(errors, error)));
    }

    /// <summary>Tombstones for all that the group has, or is about to have.</summary>
    public List<GroupEvent> Everything(string group)
    {
        var partitions = new HashSet<TopicPartition>(state.Find(group)?.Offsets.Keys ?? []);
        foreach (var pending in _pending.Keys)
            if (pending.Group == group) partitions.Add(pending.Partition);
        return [.. partitions.Select(partition => new OffsetForgotten(group, partition))];
    }

    public bool HasPending(string group)
    {
        foreach (var pending in _pending.Keys)
            if (pending.Group == group) return true;
        return false;
    }

    /// <summary>
    /// Tombstones for what has expired. A group without members keeps its offsets for the retention after it became so, one
    /// that only commits for as long after each commit; of a stable group those of topics go that nobody reads any more.
    /// </summary>
    public List<GroupEvent> Expired(GroupCore group, long nowMs)
    {
        var expired = new List<GroupEvent>();
        if (state.Find(group.Id) is not { } stored || !MayExpire(group)) return expired;
        var isAbandoned = group.Phase == GroupPhase.Empty && group.ProtocolType.Length > 0 && group.PhaseSinceUnixMs >= 0;
        foreach (var (partition, offset) in stored.Offsets)
        {
            if (group.Phase != GroupPhase.Empty && group.SubscribedTopics!.Contains(partition.Topic)) continue;
            var since = isAbandoned ? Math.Max(group.PhaseSinceUnixMs, offset.CommitTimeMs) : offset.CommitTimeMs;
            var dueMs = offset.ExpireTimeMs >= 0 ? offset.ExpireTimeMs : since + (long)options.OffsetsRetention.TotalMilliseconds;
            if (nowMs >= dueMs && !_pending.ContainsKey((group.Id, partition))) expired.Add(new OffsetForgotten(group.Id, partition));
        }

        return expired;
    }

    /// <summary>Tombstones for all offsets of topics that were deleted.</summary>
    public List<GroupEvent> Of(IReadOnlySet<string> topics)
    {
        var gone = new List<GroupEvent>();
        foreach (var group in state.Groups)
            foreach (var partition in group.Offsets.Keys)
                if (topics.Contains(partition.Topic)) gone.Add(new OffsetForgotten(group.Id, partition));
        return gone;
    }

    private static bool MayExpire(GroupCore group) =>
        group.Phase == GroupPhase.Empty
        || (group.Phase == GroupPhase.Stable && group.ProtocolType == Subscriptions.ConsumerType && group.SubscribedTopics is not null);

    private static OffsetErrors Outcome(ErrorCode[] errors, ErrorCode error)
    {
        if (error == ErrorCode.MessageTooLarge) error = ErrorCode.InvalidCommitOffsetSize;
        for (var i = 0; i < errors.Length && error != ErrorCode.None; i++)
            if (errors[i] == ErrorCode.None) errors[i] = error;
        return new OffsetErrors(error, errors);
    }

    private bool Knows(string group, TopicPartition partition) =>
        state.Find(group)?.Offsets.ContainsKey(partition) == true || _pending.ContainsKey((group, partition));

    private void Begin(OffsetCommitted commit)
    {
        var key = (commit.Group, commit.Partition);
        _pending[key] = _pending.GetValueOrDefault(key) + 1;
    }

    private void End(OffsetCommitted commit)
    {
        var key = (commit.Group, commit.Partition);
        if (_pending[key] == 1) _pending.Remove(key);
        else _pending[key]--;
    }
}
