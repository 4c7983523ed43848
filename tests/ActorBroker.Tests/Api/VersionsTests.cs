using System.Text;
using ActorBroker.Log;
using ActorBroker.Protocol;
using ActorBroker.Tests.Groups;

namespace ActorBroker.Tests.Api;

/// <summary>
/// A broker is asked by clients of all ages: every request that it serves in every version, as that version can say it, and
/// answers in it. The rules of old versions stand in the tests below.
/// </summary>
public sealed class VersionsTests : IAsyncLifetime
{
    private const string Topic = "t";
    private const string Group = "g";

    private GroupBroker _broker = null!;

    public async Task InitializeAsync()
    {
        _broker = await GroupBroker.StartAsync();
        await _broker.CreateTopicAsync(Topic, 1);
        await _broker.FindCoordinatorAsync(Group);
    }

    public async Task DisposeAsync() => await _broker.DisposeAsync();

    [Fact]
    public async Task Every_request_is_answered_in_every_version_that_is_told()
    {
        var told = (await _broker.AskAsync(new ApiVersionsRequest())).ApiKeys;
        Assert.Equal((0, 9), (told[0].MinVersion, told[0].MaxVersion)); // Produce: see ApiVersionsHandler
        foreach (var api in told)
        {
            for (var version = ApiRegistry.Get(api.ApiKey).MinVersion; version <= api.MaxVersion; version++)
            {
                if (Request(api.ApiKey, version) is not { } request) continue;
                // As it arrives: what the version can't say is at its default.
                var reader = new ProtocolReader(request.ToBytes(version));
                var response = await _broker.AskAnyAsync(ApiRegistry.ReadRequest(api.ApiKey, version, ref reader), version);
                Assert.Equal(api.ApiKey, response.ApiKey);
                Assert.True(response.ToBytes(version).Length > 0, $"{api.ApiKey} v{version}");
            }
        }
    }

    [Fact]
    public async Task Metadata_version_0_asks_for_all_topics_with_an_empty_list_and_later_ones_for_none()
    {
        var all = await _broker.AskAsync(new MetadataRequest { Topics = [] }, 0);
        Assert.Contains(all.Topics, topic => topic.Name == Topic);
        Assert.Empty((await _broker.AskAsync(new MetadataRequest { Topics = [] }, 1)).Topics);
    }

    [Theory]
    [InlineData(-1, 3)]
    [InlineData(-2, 0)]
    [InlineData(150, 1)]
    [InlineData(1_000_000, 3)]
    public async Task ListOffsets_version_0_answers_with_a_list_of_one(long timestamp, long expected)
    {
        await ProduceAsync(Batch(100, 200, 300));
        var asked = new ListOffsetsRequest { ReplicaId = -1, Topics = [new() { Name = Topic, Partitions = [new() { Timestamp = timestamp, MaxNumOffsets = 5 }] }] };
        var answer = (await _broker.AskAsync(asked, 0)).Topics[0].Partitions[0];
        Assert.Equal([expected], answer.OldStyleOffsets);
    }

