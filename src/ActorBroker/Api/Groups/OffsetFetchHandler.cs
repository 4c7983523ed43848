using ActorBroker.Groups;
using ActorBroker.Log;
using ActorBroker.Protocol;
using static ActorBroker.Protocol.OffsetFetchResponse;

namespace ActorBroker.Api.Groups;

/// <summary>
/// How far groups have come: one group up to version 7, several later. An offset is told only once it is committed, so
/// none is ever unstable.
/// </summary>
internal sealed class OffsetFetchHandler(GroupApi groups) : IRequestHandler
{
    private const short FirstWithSeveral = 8;

    /// <summary>Before it the error of the whole stands with each partition.</summary>
    private const short FirstWithError = 2;

    private const long Nothing = -1;

    public ApiKey ApiKey => ApiKey.OffsetFetch;

    public void Handle(ApiCall call)
    {
        var request = (OffsetFetchRequest)call.Request;
        List<Question> questions = call.Version >= FirstWithSeveral
            ? [.. request.Groups.Select(group => new Question(group.GroupId, group.Topics?.Select(topic => (topic.Name, topic.PartitionIndexes)).ToList())
            {
                After = group.AfterTopic is { } topic ? new TopicPartition(topic, group.AfterPartition) : null,
            })]
            : [new Question(request.GroupId, request.Topics?.Select(topic => (topic.Name, topic.PartitionIndexes)).ToList())];
        var pending = GroupApi.Pending(call, questions.Count, answers => Response(call, questions, answers));
        for (var slot = 0; slot < questions.Count; slot++)
        {
            var question = questions[slot];
            if (groups.May(call, AclOperation.Describe, question.Group))
                groups.Ask(pending, question.Group, slot, key => new CoordinatorProtocol.Fetch(key, question.Group, question.Partitions()));
            else
                pending.Settle(slot, ErrorCode.GroupAuthorizationFailed);
        }

        pending.Begin(groups.Options.CommitTimeout);
    }

    /// <param name="Topics">Null: all.</param>
    private sealed record Question(string Group, List<(string Name, IReadOnlyList<int> Indexes)>? Topics)
    {
        /// <summary>Of all, only those behind this one.</summary>
        public TopicPartition? After { get; init; }

        public bool Wants(TopicPartition partition)
        {
            if (After is not { } after) return true;
            var order = string.CompareOrdinal(partition.Topic, after.Topic);
            return order > 0 || (order == 0 && partition.Partition > after.Partition);
        }

        public List<TopicPartition>? Partitions() =>
            Topics?.SelectMany(topic => topic.Indexes.Select(index => new TopicPartition(topic.Name, index))).ToList();
    }

    private OffsetFetchResponse Response(ApiCall call, List<Question> questions, object[] answers)
    {
        var found = questions.Select((question, slot) => Group(call, question, answers[slot])).ToList();
        if (call.Version >= FirstWithSeveral)
        {
            var room = new ResponseRoom(call.Context);
            var takesParts = ((OffsetFetchRequest)call.Request).TakesParts;
            return new OffsetFetchResponse { Groups = [.. found.Select(group => Fit(group, room, takesParts))] };
        }

        return new OffsetFetchResponse
        {
            ErrorCode = found[0].ErrorCode,
            Topics = [.. found[0].Topics.Select(topic => new OffsetFetchResponseTopic
            {
                Name = topic.Name,
                Partitions = [.. topic.Partitions.Select(partition => new OffsetFetchResponsePartition
                {
                    PartitionIndex = partition.PartitionIndex,
                    CommittedOffset = partition.CommittedOffset,
                    CommittedLeaderEpoch = partition.CommittedLeaderEpoch,
                    Metadata = partition.Metadata,
                    ErrorCode = partition.ErrorCode,
                })],
            })],
        };
    }

