using System.Collections.Concurrent;
using ActorBroker.Log;
using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.Actor;

namespace ActorBroker.Client.Tests.Actors;

/// <summary>What a fake broker holds and how it misbehaves; survives its actor, so that a broker can be restarted.</summary>
internal sealed class FakeLog
{
    public ConcurrentDictionary<TopicPartition, List<byte[]>> Batches { get; } = new();

    public ConcurrentDictionary<string, int> Topics { get; } = new(StringComparer.Ordinal);

    /// <summary>Asked before each request; a code other than None refuses every partition of it, null swallows it.</summary>
    public Func<IRequest, ErrorCode?> Judge { get; set; } = _ => ErrorCode.None;

    public ConcurrentQueue<IRequest> Seen { get; } = new();

    public string Host { get; set; } = "127.0.0.1";

    /// <summary>Of broker 1.</summary>
    public int Port
    {
        get => Nodes[1];
        set => Nodes[1] = value;
    }

    /// <summary>The brokers that metadata names, with their ports.</summary>
    public ConcurrentDictionary<int, int> Nodes { get; } = new() { [1] = 4053 };

    /// <summary>Leads every partition; the others refuse to.</summary>
    public volatile int Leader = 1;

    public volatile int Epoch;

    /// <summary>Of all groups, told apart by nothing: one group a test.</summary>
    public ConcurrentDictionary<TopicPartition, CommittedOffset> Committed { get; } = new();

    public long LastProducerId = 1000;

    /// <summary>Sends every client seen so far a goodbye.</summary>
    public Action SayGoodbye { get; set; } = () => { };

    public long EndOf(TopicPartition partition)
    {
        var batches = BatchesOf(partition);
        lock (batches)
            return batches.Count == 0 ? 0 : Header(batches[^1]).NextOffset.Value;
    }

    public List<string> Values(TopicPartition partition)
    {
        var values = new List<string>();
        var batches = BatchesOf(partition);
        lock (batches)
        {
            foreach (var batch in batches)
            {
                using var records = new RecordEnumerator(batch);
                foreach (var record in records)
                    values.Add(System.Text.Encoding.UTF8.GetString(record.Value));
            }
        }

        return values;
    }

    public long Append(TopicPartition partition, ReadOnlySpan<byte> records)
    {
        Assert.Equal(BatchFault.None, RecordBatchValidator.CheckProduced(records, int.MaxValue, out var header));
        var bytes = records.ToArray();
        var batches = BatchesOf(partition);
        lock (batches)
        {
            var offset = batches.Count == 0 ? 0 : Header(batches[^1]).NextOffset.Value;
            System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(bytes, offset);
            RecordBatchHeader.PatchLeaderEpoch(bytes, new LeaderEpoch(Epoch));
            batches.Add(bytes);
            return offset;
        }
    }

    public ReadOnlyMemory<byte> Read(TopicPartition partition, long offset, int maxBytes)
    {
        var found = new List<byte>();
        var batches = BatchesOf(partition);
        lock (batches)
        {
            foreach (var batch in batches)
            {
                if (Header(batch).NextOffset.Value <= offset)
                    continue;
                if (found.Count > 0 && found.Count + batch.Length > maxBytes)
                    break;
                found.AddRange(batch);
            }
        }

        return found.ToArray();
    }

    public static RecordBatchHeader Header(byte[] batch)
    {
        Assert.True(RecordBatchHeader.TryParse(batch, out var header));
        return header;
    }

    private List<byte[]> BatchesOf(TopicPartition partition) => Batches.GetOrAdd(partition, _ => []);
}

/// <summary>One broker at /user/actorbroker: just enough of each API, no waiting fetches but a minimal pause.</summary>
internal sealed class FakeBroker : ReceiveActor
{
    private readonly FakeLog _log;
    private readonly int _id;