    [Fact]
    public async Task Members_of_old_versions_join_without_a_second_round_and_leave_by_themselves()
    {
        var join = new JoinGroupRequest { GroupId = Group, SessionTimeoutMs = 10_000, ProtocolType = "consumer", Protocols = [new() { Name = "range" }] };
        var joined = await _broker.AskAsync(join, 2);
        Assert.Equal((ErrorCode.None, joined.MemberId), (joined.ErrorCode, joined.Leader));
        var left = await _broker.AskAsync(new LeaveGroupRequest { GroupId = Group, MemberId = joined.MemberId }, 1);
        Assert.Equal(ErrorCode.None, left.ErrorCode);
        Assert.Equal(ErrorCode.UnknownMemberId, (await _broker.AskAsync(new LeaveGroupRequest { GroupId = Group, MemberId = joined.MemberId }, 1)).ErrorCode);
        Assert.Equal(ErrorCode.MemberIdRequired, (await _broker.AskAsync(join, 4)).ErrorCode);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Older_record_formats_are_refused_so_that_nobody_sends_them_again(byte magic)
    {
        var message = new byte[magic == 0 ? 27 : 35];
        message[11] = (byte)(message.Length - 12);
        message[16] = magic;
        message[^1] = (byte)'v';
        var answer = await ProduceAsync(message);
        Assert.Equal(ErrorCode.UnsupportedForMessageFormat, answer.ErrorCode);
        Assert.False(answer.ErrorCode.IsRetriable());
        Assert.Contains("v2", answer.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_client_may_do_is_told_where_it_asks()
    {
        var silent = await _broker.AskAsync(new MetadataRequest { Topics = [new() { Name = Topic }] }, 9);
        Assert.Equal((int.MinValue, int.MinValue), (silent.ClusterAuthorizedOperations, silent.Topics[0].TopicAuthorizedOperations));
        var told = await _broker.AskAsync(
            new MetadataRequest { Topics = [new() { Name = Topic }], IncludeClusterAuthorizedOperations = true, IncludeTopicAuthorizedOperations = true }, 9);
        // Kafka's numbers of operations: read 3, write 4, create 5, delete 6, alter 7, describe 8, describe and alter configs 10 and 11.
        Assert.Equal(0b1101_1111_1000, told.Topics[0].TopicAuthorizedOperations);
        Assert.NotEqual(int.MinValue, told.ClusterAuthorizedOperations);
    }

    private async Task<ProduceResponse.PartitionProduceResponse> ProduceAsync(ReadOnlyMemory<byte> records) =>
        (await _broker.AskAsync(DataPath.Produce(Topic, 0, records))).Responses[0].PartitionResponses[0];

    private static Memory<byte> Batch(params long[] timestamps)
    {
        using var builder = new RecordBatchBuilder(1 << 16);
        foreach (var timestamp in timestamps) Assert.True(builder.TryAppend(timestamp, null, Encoding.UTF8.GetBytes("v")));
        return builder.Build().ToArray();
    }

    /// <summary>About a topic and a group that are there; null where the request would end the broker's own story.</summary>
    private static IRequest? Request(ApiKey api, short version) => api switch
    {
        ApiKey.Produce => DataPath.Produce(Topic, 0, Batch(1)),
        ApiKey.Fetch => DataPath.Fetch(version < 13 ? Topic : "", 0),
        ApiKey.ListOffsets => new ListOffsetsRequest { ReplicaId = -1, Topics = [new() { Name = Topic, Partitions = [new() { Timestamp = -1 }] }] },
        ApiKey.Metadata => new MetadataRequest { Topics = version == 0 ? [] : null },
        ApiKey.OffsetCommit => new OffsetCommitRequest
        {
            GroupId = Group,
            Topics = [new() { Name = Topic, Partitions = [new() { CommittedOffset = 1, CommittedMetadata = "m" }] }],
        },
        ApiKey.OffsetFetch => version < 8
            ? new OffsetFetchRequest { GroupId = Group, Topics = [new() { Name = Topic, PartitionIndexes = [0] }] }
            : new OffsetFetchRequest { Groups = [new() { GroupId = Group, Topics = [new() { Name = Topic, PartitionIndexes = [0] }] }] },
        ApiKey.FindCoordinator => version < 4 ? new FindCoordinatorRequest { Key = Group } : new FindCoordinatorRequest { CoordinatorKeys = [Group] },
        ApiKey.JoinGroup => new JoinGroupRequest { GroupId = $"{Group}-{version}", SessionTimeoutMs = 10_000, ProtocolType = "consumer", Protocols = [new() { Name = "range" }] },
        ApiKey.SyncGroup => new SyncGroupRequest { GroupId = Group, MemberId = "m" },
        ApiKey.Heartbeat => new HeartbeatRequest { GroupId = Group, MemberId = "m" },
        ApiKey.LeaveGroup => version < 3 ? new LeaveGroupRequest { GroupId = Group, MemberId = "m" } : new LeaveGroupRequest { GroupId = Group, Members = [new() { MemberId = "m" }] },
        ApiKey.DescribeGroups => new DescribeGroupsRequest { Groups = [Group, $"{Group}-0", "none"], IncludeAuthorizedOperations = version >= 3 },
        ApiKey.CreateTopics => new CreateTopicsRequest { Topics = [new() { Name = $"new-{version}", NumPartitions = 1, ReplicationFactor = 1 }] },
        ApiKey.DeleteTopics => version < 6
            ? new DeleteTopicsRequest { TopicNames = [$"new-{version}", "none"], TimeoutMs = 10_000 }
            : new DeleteTopicsRequest { Topics = [new() { Name = $"new-{version}" }, new() { TopicId = Guid.Parse("00000000-0000-0000-0000-000000000009") }], TimeoutMs = 10_000 },
        ApiKey.DescribeConfigs => new DescribeConfigsRequest
        {
            Resources = [new() { ResourceType = ConfigResourceType.Topic, ResourceName = Topic, ConfigurationKeys = null }, new() { ResourceType = ConfigResourceType.Broker, ResourceName = "1", ConfigurationKeys = null }],
            IncludeSynonyms = version >= 1,
        },
        ApiKey.CreatePartitions => new CreatePartitionsRequest { Topics = [new() { Name = Topic, Count = 2, Assignments = null }], ValidateOnly = true, TimeoutMs = 10_000 },
        ApiKey.OffsetForLeaderEpoch => new OffsetForLeaderEpochRequest { Topics = [new() { Topic = Topic, Partitions = [new() { LeaderEpoch = 0 }] }] },
        ApiKey.ElectLeaders => new ElectLeadersRequest { TopicPartitions = [new() { Topic = Topic, Partitions = [0] }], TimeoutMs = 10_000 },
        ApiKey.DeleteGroups => new DeleteGroupsRequest { GroupsNames = ["none"] },
        ApiKey.AddRaftVoter or ApiKey.RemoveRaftVoter or ApiKey.UnregisterBroker => null,
        _ => (IRequest)Activator.CreateInstance(typeof(ApiKey).Assembly.GetType($"ActorBroker.Protocol.{api}Request", throwOnError: true)!)!,
    };
}
