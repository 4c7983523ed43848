using ActorBroker.Log;
using ActorBroker.Protocol;
using ActorBroker.Replication;
using static ActorBroker.Protocol.DescribeLogDirsResponse;

namespace ActorBroker.Api.Admin;

/// <summary>What this node keeps in its data folder, and how much room is left there (KIP-113, 827).</summary>
internal sealed class DescribeLogDirsHandler(string directory, IFileSystem files, PartitionDirectory partitions, IAuthorizer authorizer) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.DescribeLogDirs;

    public void Handle(ApiCall call)
    {
        var request = (DescribeLogDirsRequest)call.Request;
        if (authorizer.Allows(call.Context, AclOperation.Describe, ResourceType.Cluster, ClusterResource.Name))
            call.Reply(new DescribeLogDirsResponse { Results = [Describe(request)] });
        else
            call.Reply(new DescribeLogDirsResponse { ErrorCode = ErrorCode.ClusterAuthorizationFailed });
    }

    private DescribeLogDirsResult Describe(DescribeLogDirsRequest request)
    {
        var result = new DescribeLogDirsResult { LogDir = Path.GetFullPath(directory), Topics = [.. Topics(request)] };
        try
        {
            return result with { TotalBytes = files.TotalBytes(directory), UsableBytes = files.FreeBytes(directory) };
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return result with { ErrorCode = ErrorCode.KafkaStorageError };
        }
    }

    private IEnumerable<DescribeLogDirsTopic> Topics(DescribeLogDirsRequest request)
    {
        var wanted = request.Topics?.SelectMany(topic => topic.Partitions.Select(partition => new TopicPartition(topic.Topic, partition))).ToHashSet();
        return partitions.All
            .Where(handle => wanted is null || wanted.Contains(handle.Partition))
            .GroupBy(handle => handle.Partition.Topic, StringComparer.Ordinal)
            .OrderBy(topic => topic.Key, StringComparer.Ordinal)
            .Select(topic => new DescribeLogDirsTopic
            {
                Name = topic.Key,
                Partitions = [.. topic.OrderBy(handle => handle.Partition.Partition).Select(Describe)],
            });
    }

    /// <summary>No lag: what a replica here knows to be committed never lies beyond its own end. Nor is there a second folder to move to.</summary>
    private static DescribeLogDirsPartition Describe(PartitionHandle handle) => new()
    {
        PartitionIndex = handle.Partition.Partition,
        PartitionSize = handle.Log.Segments.Sum(segment => segment.SizeInBytes),
    };
}
