using System.Buffers.Binary;
using ActorBroker.Kafka.Tests.Nodes;
using ActorBroker.Protocol;
using Xunit.Abstractions;

namespace ActorBroker.Kafka.Tests.Listener;

/// <summary>Bytes that no client sends: whatever they are, their connection alone suffers, and the node holds nothing of them.</summary>
public class FuzzTests(KafkaNode node, ITestOutputHelper output) : IClassFixture<KafkaNode>
{
    private const int Rounds = 400;

    [Fact]
    public async Task Random_bytes_and_mutated_requests_leave_the_node_serving()
    {
        const int Seed = 20260601;
        var random = new Random(Seed);
        var recorded = Recorded();
        using var witness = await RawClient.ConnectAsync(node);
        for (var round = 0; round < Rounds; round++)
        {
            var bytes = round % 4 == 0 ? Noise(random) : Mutated(recorded[random.Next(recorded.Length)], random);
            using var client = await RawClient.ConnectAsync(node);
            try
            {
                await client.SendAsync(bytes);
            }
            catch (IOException)
            {
                // Closed while it was still sending.
            }

            if (round % 50 == 0) Assert.Equal(ErrorCode.None, (await witness.AskAsync<ApiVersionsResponse>(new ApiVersionsRequest(), 0)).ErrorCode);
        }

        var metadata = await witness.AskAsync<MetadataResponse>(new MetadataRequest { Topics = [] }, 9);
        Assert.Single(metadata.Brokers);
        Assert.DoesNotContain(node.Log.Snapshot(), line => line.StartsWith("ErrorLevel", StringComparison.Ordinal));
    }

    /// <summary>So many that say nothing hold little, and keep nobody from being served.</summary>
    [Fact]
    public async Task Two_thousand_idle_connections_leave_the_node_serving_and_hold_little()
    {
        const int Connections = 2_000;
        const int MostBytesEach = 32 * 1024; // of both ends, as clients are in this process too
        using var witness = await RawClient.ConnectAsync(node);
        await witness.AskAsync<MetadataResponse>(new MetadataRequest { Topics = [] }, 9);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var clients = new List<RawClient>(Connections);
        try
        {
            while (clients.Count < Connections)
            {
                clients.Add(await RawClient.ConnectAsync(node));
                if (clients.Count % 2 == 0) await clients[^1].AskAsync<ApiVersionsResponse>(new ApiVersionsRequest(), 0);
            }

            var held = (GC.GetTotalMemory(forceFullCollection: true) - before) / Connections;
            output.WriteLine($"{held} bytes for each connection, both ends");
            Assert.InRange(held, 0, MostBytesEach);
            Assert.Single((await witness.AskAsync<MetadataResponse>(new MetadataRequest { Topics = [] }, 9)).Brokers);
            Assert.Equal(ErrorCode.None, (await clients[^1].AskAsync<ApiVersionsResponse>(new ApiVersionsRequest(), 0)).ErrorCode);
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    /// <summary>A truthful length before what is no request reaches the decoders; a wrong one ends sooner.</summary>
    private static byte[] Noise(Random random)
    {
        var bytes = new byte[random.Next(4, 400)];
        random.NextBytes(bytes);
        if (random.Next(2) == 0) BinaryPrimitives.WriteInt32BigEndian(bytes, bytes.Length - 4);
        if (random.Next(2) == 0 && bytes.Length > 8)
        {
            BinaryPrimitives.WriteInt16BigEndian(bytes.AsSpan(4), (short)random.Next(0, 80));
            BinaryPrimitives.WriteInt16BigEndian(bytes.AsSpan(6), (short)random.Next(0, 12));
        }

        return bytes;
    }

    private static byte[] Mutated(byte[] recorded, Random random)
    {
        var bytes = recorded.ToArray();
        for (var changes = random.Next(1, 6); changes > 0; changes--) bytes[random.Next(4, bytes.Length)] = (byte)random.Next(256);
        return random.Next(5) == 0 ? bytes[..random.Next(1, bytes.Length)] : bytes;
    }

    private static byte[][] Recorded() =>
    [
        RawClient.Encode(new MetadataRequest { Topics = [new() { Name = "no-such-topic" }], AllowAutoTopicCreation = false }, 9, 1),
        RawClient.Encode(new MetadataRequest { Topics = [new() { Name = "no-such-topic" }], AllowAutoTopicCreation = false }, 4, 2),
        RawClient.Encode(new ApiVersionsRequest { ClientSoftwareName = "fuzz", ClientSoftwareVersion = "1" }, 3, 3),
        RawClient.Encode(new ProduceRequest { Acks = 1, TimeoutMs = 100, TopicData = [new() { Name = "t", PartitionData = [new() { Index = 0, Records = TestBatch.Of("a", "b") }] }] }, 9, 4),
        RawClient.Encode(new FetchRequest { MaxWaitMs = 10, MinBytes = 1, MaxBytes = 1000, Topics = [new() { Topic = "t", Partitions = [new() { Partition = 0, PartitionMaxBytes = 1000 }] }] }, 12, 5),
        RawClient.Encode(new JoinGroupRequest { GroupId = "g", SessionTimeoutMs = 6000, RebalanceTimeoutMs = 100, MemberId = "", ProtocolType = "consumer", Protocols = [new() { Name = "range", Metadata = new byte[20] }] }, 5, 6),
        RawClient.Encode(new OffsetCommitRequest { GroupId = "g", MemberId = "", Topics = [new() { Name = "t", Partitions = [new() { PartitionIndex = 0, CommittedOffset = 5 }] }] }, 8, 7),
        RawClient.Encode(new FindCoordinatorRequest { CoordinatorKeys = ["g"] }, 4, 8),
        RawClient.Encode(new ListOffsetsRequest { Topics = [new() { Name = "t", Partitions = [new() { PartitionIndex = 0, Timestamp = -1 }] }] }, 6, 9),
    ];
}