    public FakeBroker(FakeLog log, int id = 1)
    {
        (_log, _id) = (log, id);
        var self = Self;
        var clients = new HashSet<IActorRef>();
        var waiting = new Dictionary<long, (IActorRef Asker, ApiRequest Request)>();
        var tickets = 0L;
        var started = TimeProvider.System.GetTimestamp();
        Groups.NaiveCoordinator? coordinator = null;
        coordinator = new Groups.NaiveCoordinator((ticket, response) =>
        {
            foreach (var (partition, offset) in coordinator!.Offsets)
                _log.Committed[partition] = offset;
            if (waiting.Remove(ticket, out var asker))
                asker.Asker.Tell(asker.Request.Answer(response));
        });
        Receive<Tick>(_ => coordinator.Tick(TimeProvider.System.GetElapsedTime(started)));
        Context.System.Scheduler.ScheduleTellRepeatedly(TimeSpan.Zero, TimeSpan.FromMilliseconds(20), self, new Tick(), self);
        _log.SayGoodbye = () => self.Tell(ApiGoodbye.Instance, self);
        Receive<ApiGoodbye>(_ => Sender.Equals(self), _ => clients.ToList().ForEach(client => client.Tell(ApiGoodbye.Instance, self)));
        Receive<ApiGoodbye>(_ => clients.Remove(Sender));
        Receive<ApiRequest>(request =>
        {
            clients.Add(Sender);
            _log.Seen.Enqueue(request.Body);
            if (_log.Judge(request.Body) is not { } verdict)
                return;
            if (_id != _log.Leader && request.Body is ProduceRequest or FetchRequest)
                verdict = ErrorCode.NotLeaderOrFollower;
            switch (request.Body)
            {
                case JoinGroupRequest or SyncGroupRequest or HeartbeatRequest or LeaveGroupRequest or OffsetCommitRequest or OffsetFetchRequest when verdict == ErrorCode.None:
                    waiting.Add(++tickets, (Sender, request));
                    coordinator.On(tickets, request.Body, TimeProvider.System.GetElapsedTime(started));
                    break;
                case ProduceRequest { Acks: 0 } produce:
                    Produce(produce, verdict);
                    break;
                case FetchRequest fetch when verdict == ErrorCode.None && fetch.MaxWaitMs > 0 && !HasData(fetch):
                    // A waiting fetch: looked at again shortly, answered empty after a few times.
                    Context.System.Scheduler.ScheduleTellOnce(
                        TimeSpan.FromMilliseconds(20), Self, request with { Body = fetch with { MaxWaitMs = Math.Max(0, fetch.MaxWaitMs - 100) } }, Sender);
                    break;
                default:
                    Sender.Tell(request.Answer(Answer(request.Body, verdict)));
                    break;
            }
        });
    }

    private IResponse Answer(IRequest request, ErrorCode verdict) => request switch
    {
        ApiVersionsRequest => new ApiVersionsResponse(),
        InitProducerIdRequest => new InitProducerIdResponse { ErrorCode = verdict, ProducerId = verdict == ErrorCode.None ? Interlocked.Increment(ref _log.LastProducerId) : -1 },
        MetadataRequest metadata => Metadata(metadata),
        ProduceRequest produce => Produce(produce, verdict),
        ListOffsetsRequest offsets => ListOffsets(offsets),
        FetchRequest fetch => Fetch(fetch, verdict),
        OffsetForLeaderEpochRequest ends => EpochEnds(ends),
        CreateTopicsRequest create => Create(create),
        FindCoordinatorRequest find => new FindCoordinatorResponse
        {
            Coordinators = [new FindCoordinatorResponse.Coordinator { Key = find.CoordinatorKeys[0], NodeId = 1, Host = _log.Host, Port = _log.Port, ErrorCode = verdict }],
        },
        DeleteTopicsRequest delete => Delete(delete),
        DescribeTopicPartitionsRequest describe => Describe(describe),
        DescribeClusterRequest => new DescribeClusterResponse
        {
            ClusterId = "fake",
            ControllerId = 1,
            Brokers = [new DescribeClusterResponse.DescribeClusterBroker { BrokerId = 1, Host = _log.Host, Port = _log.Port, BrokerEpoch = 5 }],
        },
        _ => throw new InvalidOperationException($"{request.ApiKey} is not faked"),
    };

    private MetadataResponse Metadata(MetadataRequest request) => new()
    {
        ClusterId = "fake",
        ControllerId = _id,
        Brokers = [.. _log.Nodes.Select(node => new MetadataResponse.MetadataResponseBroker { NodeId = node.Key, Host = _log.Host, Port = node.Value })],
        Topics = [.. (request.Topics?.Select(topic => topic.Name!) ?? _log.Topics.Keys).Select(name => _log.Topics.TryGetValue(name, out var partitions)
            ? new MetadataResponse.MetadataResponseTopic
            {
                Name = name,
                TopicId = IdOf(name),
                Partitions = [.. Enumerable.Range(0, partitions).Select(index => new MetadataResponse.MetadataResponsePartition
                {
                    PartitionIndex = index, LeaderId = _log.Leader, LeaderEpoch = _log.Epoch, ReplicaNodes = [1], IsrNodes = [1],
                })],
            }
            : new MetadataResponse.MetadataResponseTopic { Name = name, ErrorCode = ErrorCode.UnknownTopicOrPartition })],
    };

