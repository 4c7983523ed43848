using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>The half about the cluster itself: brokers, controller, elections, moves.</summary>
public sealed partial class AdminClient
{
    /// <summary>Kafka's name for the controller's log.</summary>
    private const string MetadataTopic = "__cluster_metadata";

    /// <param name="includeFenced">Also brokers that are registered but neither lead nor are in sync at the moment.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public async Task<ClusterDescription> DescribeClusterAsync(bool includeFenced = false, CancellationToken cancellation = default)
    {
        var request = new DescribeClusterRequest { IncludeFencedBrokers = includeFenced };
        var response = await _calls.AskAsync(RequestTarget.Any, request, r => r.ErrorCode.IsRetriable(), cancellation);
        ThrowIfFailed(response.ErrorCode, response.ErrorMessage);
        return new ClusterDescription(
            response.ClusterId,
            new BrokerId(response.ControllerId),
            [.. response.Brokers
                .Select(b => new BrokerDescription(new BrokerId(b.BrokerId), b.Host, b.Port, b.Rack, b.BrokerEpoch, b.IsFenced, b.IsStopping))
                .OrderBy(b => b.Id.Value)]);
    }

    /// <exception cref="AdminException">Also while there is no controller, after <c>default.api.timeout.ms</c>.</exception>
    public async Task<QuorumDescription> DescribeQuorumAsync(CancellationToken cancellation = default)
    {
        var request = new DescribeQuorumRequest
        {
            Topics = [new DescribeQuorumRequest.TopicData { TopicName = MetadataTopic, Partitions = [new DescribeQuorumRequest.PartitionData()] }],
        };
        var response = await _calls.AskAsync(RequestTarget.TheController, request, r => r.ErrorCode.IsRetriable(), cancellation);
        ThrowIfFailed(response.ErrorCode, response.ErrorMessage);
        var partition = response.Topics[0].Partitions[0];
        ThrowIfFailed(partition.ErrorCode, partition.ErrorMessage);
        return new QuorumDescription(
            new BrokerId(partition.LeaderId), new LeaderEpoch(partition.LeaderEpoch), partition.HighWatermark,
            Members(partition.CurrentVoters), Members(partition.Observers));
    }

    /// <summary>Makes a broker a voter of the controller's quorum; completes once it has caught up and votes.</summary>
    public async Task AddVoterAsync(BrokerId broker, CancellationToken cancellation = default)
    {
        var request = new AddRaftVoterRequest { ClusterId = null, VoterId = broker.Value, TimeoutMs = TimeoutMs };
        var response = await _calls.AskAsync(RequestTarget.TheController, request, r => r.ErrorCode == ErrorCode.NotController, cancellation);
        ThrowIfFailed(response.ErrorCode, response.ErrorMessage);
    }

    public async Task RemoveVoterAsync(BrokerId broker, CancellationToken cancellation = default)
    {
        var request = new RemoveRaftVoterRequest { ClusterId = null, VoterId = broker.Value };
        var response = await _calls.AskAsync(RequestTarget.TheController, request, r => r.ErrorCode == ErrorCode.NotController, cancellation);
        ThrowIfFailed(response.ErrorCode, response.ErrorMessage);
    }

    /// <summary>Forgets a broker that is gone for good. One that still runs registers anew.</summary>
    public async Task UnregisterBrokerAsync(BrokerId broker, CancellationToken cancellation = default)
    {
        var request = new UnregisterBrokerRequest { BrokerId = broker.Value };
        var response = await _calls.AskAsync(RequestTarget.TheController, request, r => r.ErrorCode == ErrorCode.NotController, cancellation);
        ThrowIfFailed(response.ErrorCode, response.ErrorMessage);
    }