    /// <summary>The first offset of an answer always goes in: a remark beside it is bounded (offset.metadata.max.bytes).</summary>
    private static OffsetFetchResponseGroup Fit(OffsetFetchResponseGroup group, ResponseRoom room, bool takesParts)
    {
        var topics = new List<OffsetFetchResponseTopics>(group.Topics.Count);
        foreach (var topic in group.Topics)
        {
            var partitions = new List<OffsetFetchResponsePartitions>(topic.Partitions.Count);
            foreach (var partition in topic.Partitions)
            {
                var bytes = 32 + (3L * (partition.Metadata?.Length ?? 0)) + (partitions.Count == 0 ? 32 + (3L * topic.Name.Length) : 0);
                var isFirst = room.IsUntouched && topics.Count + partitions.Count == 0;
                if (!room.TryTake(bytes) && !(isFirst && takesParts))
                {
                    if (!takesParts) return new() { GroupId = group.GroupId, ErrorCode = ErrorCode.MessageTooLarge };
                    if (partitions.Count > 0) topics.Add(topic with { Partitions = partitions });
                    return group with { Topics = topics, IsCut = true };
                }

                partitions.Add(partition);
            }

            topics.Add(topic with { Partitions = partitions });
        }

        return group with { Topics = topics };
    }

    private OffsetFetchResponseGroup Group(ApiCall call, Question question, object answer)
    {
        if (answer is FetchedOffsets fetched) return new() { GroupId = question.Group, Topics = Topics(call, question, fetched) };
        var error = (ErrorCode)answer;
        return call.Version >= FirstWithError ? new() { GroupId = question.Group, ErrorCode = error } : new()
        {
            GroupId = question.Group,
            ErrorCode = error,
            Topics = [.. question.Topics!.Select(topic => new OffsetFetchResponseTopics
            {
                Name = topic.Name,
                Partitions = [.. topic.Indexes.Select(index => None(index, error))],
            })],
        };
    }

    /// <summary>In the question's order; all of a group's are those that the client may know of.</summary>
    private List<OffsetFetchResponseTopics> Topics(ApiCall call, Question question, FetchedOffsets fetched)
    {
        if (question.Topics is null)
        {
            return
            [
                .. fetched.Offsets
                    .Where(offset => question.Wants(offset.Partition))
                    .GroupBy(offset => offset.Partition.Topic, StringComparer.Ordinal)
                    .Where(topic => MayKnow(call, topic.Key))
                    .OrderBy(topic => topic.Key, StringComparer.Ordinal)
                    .Select(topic => new OffsetFetchResponseTopics { Name = topic.Key, Partitions = [.. topic.OrderBy(offset => offset.Partition.Partition).Select(Partition)] }),
            ];
        }

        var slot = 0;
        var topics = new List<OffsetFetchResponseTopics>(question.Topics.Count);
        foreach (var (name, indexes) in question.Topics)
        {
            var mayKnow = MayKnow(call, name);
            var partitions = new OffsetFetchResponsePartitions[indexes.Count];
            for (var i = 0; i < partitions.Length; i++)
            {
                var offset = fetched.Offsets[slot++];
                partitions[i] = mayKnow ? Partition(offset) : None(indexes[i], ErrorCode.TopicAuthorizationFailed);
            }

            topics.Add(new OffsetFetchResponseTopics { Name = name, Partitions = partitions });
        }

        return topics;
    }

    private bool MayKnow(ApiCall call, string topic) => groups.Authorizer.Allows(call.Context, AclOperation.Describe, ResourceType.Topic, topic);

    private static OffsetFetchResponsePartitions Partition(FetchedOffset offset) => offset.Committed is not { } committed
        ? None(offset.Partition.Partition, ErrorCode.None)
        : new()
        {
            PartitionIndex = offset.Partition.Partition,
            CommittedOffset = committed.Offset.Value,
            CommittedLeaderEpoch = committed.LeaderEpoch.Value,
            Metadata = committed.Metadata,
        };

    private static OffsetFetchResponsePartitions None(int partition, ErrorCode error) => new()
    {
        PartitionIndex = partition,
        CommittedOffset = Nothing,
        Metadata = "",
        ErrorCode = error,
    };
}