    /// <summary>One partition a page.</summary>
    private DescribeTopicPartitionsResponse Describe(DescribeTopicPartitionsRequest request)
    {
        var names = (request.Topics.Count > 0 ? request.Topics.Select(topic => topic.Name) : _log.Topics.Keys).Order(StringComparer.Ordinal).ToList();
        var all = names.SelectMany(name => Enumerable.Range(0, Math.Max(1, _log.Topics.GetValueOrDefault(name))).Select(index => (Name: name, Index: index))).ToList();
        var at = request.Cursor is { } cursor ? all.IndexOf((cursor.TopicName, cursor.PartitionIndex)) : 0;
        if (all.Count == 0)
            return new DescribeTopicPartitionsResponse();
        var (topic, partition) = all[at];
        return new DescribeTopicPartitionsResponse
        {
            Topics = [_log.Topics.ContainsKey(topic)
                ? new DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic
                {
                    Name = topic,
                    TopicId = IdOf(topic),
                    Partitions = [new DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponsePartition
                    {
                        PartitionIndex = partition, LeaderId = 1, LeaderEpoch = 0, ReplicaNodes = [1], IsrNodes = [1], PartitionEpoch = 7,
                    }],
                }
                : new DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic { Name = topic, ErrorCode = ErrorCode.UnknownTopicOrPartition }],
            NextCursor = at + 1 < all.Count ? new DescribeTopicPartitionsResponse.Position { TopicName = all[at + 1].Name, PartitionIndex = all[at + 1].Index } : null,
        };
    }

    private ProduceResponse Produce(ProduceRequest request, ErrorCode verdict) => new()
    {
        Responses = [.. request.TopicData.Select(topic => new ProduceResponse.TopicProduceResponse
        {
            Name = topic.Name,
            PartitionResponses = [.. topic.PartitionData.Select(data => new ProduceResponse.PartitionProduceResponse
            {
                Index = data.Index,
                ErrorCode = verdict,
                BaseOffset = verdict == ErrorCode.None ? _log.Append(new TopicPartition(topic.Name, data.Index), data.Records!.Value.Span) : -1,
            })],
        })],
    };

    private ListOffsetsResponse ListOffsets(ListOffsetsRequest request) => new()
    {
        Topics = [.. request.Topics.Select(topic => new ListOffsetsResponse.ListOffsetsTopicResponse
        {
            Name = topic.Name,
            Partitions = [.. topic.Partitions.Select(partition => new ListOffsetsResponse.ListOffsetsPartitionResponse
            {
                PartitionIndex = partition.PartitionIndex,
                Offset = partition.Timestamp == -1 ? _log.EndOf(new TopicPartition(topic.Name, partition.PartitionIndex)) : 0,
            })],
        })],
    };

    /// <summary>No election here loses anything.</summary>
    private OffsetForLeaderEpochResponse EpochEnds(OffsetForLeaderEpochRequest request) => new()
    {
        Topics = [.. request.Topics.Select(topic => new OffsetForLeaderEpochResponse.OffsetForLeaderTopicResult
        {
            Topic = topic.Topic,
            Partitions = [.. topic.Partitions.Select(partition => new OffsetForLeaderEpochResponse.EpochEndOffset
            {
                Partition = partition.Partition,
                LeaderEpoch = partition.LeaderEpoch,
                EndOffset = _log.EndOf(new TopicPartition(topic.Topic, partition.Partition)),
            })],
        })],
    };

    private FetchResponse Fetch(FetchRequest request, ErrorCode verdict) => new()
    {
        Responses = [.. request.Topics.Select(topic => new FetchResponse.FetchableTopicResponse
        {
            TopicId = topic.TopicId,
            Partitions = [.. topic.Partitions.Select(partition =>
            {
                var id = new TopicPartition(NameOf(topic.TopicId), partition.Partition);
                var end = _log.EndOf(id);
                return new FetchResponse.PartitionData
                {
                    PartitionIndex = partition.Partition,
                    ErrorCode = verdict != ErrorCode.None ? verdict : partition.FetchOffset > end ? ErrorCode.OffsetOutOfRange : ErrorCode.None,
                    HighWatermark = end,
                    Records = verdict == ErrorCode.None ? _log.Read(id, partition.FetchOffset, partition.PartitionMaxBytes) : null,
                };
            })],
        })],
    };

    private CreateTopicsResponse Create(CreateTopicsRequest request) => new()
    {
        Topics = [.. request.Topics.Select(topic => new CreateTopicsResponse.CreatableTopicResult
        {
            Name = topic.Name,
            ErrorCode = _log.Topics.TryAdd(topic.Name, topic.NumPartitions) ? ErrorCode.None : ErrorCode.TopicAlreadyExists,
            NumPartitions = topic.NumPartitions,
        })],
    };

    private DeleteTopicsResponse Delete(DeleteTopicsRequest request) => new()
    {
        Responses = [.. request.Topics.Select(topic => new DeleteTopicsResponse.DeletableTopicResult
        {
            Name = topic.Name,
            ErrorCode = _log.Topics.TryRemove(topic.Name!, out _) ? ErrorCode.None : ErrorCode.UnknownTopicOrPartition,
        })],
    };

    private bool HasData(FetchRequest request) => request.Topics.Any(topic => topic.Partitions.Any(partition =>
        partition.FetchOffset != _log.EndOf(new TopicPartition(NameOf(topic.TopicId), partition.Partition))));

    private string NameOf(Guid id) => _log.Topics.Keys.Single(name => IdOf(name) == id);

    private sealed class Tick;

    private static Guid IdOf(string name) => new(name.Sum(c => c), 1, 1, new byte[8]);
}
