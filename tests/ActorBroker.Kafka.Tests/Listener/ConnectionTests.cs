using System.Buffers.Binary;
using ActorBroker.Kafka.Tests.Nodes;
using ActorBroker.Protocol;

namespace ActorBroker.Kafka.Tests.Listener;

/// <summary>Connections that behave and connections that don't, byte for byte, against a node that goes on serving.</summary>
public class ConnectionTests(KafkaNode node) : IClassFixture<KafkaNode>
{
    [Fact]
    public async Task It_says_what_it_serves_in_every_version_of_the_question()
    {
        using var client = await RawClient.ConnectAsync(node);
        for (short version = 0; version <= 4; version++)
        {
            var answer = await client.AskAsync<ApiVersionsResponse>(new ApiVersionsRequest { ClientSoftwareName = "t", ClientSoftwareVersion = "1" }, version);
            Assert.Equal(ErrorCode.None, answer.ErrorCode);
            Assert.Equal(0, answer.ApiKeys.Single(api => api.ApiKey == ApiKey.Produce).MinVersion);
            Assert.DoesNotContain(answer.ApiKeys, api => api.ApiKey is ApiKey.DescribeQuorum or ApiKey.EndTxn);
        }
    }

    /// <summary>KIP-511: the body is unknown, the answer is version 0 and says what would be understood; and the connection lives on.</summary>
    [Fact]
    public async Task A_question_for_versions_in_an_unknown_version_is_answered_in_version_0()
    {
        using var client = await RawClient.ConnectAsync(node);
        await client.SendAsync(RawClient.Encode(new ApiVersionsRequest { ClientSoftwareName = "t", ClientSoftwareVersion = "1" }, 4, 3, claimedVersion: 99));
        var (id, answer) = await client.ReceiveAsync<ApiVersionsResponse>(ApiKey.ApiVersions, 0);
        Assert.Equal((3, ErrorCode.UnsupportedVersion), (id, answer.ErrorCode));
        Assert.Equal((ApiKey.ApiVersions, 4), (Assert.Single(answer.ApiKeys).ApiKey, (int)answer.ApiKeys[0].MaxVersion));
        Assert.Equal(ErrorCode.None, (await client.AskAsync<ApiVersionsResponse>(new ApiVersionsRequest(), 0)).ErrorCode);
    }

    [Fact]
    public async Task A_version_that_is_not_served_closes_the_connection()
    {
        using var client = await RawClient.ConnectAsync(node);
        await client.SendAsync(RawClient.Encode(new MetadataRequest { Topics = [] }, 1, 1, claimedVersion: 55));
        await client.ClosedAsync();
        await node.Log.WaitForAsync("version 55 of Metadata is not served (client 'raw')");
    }

    [Fact]
    public async Task Metadata_and_coordinators_name_the_port_that_Kafka_clients_use()
    {
        using var client = await RawClient.ConnectAsync(node);
        var metadata = await client.AskAsync<MetadataResponse>(new MetadataRequest { Topics = [] }, 9);
        var cluster = await client.AskAsync<DescribeClusterResponse>(new DescribeClusterRequest(), 0);
        var coordinator = await client.AskAsync<FindCoordinatorResponse>(new FindCoordinatorRequest { Key = "g" }, 2);
        Assert.Equal(("127.0.0.1", node.Port), (Assert.Single(metadata.Brokers).Host, metadata.Brokers[0].Port));
        Assert.Equal(("127.0.0.1", node.Port), (Assert.Single(cluster.Brokers).Host, cluster.Brokers[0].Port));
        Assert.Equal(("127.0.0.1", node.Port, ErrorCode.None), (coordinator.Host, coordinator.Port, coordinator.ErrorCode));
    }

    /// <summary>A fetch that waits for records holds up what was asked after it, and nothing comes before its turn.</summary>
    [Fact]
    public async Task Responses_come_in_the_order_of_requests()
    {
        using var client = await RawClient.ConnectAsync(node);
        await CreateTopicAsync(client, "ordered");
        await client.SendAsync(Fetch("ordered", 0, waitMs: 300), 11, 1);
        for (var id = 2; id < 200; id++) await client.SendAsync(new MetadataRequest { Topics = [] }, 9, id);
        var (first, fetched) = await client.ReceiveAsync<FetchResponse>(ApiKey.Fetch, 11);
        Assert.Equal((1, ErrorCode.None), (first, fetched.Responses[0].Partitions[0].ErrorCode));
        for (var id = 2; id < 200; id++) Assert.Equal(id, (await client.ReceiveAsync<MetadataResponse>(ApiKey.Metadata, 9)).CorrelationId);
    }

