using ActorBroker.Protocol;

namespace ActorBroker.Api;

/// <summary>About how many bytes a request keeps in memory while it is under way.</summary>
internal static class RequestWeight
{
    private const int Base = 1024;

    public static long Of(IRequest request) => request switch
    {
        ProduceRequest produce => Base + RecordBytes(produce),
        FetchRequest fetch => Base + (256L * Partitions(fetch)),
        JoinGroupRequest join => Base + join.Protocols.Sum(protocol => 128L + protocol.Metadata.Length),
        SyncGroupRequest sync => Base + sync.Assignments.Sum(assignment => 256L + assignment.Assignment.Length),
        OffsetCommitRequest commit => Base + commit.Topics.Sum(topic => 128L * topic.Partitions.Count),
        _ => Base,
    };

    private static long RecordBytes(ProduceRequest request)
    {
        var bytes = 0L;
        foreach (var topic in request.TopicData)
            foreach (var partition in topic.PartitionData)
                bytes += partition.Records.GetValueOrDefault().Length + 128;
        return bytes;
    }

    private static long Partitions(FetchRequest request)
    {
        var count = 0L;
        foreach (var topic in request.Topics) count += topic.Partitions.Count;
        return count;
    }
}
