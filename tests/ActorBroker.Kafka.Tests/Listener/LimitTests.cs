using System.Net.Sockets;
using ActorBroker.Kafka.Tests.Nodes;
using ActorBroker.Protocol;

namespace ActorBroker.Kafka.Tests.Listener;

/// <summary>What one client, or all together, may take of a node; each scenario has a node with limits of its own.</summary>
public class LimitTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Connections_beyond_the_limit_are_closed_and_a_place_that_is_left_is_free()
    {
        var node = await KafkaNode.StartAsync("actorbroker.max.connections.total = 2");
        try
        {
            using var first = await RawClient.ConnectAsync(node);
            await ServedAsync(first);
            using (var second = await RawClient.ConnectAsync(node))
            {
                await ServedAsync(second);
                using var third = await RawClient.ConnectAsync(node);
                await third.ClosedAsync();
            }

            await node.Log.WaitForAsync("max.connections.total");
            await EventuallyServedAsync(node);
            await ServedAsync(first);
        }
        finally
        {
            await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task Connections_of_one_address_have_a_limit_too()
    {
        var node = await KafkaNode.StartAsync("actorbroker.max.connections.per.ip = 1");
        try
        {
            using var first = await RawClient.ConnectAsync(node);
            await ServedAsync(first);
            using var second = await RawClient.ConnectAsync(node);
            await second.ClosedAsync();
            await ServedAsync(first);
        }
        finally
        {
            await node.DisposeAsync();
        }
    }

    /// <summary>One is silent, one has sent half a request, one waits for its answer: only the last is alive.</summary>
    [Fact]
    public async Task Idle_connections_are_closed_and_those_that_wait_for_an_answer_are_not()
    {
        var node = await KafkaNode.StartAsync("actorbroker.connections.max.idle.ms = 500");
        try
        {
            using var waiting = await RawClient.ConnectAsync(node);
            var created = await waiting.AskAsync<CreateTopicsResponse>(
                new CreateTopicsRequest { Topics = [new() { Name = "t", NumPartitions = 1, ReplicationFactor = 1 }], TimeoutMs = 10_000 }, 4);
            Assert.Equal(ErrorCode.None, created.Topics[0].ErrorCode);
            await waiting.SendAsync(
                new FetchRequest { MaxWaitMs = 2000, MinBytes = 1, MaxBytes = 1000, Topics = [new() { Topic = "t", Partitions = [new() { Partition = 0, PartitionMaxBytes = 1000 }] }] }, 11, 9);
            using var silent = await RawClient.ConnectAsync(node);
            using var half = await RawClient.ConnectAsync(node);
            await half.SendAsync(RawClient.Encode(new ApiVersionsRequest(), 0, 1).AsMemory(0, 9));
            await silent.ClosedAsync();
            await half.ClosedAsync();
            Assert.Equal(9, (await waiting.ReceiveAsync<FetchResponse>(ApiKey.Fetch, 11)).CorrelationId);
        }
        finally
        {
            await node.DisposeAsync();
        }
    }

    /// <summary>A client that asks and never reads: the broker stops reading it, so that its own sends come to a stop. Others are served.</summary>
    [Fact]
    public async Task A_client_that_does_not_read_is_not_read()
    {
        var node = await KafkaNode.StartAsync();
        try
        {
            using var deaf = await RawClient.ConnectAsync(node);
            deaf.Socket.SendTimeout = 1000;
            var request = RawClient.Encode(new ApiVersionsRequest(), 0, 1);
            var many = Enumerable.Repeat(request, 1000).SelectMany(bytes => bytes).ToArray();
            var sent = 0L;
            try
            {
                // Each 16 bytes ask for some 250: the buffers of both sockets are full long before.
                for (; sent < 256L << 20; sent += many.Length) deaf.Socket.Send(many);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
            {
                // What is wanted.
            }

            Assert.True(sent < 256L << 20, "everything was read");
            using var other = await RawClient.ConnectAsync(node);
            await ServedAsync(other);
        }
        finally
        {
            await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_node_that_stops_closes_its_connections()
    {
        var node = await KafkaNode.StartAsync();
        using var client = await RawClient.ConnectAsync(node);
        await ServedAsync(client);
        await node.DisposeAsync();
        await client.ClosedAsync();
    }

    private static async Task ServedAsync(RawClient client) =>
        Assert.Equal(ErrorCode.None, (await client.AskAsync<ApiVersionsResponse>(new ApiVersionsRequest(), 0)).ErrorCode);

    private static async Task EventuallyServedAsync(KafkaNode node)
    {
        for (var deadline = DateTimeOffset.UtcNow + Deadline; ; await Task.Delay(20))
        {
            using var client = await RawClient.ConnectAsync(node);
            try
            {
                await ServedAsync(client);
                return;
            }
            catch (Exception e) when (e is EndOfStreamException or IOException && DateTimeOffset.UtcNow < deadline)
            {
                // The one that left has not been noticed yet.
            }
        }
    }
}