    [Fact]
    public async Task Requests_may_come_byte_by_byte()
    {
        using var client = await RawClient.ConnectAsync(node);
        foreach (var octet in RawClient.Encode(new ApiVersionsRequest(), 0, 5)) await client.SendAsync(new[] { octet });
        Assert.Equal(5, (await client.ReceiveAsync<ApiVersionsResponse>(ApiKey.ApiVersions, 0)).CorrelationId);
    }

    [Fact]
    public async Task A_produce_with_acks_0_has_no_response_and_what_follows_has()
    {
        using var client = await RawClient.ConnectAsync(node);
        await CreateTopicAsync(client, "silent");
        await client.SendAsync(Produce("silent", acks: 0, TestBatch.Of("one")), 7, 1);
        await client.SendAsync(Produce("silent", acks: 1, TestBatch.Of("two")), 7, 2);
        var (id, produced) = await client.ReceiveAsync<ProduceResponse>(ApiKey.Produce, 7);
        Assert.Equal((2, ErrorCode.None, 1L), (id, produced.Responses[0].PartitionResponses[0].ErrorCode, produced.Responses[0].PartitionResponses[0].BaseOffset));
        var fetched = await client.AskAsync<FetchResponse>(Fetch("silent", 0, waitMs: 0), 12);
        Assert.Equal(2, fetched.Responses[0].Partitions[0].HighWatermark);
    }

    /// <summary>A closed connection is how a client with acks=0 learns that it asks the wrong broker.</summary>
    [Fact]
    public async Task A_produce_with_acks_0_that_fails_closes_the_connection()
    {
        using var client = await RawClient.ConnectAsync(node);
        await client.SendAsync(Produce("no-such-topic", acks: 0, TestBatch.Of("lost")), 7, 1);
        await client.ClosedAsync();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(int.MaxValue)]
    [InlineData(0x16030100)] // TLS
    public async Task A_length_that_no_request_has_closes_the_connection(int length)
    {
        using var client = await RawClient.ConnectAsync(node);
        var prefix = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(prefix, length);
        await client.SendAsync(prefix);
        await client.ClosedAsync();
        await node.Log.WaitForAsync($"a request of {length} bytes is announced");
    }

    [Fact]
    public async Task A_request_that_is_not_what_it_says_closes_its_connection_and_no_other()
    {
        using var other = await RawClient.ConnectAsync(node);
        using var client = await RawClient.ConnectAsync(node);
        var request = RawClient.Encode(new MetadataRequest { Topics = [new() { Name = "t" }] }, 4, 1);
        BinaryPrimitives.WriteInt32BigEndian(request.AsSpan(17), int.MaxValue); // the count of topics: after length, header and client id
        await client.SendAsync(request);
        await client.ClosedAsync();
        Assert.Equal(ErrorCode.None, (await other.AskAsync<ApiVersionsResponse>(new ApiVersionsRequest(), 0)).ErrorCode);
    }

    private static async Task CreateTopicAsync(RawClient client, string name)
    {
        var created = await client.AskAsync<CreateTopicsResponse>(
            new CreateTopicsRequest { Topics = [new() { Name = name, NumPartitions = 1, ReplicationFactor = 1 }], TimeoutMs = 10_000 }, 4);
        Assert.Equal(ErrorCode.None, created.Topics[0].ErrorCode);
    }

    private static FetchRequest Fetch(string topic, long offset, int waitMs) => new()
    {
        MaxWaitMs = waitMs,
        MinBytes = 1,
        MaxBytes = 1 << 20,
        Topics = [new() { Topic = topic, Partitions = [new() { Partition = 0, FetchOffset = offset, PartitionMaxBytes = 1 << 20 }] }],
    };

    private static ProduceRequest Produce(string topic, short acks, byte[] batch) => new()
    {
        Acks = acks,
        TimeoutMs = 10_000,
        TopicData = [new() { Name = topic, PartitionData = [new() { Index = 0, Records = batch }] }],
    };
}
