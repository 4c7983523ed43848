using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>Reads single records for their timestamps: one short fetch of each leader, again for what an answer had no room for.</summary>
internal sealed class TimestampLookup(
    AdminCalls calls, FrameBudget frame, Func<IReadOnlyList<string>?, CancellationToken, Task<MetadataResponse>> describe)
{
    /// <summary>A batch at least is always given; no more is needed.</summary>
    private const int BytesOfPartition = 1;

    /// <summary>Enough to answer a partition by itself.</summary>
    private const int BytesOfAnswer = 1 << 20;

    public async Task<IReadOnlyDictionary<TopicPartition, long>> RunAsync(IReadOnlyDictionary<TopicPartition, Offset> offsets, CancellationToken cancellation)
    {
        var found = new Dictionary<TopicPartition, long>();
        if (offsets.Count == 0)
            return found;
        var metadata = await describe([.. offsets.Keys.Select(partition => partition.Topic).Distinct(StringComparer.Ordinal)], cancellation);
        foreach (var topic in metadata.Topics)
        {
            foreach (var leader in topic.Partitions.Where(partition => partition.LeaderId >= 0).GroupBy(partition => partition.LeaderId))
            {
                var open = leader.Select(partition => new TopicPartition(topic.Name ?? "", partition.PartitionIndex)).Where(offsets.ContainsKey).ToList();
                while (open.Count > 0 && await AskAsync(new BrokerId(leader.Key), topic, open, offsets, found, cancellation))
                    open.RemoveAll(found.ContainsKey);
            }
        }

        return found;
    }

    /// <returns>False if that brought nothing new: a leader that does not answer, or records that are gone.</returns>
    private async Task<bool> AskAsync(
        BrokerId leader, MetadataResponse.MetadataResponseTopic topic, List<TopicPartition> open, IReadOnlyDictionary<TopicPartition, Offset> offsets,
        Dictionary<TopicPartition, long> found, CancellationToken cancellation)
    {
        var request = new FetchRequest
        {
            MinBytes = 0,
            MaxBytes = Math.Min(BytesOfAnswer, frame.PayloadBytes),
            SessionEpoch = -1,
            Topics =
            [
                new FetchRequest.FetchTopic
                {
                    Topic = topic.Name ?? "",
                    TopicId = topic.TopicId,
                    Partitions = [.. open.Select(partition => new FetchRequest.FetchPartition
                    {
                        Partition = partition.Partition, CurrentLeaderEpoch = -1, FetchOffset = offsets[partition].Value, PartitionMaxBytes = BytesOfPartition,
                    })],
                },
            ],
        };
        var before = found.Count;
        if (await calls.TryAskAsync(leader, request, cancellation) is not { } response)
            return false;
        foreach (var data in response.Responses.SelectMany(answer => answer.Partitions))
        {
            var partition = new TopicPartition(topic.Name ?? "", data.PartitionIndex);
            if (data.ErrorCode != ErrorCode.None || data.Records is not { IsEmpty: false } records || !offsets.TryGetValue(partition, out var from))
                continue;
            var fetched = new FetchedRecords(partition, records, from, new Offset(data.HighWatermark), checkCrcs: true);
            if (fetched.Take(1) is [var record, ..])
                found[partition] = record.TimestampMs;
        }

        return found.Count > before;
    }
}
