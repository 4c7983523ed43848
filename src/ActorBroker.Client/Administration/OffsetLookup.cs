using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>Asks each partition's leader for offsets, and again while leaders change.</summary>
internal sealed class OffsetLookup(
    AdminCalls calls, Func<IReadOnlyList<string>?, CancellationToken, Task<MetadataResponse>> describe, int replica = OffsetLookup.Consumer)
{
    /// <summary>To whom records end where committed ones do.</summary>
    public const int Consumer = -1;

    /// <summary>Kafka's number for whoever looks at a replica without being one: it is shown all there is.</summary>
    public const int NoConsumer = -2;

    private const int Rounds = 10;

    public async Task<IReadOnlyList<OffsetResult>> RunAsync(
        IReadOnlyDictionary<TopicPartition, StartPosition> places, CancellationToken cancellation)
    {
        var results = new Dictionary<TopicPartition, OffsetResult>();
        var open = new Dictionary<TopicPartition, StartPosition>();
        foreach (var (partition, place) in places)
        {
            if (place is StartPosition.FromOffset(var offset))
                results[partition] = new OffsetResult(partition, ErrorCode.None, "", offset, -1);
            else
                open.Add(partition, place);
        }

        for (var round = 1; open.Count > 0; round++)
        {
            await AskLeadersAsync(open, results, cancellation);
            foreach (var partition in open.Keys.ToArray())
            {
                var error = results[partition].Error;
                if (round == Rounds || !error.IsRetriable() || error == ErrorCode.UnknownTopicOrPartition)
                    open.Remove(partition);
            }

            if (open.Count > 0)
                await calls.PauseAsync(round, cancellation);
        }

        return [.. results.Values];
    }

    private async Task AskLeadersAsync(
        Dictionary<TopicPartition, StartPosition> open, Dictionary<TopicPartition, OffsetResult> results, CancellationToken cancellation)
    {
        var names = open.Keys.Select(partition => partition.Topic).Distinct(StringComparer.Ordinal).ToArray();
        var metadata = await describe(names, cancellation);
        var leaders = new Dictionary<TopicPartition, BrokerId>();
        foreach (var topic in metadata.Topics)
        {
            foreach (var partition in topic.Partitions)
                leaders[new TopicPartition(topic.Name ?? "", partition.PartitionIndex)] = new BrokerId(partition.LeaderId);
        }

        foreach (var partition in open.Keys)
        {
            var error = !leaders.TryGetValue(partition, out var leader) ? ErrorCode.UnknownTopicOrPartition
                : leader == BrokerId.None ? ErrorCode.LeaderNotAvailable
                : ErrorCode.UnknownServerError;
            results[partition] = Failed(partition, error);
        }

        foreach (var group in open.Where(item => leaders.GetValueOrDefault(item.Key, BrokerId.None) != BrokerId.None).GroupBy(item => leaders[item.Key]).ToArray())
            await AskLeaderAsync(group.Key, group, results, cancellation);
    }

    private async Task AskLeaderAsync(
        BrokerId leader,
        IEnumerable<KeyValuePair<TopicPartition, StartPosition>> places,
        Dictionary<TopicPartition, OffsetResult> results,
        CancellationToken cancellation)
    {
        var request = new ListOffsetsRequest
        {
            ReplicaId = replica,
            Topics = [.. places.GroupBy(place => place.Key.Topic, StringComparer.Ordinal).Select(topic => new ListOffsetsRequest.ListOffsetsTopic
            {
                Name = topic.Key,
                Partitions = [.. topic.Select(place => new ListOffsetsRequest.ListOffsetsPartition
                {
                    PartitionIndex = place.Key.Partition,
                    Timestamp = FetchRequests.TimestampOf(place.Value),
                })],
            })],
        };
        // A leader that does not answer may be none any more: the next round asks who is.
        if (await calls.TryAskAsync(leader, request, cancellation) is not { } response)
        {
            foreach (var (partition, _) in places)
                results[partition] = Failed(partition, ErrorCode.LeaderNotAvailable);
            return;
        }

        foreach (var topic in response.Topics)
        {
            foreach (var answer in topic.Partitions)
            {
                var partition = new TopicPartition(topic.Name, answer.PartitionIndex);
                results[partition] = answer.ErrorCode == ErrorCode.None
                    ? new OffsetResult(partition, ErrorCode.None, "", new Offset(answer.Offset), answer.Timestamp)
                    : Failed(partition, answer.ErrorCode);
            }
        }
    }

    private static OffsetResult Failed(TopicPartition partition, ErrorCode error) =>
        new(partition, error, error.Describe(), Offset.None, -1);
}
