namespace ActorBroker.Protocol;

/// <summary>
/// The response to a request that failed as a whole: the error stands in every place where a client of that API looks for
/// one, since many responses have none at the top.
/// </summary>
public static partial class ErrorResponses
{
    /// <summary>Kafka's "not known" in offsets and timestamps.</summary>
    private const long Unknown = -1;

    /// <param name="request">The request that failed.</param>
    /// <param name="code">Why.</param>
    /// <param name="message">The same in words, where the response has room for it; null for the code's own sentence.</param>
    public static IResponse For(IRequest request, ErrorCode code, string? message = null)
    {
        message ??= code.Describe();
        return request switch
        {
            ProduceRequest r => Produce(r, code, message),
            FetchRequest r => Fetch(r, code),
            ListOffsetsRequest r => ListOffsets(r, code),
            MetadataRequest r => Metadata(r, code),
            ApiVersionsRequest => new ApiVersionsResponse { ErrorCode = code, ApiKeys = [Range(ApiKey.ApiVersions)] },
            CreateTopicsRequest r => new CreateTopicsResponse
            {
                Topics = Map(r.Topics, t => new CreateTopicsResponse.CreatableTopicResult { Name = t.Name, ErrorCode = code, ErrorMessage = message }),
            },
            DeleteTopicsRequest r => DeleteTopics(r, code, message),
            DescribeConfigsRequest r => new DescribeConfigsResponse
            {
                Results = Map(r.Resources, c => new DescribeConfigsResponse.DescribeConfigsResult
                {
                    ErrorCode = code,
                    ErrorMessage = message,
                    ResourceType = c.ResourceType,
                    ResourceName = c.ResourceName,
                }),
            },
            CreatePartitionsRequest r => new CreatePartitionsResponse
            {
                Results = Map(r.Topics, t => new CreatePartitionsResponse.CreatePartitionsTopicResult { Name = t.Name, ErrorCode = code, ErrorMessage = message }),
            },
            IncrementalAlterConfigsRequest r => new IncrementalAlterConfigsResponse
            {
                Responses = Map(r.Resources, c => new IncrementalAlterConfigsResponse.AlterConfigsResourceResponse
                {
                    ErrorCode = code,
                    ErrorMessage = message,
                    ResourceType = c.ResourceType,
                    ResourceName = c.ResourceName,
                }),
            },
            AlterConfigsRequest r => new AlterConfigsResponse
            {
                Responses = Map(r.Resources, c => new AlterConfigsResponse.AlterConfigsResourceResponse
                {
                    ErrorCode = code,
                    ErrorMessage = message,
                    ResourceType = c.ResourceType,
                    ResourceName = c.ResourceName,
                }),
            },
            DescribeTopicPartitionsRequest r => new DescribeTopicPartitionsResponse
            {
                Topics = Map(r.Topics, t => new DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic { ErrorCode = code, Name = t.Name }),
            },
            DescribeClusterRequest => new DescribeClusterResponse { ErrorCode = code, ErrorMessage = message },
            DescribeQuorumRequest => new DescribeQuorumResponse { ErrorCode = code, ErrorMessage = message },
            ElectLeadersRequest r => ElectLeaders(r, code, message),
            AlterPartitionReassignmentsRequest r => new AlterPartitionReassignmentsResponse
            {
                AllowReplicationFactorChange = r.AllowReplicationFactorChange,
                ErrorCode = code,
                ErrorMessage = message,
            },
            ListPartitionReassignmentsRequest => new ListPartitionReassignmentsResponse { ErrorCode = code, ErrorMessage = message },
            AddRaftVoterRequest => new AddRaftVoterResponse { ErrorCode = code, ErrorMessage = message },
            RemoveRaftVoterRequest => new RemoveRaftVoterResponse { ErrorCode = code, ErrorMessage = message },
            UnregisterBrokerRequest => new UnregisterBrokerResponse { ErrorCode = code, ErrorMessage = message },
            OffsetForLeaderEpochRequest r => OffsetForLeaderEpoch(r, code),
            DeleteRecordsRequest r => DeleteRecords(r, code),
            DescribeProducersRequest r => DescribeProducers(r, code, message),
            // Up to version 2 the error stands with a folder only.
            DescribeLogDirsRequest => new DescribeLogDirsResponse { ErrorCode = code, Results = [new() { ErrorCode = code }] },
            InitProducerIdRequest => new InitProducerIdResponse { ErrorCode = code, ProducerEpoch = (short)Unknown },
            _ => Group(request, code, message),
        };
    }

    private static ProduceResponse Produce(ProduceRequest request, ErrorCode code, string message) => new()
    {
        Responses = Map(request.TopicData, topic => new ProduceResponse.TopicProduceResponse
        {
            Name = topic.Name,
            PartitionResponses = Map(topic.PartitionData, partition => new ProduceResponse.PartitionProduceResponse
            {
                Index = partition.Index,
                ErrorCode = code,
                ErrorMessage = message,
                BaseOffset = Unknown,
            }),
        }),
    };

