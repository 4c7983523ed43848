using ActorBroker.Api;
using ActorBroker.Log;
using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Groups;

/// <summary>
/// The conversation between sessions and the coordinators of this node, and between those and their manager. All of it
/// stays within one process. Every question is answered once, by <see cref="Answer"/> to the session that its key names.
/// </summary>
internal static class CoordinatorProtocol
{
    public interface IQuestion
    {
        RequestKey Key { get; }
    }

    /// <summary>Answer: <see cref="JoinGroupResponse"/>, when the generation is formed.</summary>
    public sealed record Join(JoinInput Input) : IQuestion
    {
        public RequestKey Key => Input.Key;
    }

    /// <summary>Answer: <see cref="SyncGroupResponse"/>, when the assignment is stored.</summary>
    public sealed record Sync(RequestKey Key, SyncGroupRequest Request) : IQuestion;

    /// <summary>Answer: <see cref="HeartbeatResponse"/>.</summary>
    public sealed record Heartbeat(RequestKey Key, HeartbeatRequest Request) : IQuestion;

    /// <summary>Answer: <see cref="LeaveGroupResponse"/>.</summary>
    public sealed record Leave(RequestKey Key, LeaveGroupRequest Request) : IQuestion;

    /// <summary>Answer: <see cref="OffsetErrors"/>, when the offsets are committed.</summary>
    public sealed record Commit(CommitInput Input) : IQuestion
    {
        public RequestKey Key => Input.Key;
    }

    /// <summary>Answer: <see cref="FetchedOffsets"/>.</summary>
    /// <param name="Partitions">Null: all.</param>
    public sealed record Fetch(RequestKey Key, string Group, IReadOnlyList<TopicPartition>? Partitions) : IQuestion;

    /// <summary>Answer: <see cref="OffsetErrors"/>.</summary>
    public sealed record DeleteOffsets(RequestKey Key, string Group, IReadOnlyList<TopicPartition> Partitions) : IQuestion;

    /// <summary>Answer: <see cref="DescribeGroupsResponse.DescribedGroup"/>.</summary>
    public sealed record Describe(RequestKey Key, string Group) : IQuestion;

    /// <summary>Answer: a list of <see cref="ListGroupsResponse.ListedGroup"/>.</summary>
    public sealed record ListGroups(RequestKey Key, IReadOnlyList<string> States, IReadOnlyList<string> Types) : IQuestion;

    /// <summary>Answer: an <see cref="ErrorCode"/>.</summary>
    public sealed record Delete(RequestKey Key, string Group) : IQuestion;

    /// <param name="Value">What the question's own comment says, or a bare <see cref="ErrorCode"/> where no coordinator could be asked.</param>
    public sealed record Answer(long Call, int Slot, object Value) : ISlotReply;

    /// <summary>From the manager: this node leads the coordinator's partition from this epoch on.</summary>
    public sealed record Lead(TopicId Topic, LeaderEpoch Epoch);

    /// <summary>From the manager: it leads it no longer.</summary>
    public sealed class Resign
    {
        public static Resign Instance { get; } = new();
    }

    /// <summary>From the manager, to all coordinators.</summary>
    public sealed record TopicsDeleted(IReadOnlySet<string> Names);
}