    /// <param name="type">Unclean elections may lose records, and take place only where nobody leads.</param>
    /// <param name="partitions">Null for all: then the results are of those that needed an election.</param>
    /// <param name="cancellation">Ends the waiting; the elections may take place nevertheless.</param>
    public async Task<IReadOnlyList<PartitionResult>> ElectLeadersAsync(
        ElectionType type, IReadOnlyList<TopicPartition>? partitions, CancellationToken cancellation = default)
    {
        var request = new ElectLeadersRequest
        {
            ElectionType = type,
            TopicPartitions = partitions is null ? null : [.. partitions.GroupBy(p => p.Topic, StringComparer.Ordinal).Select(topic =>
                new ElectLeadersRequest.ElectableTopic { Topic = topic.Key, Partitions = [.. topic.Select(p => p.Partition)] })],
            TimeoutMs = TimeoutMs,
        };
        var response = await _calls.AskAsync(RequestTarget.TheController, request, r => r.ErrorCode == ErrorCode.NotController, cancellation);
        ThrowIfFailed(response.ErrorCode, null);
        return [.. response.ReplicaElectionResults.SelectMany(topic => topic.PartitionResult.Select(result => new PartitionResult(
            new TopicPartition(topic.Topic, result.PartitionId), result.ErrorCode, AdminCalls.MessageOf(result.ErrorCode, result.ErrorMessage))))];
    }

    /// <summary>Begins to move partitions; it is done once the new replicas are in sync, which <see cref="ListReassignmentsAsync"/> tells.</summary>
    /// <param name="replicas">Each partition's replicas afterwards, the preferred leader first; null gives up a move.</param>
    /// <param name="cancellation">Ends the waiting; the moves may begin nevertheless.</param>
    public async Task<IReadOnlyList<PartitionResult>> AlterReassignmentsAsync(
        IReadOnlyDictionary<TopicPartition, IReadOnlyList<BrokerId>?> replicas, CancellationToken cancellation = default)
    {
        var request = new AlterPartitionReassignmentsRequest
        {
            TimeoutMs = TimeoutMs,
            Topics = [.. replicas.GroupBy(move => move.Key.Topic, StringComparer.Ordinal).Select(topic => new AlterPartitionReassignmentsRequest.ReassignableTopic
            {
                Name = topic.Key,
                Partitions = [.. topic.Select(move => new AlterPartitionReassignmentsRequest.ReassignablePartition
                {
                    PartitionIndex = move.Key.Partition,
                    Replicas = move.Value?.Select(id => id.Value).ToArray(),
                })],
            })],
        };
        var response = await _calls.AskAsync(RequestTarget.TheController, request, r => r.ErrorCode == ErrorCode.NotController, cancellation);
        ThrowIfFailed(response.ErrorCode, response.ErrorMessage);
        return [.. response.Responses.SelectMany(topic => topic.Partitions.Select(result => new PartitionResult(
            new TopicPartition(topic.Name, result.PartitionIndex), result.ErrorCode, AdminCalls.MessageOf(result.ErrorCode, result.ErrorMessage))))];
    }

    /// <summary>What is being moved, in the whole cluster.</summary>
    public async Task<IReadOnlyList<ReassignmentDescription>> ListReassignmentsAsync(CancellationToken cancellation = default)
    {
        var response = await _calls.AskAsync(RequestTarget.Any, new ListPartitionReassignmentsRequest { TimeoutMs = TimeoutMs }, null, cancellation);
        ThrowIfFailed(response.ErrorCode, response.ErrorMessage);
        return [.. response.Topics.SelectMany(topic => topic.Partitions.Select(partition => new ReassignmentDescription(
            new TopicPartition(topic.Name, partition.PartitionIndex),
            AdminCalls.Ids(partition.Replicas), AdminCalls.Ids(partition.AddingReplicas), AdminCalls.Ids(partition.RemovingReplicas))))];
    }

    private static void ThrowIfFailed(ErrorCode error, string? message)
    {
        if (error != ErrorCode.None)
            throw new AdminException(error, AdminCalls.MessageOf(error, message));
    }

    private static IReadOnlyList<QuorumMember> Members(IReadOnlyList<DescribeQuorumResponse.ReplicaState> replicas) =>
        [.. replicas.Select(r => new QuorumMember(
            new BrokerId(r.ReplicaId), r.ReplicaDirectoryId, r.LogEndOffset, Time(r.LastFetchTimestamp), Time(r.LastCaughtUpTimestamp))).OrderBy(r => r.Id.Value)];

    private static DateTimeOffset? Time(long milliseconds) => milliseconds < 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}