    private static FetchResponse Fetch(FetchRequest request, ErrorCode code) => new()
    {
        ErrorCode = code,
        Responses = Map(request.Topics, topic => new FetchResponse.FetchableTopicResponse
        {
            Topic = topic.Topic,
            TopicId = topic.TopicId,
            Partitions = Map(topic.Partitions, partition => new FetchResponse.PartitionData
            {
                PartitionIndex = partition.Partition,
                ErrorCode = code,
                HighWatermark = Unknown,
                Records = ReadOnlyMemory<byte>.Empty,
            }),
        }),
    };

    private static ListOffsetsResponse ListOffsets(ListOffsetsRequest request, ErrorCode code) => new()
    {
        Topics = Map(request.Topics, topic => new ListOffsetsResponse.ListOffsetsTopicResponse
        {
            Name = topic.Name,
            Partitions = Map(topic.Partitions, partition => new ListOffsetsResponse.ListOffsetsPartitionResponse
            {
                PartitionIndex = partition.PartitionIndex,
                ErrorCode = code,
            }),
        }),
    };

    private static MetadataResponse Metadata(MetadataRequest request, ErrorCode code) => new()
    {
        Topics = Map(request.Topics ?? [], topic => new MetadataResponse.MetadataResponseTopic
        {
            ErrorCode = code,
            Name = topic.Name,
            TopicId = topic.TopicId,
        }),
    };

    /// <summary>Up to version 5 the topics stand in <c>TopicNames</c>, later in <c>Topics</c>.</summary>
    private static DeleteTopicsResponse DeleteTopics(DeleteTopicsRequest request, ErrorCode code, string message) => new()
    {
        Responses =
        [
            .. Map(request.TopicNames, name => new DeleteTopicsResponse.DeletableTopicResult { Name = name, ErrorCode = code, ErrorMessage = message }),
            .. Map(request.Topics, topic => new DeleteTopicsResponse.DeletableTopicResult
            {
                Name = topic.Name,
                TopicId = topic.TopicId,
                ErrorCode = code,
                ErrorMessage = message,
            }),
        ],
    };

    /// <summary>Version 0 has no place at the top, so the error stands with each partition; later versions have both.</summary>
    private static ElectLeadersResponse ElectLeaders(ElectLeadersRequest request, ErrorCode code, string message) => new()
    {
        ErrorCode = code,
        ReplicaElectionResults = Map(request.TopicPartitions ?? [], topic => new ElectLeadersResponse.ReplicaElectionResult
        {
            Topic = topic.Topic,
            PartitionResult = Map(topic.Partitions, partition => new ElectLeadersResponse.PartitionElectionResult
            {
                PartitionId = partition,
                ErrorCode = code,
                ErrorMessage = message,
            }),
        }),
    };

    private static OffsetForLeaderEpochResponse OffsetForLeaderEpoch(OffsetForLeaderEpochRequest request, ErrorCode code) => new()
    {
        Topics = Map(request.Topics, topic => new OffsetForLeaderEpochResponse.OffsetForLeaderTopicResult
        {
            Topic = topic.Topic,
            Partitions = Map(topic.Partitions, partition => new OffsetForLeaderEpochResponse.EpochEndOffset
            {
                Partition = partition.Partition,
                ErrorCode = code,
            }),
        }),
    };

    private static DeleteRecordsResponse DeleteRecords(DeleteRecordsRequest request, ErrorCode code) => new()
    {
        Topics = Map(request.Topics, topic => new DeleteRecordsResponse.DeleteRecordsTopicResult
        {
            Name = topic.Name,
            Partitions = Map(topic.Partitions, partition => new DeleteRecordsResponse.DeleteRecordsPartitionResult
            {
                PartitionIndex = partition.PartitionIndex,
                LowWatermark = Unknown,
                ErrorCode = code,
            }),
        }),
    };

    private static DescribeProducersResponse DescribeProducers(DescribeProducersRequest request, ErrorCode code, string message) => new()
    {
        Topics = Map(request.Topics, topic => new DescribeProducersResponse.TopicResponse
        {
            Name = topic.Name,
            Partitions = Map(topic.PartitionIndexes, partition => new DescribeProducersResponse.PartitionResponse
            {
                PartitionIndex = partition,
                ErrorCode = code,
                ErrorMessage = message,
            }),
        }),
    };

    private static ApiVersionsResponse.ApiVersion Range(ApiKey key)
    {
        var info = ApiRegistry.Get(key);
        return new ApiVersionsResponse.ApiVersion { ApiKey = key, MinVersion = info.MinVersion, MaxVersion = info.MaxVersion };
    }

    private static TResult[] Map<T, TResult>(IReadOnlyList<T> items, Func<T, TResult> map)
    {
        var mapped = new TResult[items.Count];
        for (var i = 0; i < mapped.Length; i++)
            mapped[i] = map(items[i]);
        return mapped;
    }
}
