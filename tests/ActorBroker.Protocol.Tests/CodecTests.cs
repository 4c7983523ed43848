using System.Runtime.InteropServices;

namespace ActorBroker.Protocol.Tests;

/// <summary>Single rules of the codec.</summary>
public class CodecTests
{
    [Fact]
    public void Records_are_slices_of_the_received_buffer()
    {
        var bytes = Produce(new byte[500]).ToBytes(9);
        var reader = new ProtocolReader(bytes);
        var records = ProduceRequest.Read(ref reader, 9).TopicData[0].PartitionData[0].Records!.Value;

        Assert.True(MemoryMarshal.TryGetArray(records, out var segment));
        Assert.Same(bytes, segment.Array);
        Assert.Equal(500, segment.Count);
    }

    [Fact]
    public void Reading_records_allocates_nothing_for_them()
    {
        var small = AllocatedReading(Produce(new byte[10]).ToBytes(9));
        var large = AllocatedReading(Produce(new byte[1_000_000]).ToBytes(9));

        Assert.Equal(small, large);
    }

    /// <summary>Kafka's clients skip tags that they don't know; a message without ours is byte for byte Kafka's (the golden files).</summary>
    [Fact]
    public void Tagged_fields_of_our_own_arrive()
    {
        var cluster = new DescribeClusterResponse
        {
            ClusterId = "c",
            Brokers = [new() { BrokerId = 1, BrokerEpoch = 1L << 40, IsStopping = true }, new() { BrokerId = 2 }],
        };
        var reader = new ProtocolReader(cluster.ToBytes(2));
        var brokers = DescribeClusterResponse.Read(ref reader, 2).Brokers;
        Assert.Equal([(1L << 40, true), (-1, false)], brokers.Select(broker => (broker.BrokerEpoch, broker.IsStopping)));

        var topics = new DescribeTopicPartitionsResponse { Topics = [new() { Name = "t", Partitions = [new() { PartitionEpoch = 300 }] }] };
        reader = new ProtocolReader(topics.ToBytes(0));
        Assert.Equal(300, DescribeTopicPartitionsResponse.Read(ref reader, 0).Topics[0].Partitions[0].PartitionEpoch);

        reader = new ProtocolReader(new OffsetFetchRequest { TakesParts = true, Groups = [new() { AfterTopic = "t", AfterPartition = 3 }] }.ToBytes(9));
        var offsets = OffsetFetchRequest.Read(ref reader, 9);
        Assert.Equal((true, "t", 3), (offsets.TakesParts, offsets.Groups[0].AfterTopic, offsets.Groups[0].AfterPartition));
        reader = new ProtocolReader(new OffsetFetchResponse { Groups = [new() { IsCut = true }] }.ToBytes(9));
        Assert.True(OffsetFetchResponse.Read(ref reader, 9).Groups[0].IsCut);
        reader = new ProtocolReader(new DescribeGroupsRequest { TakesParts = true, AfterMember = "m" }.ToBytes(6));
        Assert.Equal("m", DescribeGroupsRequest.Read(ref reader, 6).AfterMember);
        reader = new ProtocolReader(new DescribeGroupsResponse { Groups = [new() { IsCut = true }] }.ToBytes(6));
        Assert.True(DescribeGroupsResponse.Read(ref reader, 6).Groups[0].IsCut);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(10)]
    [InlineData(-1)]
    public void A_version_outside_the_range_is_refused_both_ways(short version)
    {
        var write = Assert.Throws<ProtocolException>(() => new ProduceRequest().ToBytes(version));
        var read = Assert.Throws<ProtocolException>(() =>
        {
            var reader = new ProtocolReader(new byte[100]);
            ApiRegistry.ReadRequest(ApiKey.Produce, version, ref reader);
        });

        Assert.Equal(ProtocolFault.UnsupportedVersion, write.Fault);
        Assert.Equal(ProtocolFault.UnsupportedVersion, read.Fault);
        Assert.Equal(ErrorCode.UnsupportedVersion, read.ErrorCode);
        Assert.Contains("3 to 9", read.Message);
    }

    [Theory]
    [InlineData(ApiKey.LeaderAndIsr)]
    [InlineData((ApiKey)(-7))]
    [InlineData((ApiKey)30_000)]
    public void An_unknown_api_is_refused(ApiKey key)
    {
        Assert.False(ApiRegistry.TryGet(key, out _));
        var error = Assert.Throws<ProtocolException>(() =>
        {
            var reader = new ProtocolReader(new byte[100]);
            ApiRegistry.ReadRequest(key, 0, ref reader);
        });

        Assert.Equal(ProtocolFault.UnknownApi, error.Fault);
    }

    [Fact]
    public void A_value_that_the_version_lacks_is_refused_unless_it_may_be_dropped()
    {
        var diverging = Fetch(new FetchResponse.PartitionData { DivergingEpoch = new FetchResponse.EpochEndOffset { Epoch = 3, EndOffset = 9 } });
        var hint = Fetch(new FetchResponse.PartitionData { CurrentLeader = new FetchResponse.LeaderIdAndEpoch { LeaderId = 3, LeaderEpoch = 9 } });

        var error = Assert.Throws<ProtocolException>(() => diverging.ToBytes(11));
        Assert.Equal(ProtocolFault.Unwritable, error.Fault);
        Assert.Contains("DivergingEpoch", error.Message);
        Assert.NotEmpty(hint.ToBytes(11));
    }

    [Fact]
    public void Null_where_the_version_has_none_is_refused_both_ways()
    {
        var error = Assert.Throws<ProtocolException>(() => new MetadataRequest { Topics = null }.ToBytes(0));
        Assert.Contains("MetadataRequest.Topics", error.Message);

        Assert.Throws<ProtocolException>(() =>
        {
            var reader = new ProtocolReader(new byte[] { 0xff, 0xff, 0xff, 0xff });
            MetadataRequest.Read(ref reader, 0);
        });
    }

    [Fact]
    public void Unknown_tagged_fields_are_passed_over()
    {
        var bytes = new MetadataRequest { Topics = null }.ToBytes(9);
        byte[] tagged = [.. bytes[..^1], 2, 5, 3, 1, 2, 3, 0x80, 0x01, 0]; // tags 5 and 128
        var reader = new ProtocolReader(tagged);

        Assert.Null(MetadataRequest.Read(ref reader, 9).Topics);
        reader.ExpectEnd("MetadataRequest");
    }

    [Fact]
    public void A_tagged_field_may_not_be_longer_or_shorter_than_its_content()
    {
        var bytes = new FetchRequest { ReplicaState = new FetchRequest.ReplicaIdentity { ReplicaId = 1, ReplicaEpoch = 2 } }.ToBytes(15);
        var at = bytes.Length - 14; // count, tag, size, then 4 + 8 + 1 bytes
        Assert.Equal(13, bytes[at]);

        foreach (var size in new byte[] { 12, 14 })
        {
            byte[] wrong = [.. bytes, 0];
            wrong[at] = size;
            Assert.Throws<ProtocolException>(() =>
            {
                var reader = new ProtocolReader(wrong);
                FetchRequest.Read(ref reader, 15);
            });
        }
    }

    [Fact]
    public void An_array_that_cannot_lie_in_the_rest_is_refused_before_anything_is_allocated()
    {
        byte[] bytes = [0x7f, 0xff, 0xff, 0xf0, 0, 0, 0];
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<ProtocolException>(() =>
        {
            var reader = new ProtocolReader(bytes);
            MetadataRequest.Read(ref reader, 1);
        });

        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 64 * 1024);
        Assert.StartsWith("MetadataRequest.Topics, at byte 4 of 7", error.Message);
    }

    [Fact]
    public void The_memory_budget_bounds_what_small_elements_add_up_to()
    {
        var bytes = new MetadataRequest { Topics = [.. Enumerable.Repeat(new MetadataRequest.MetadataRequestTopic(), 10_000)] }.ToBytes(1);
        var error = Assert.Throws<ProtocolException>(() =>
        {
            var reader = new ProtocolReader(bytes, memoryBudget: 100_000);
            MetadataRequest.Read(ref reader, 1);
        });

        Assert.Equal(ProtocolFault.TooLarge, error.Fault);
    }

    [Fact]
    public void A_string_that_is_not_utf8_is_refused()
    {
        var error = Assert.Throws<ProtocolException>(() =>
        {
            var reader = new ProtocolReader(new byte[] { 0, 2, 0xc3, 0x28 });
            reader.ReadString(flexible: false, "name");
        });

        Assert.Contains("UTF-8", error.Message);
    }

    [Fact]
    public void A_string_too_long_for_the_protocol_is_refused_both_ways()
    {
        Assert.Throws<ProtocolException>(() => new FetchRequest { RackId = new string('x', 32_768) }.ToBytes(12));
        Assert.Throws<ProtocolException>(() =>
        {
            var reader = new ProtocolReader((byte[])[0x81, 0x80, 0x02, .. new byte[32_768]]);
            reader.ReadString(flexible: true, "name");
        });
    }

    [Theory]
    [InlineData(0u, 1)]
    [InlineData(127u, 1)]
    [InlineData(128u, 2)]
    [InlineData(16_383u, 2)]
    [InlineData(16_384u, 3)]
    [InlineData(uint.MaxValue, 5)]
    public void Unsigned_varints_round_trip_in_the_fewest_bytes(uint value, int size)
    {
        var measure = ProtocolWriter.Measure();
        measure.WriteUnsignedVarint(value);
        var bytes = new byte[size];
        var writer = new ProtocolWriter(bytes);
        writer.WriteUnsignedVarint(value);
        var reader = new ProtocolReader(bytes);

        Assert.Equal(size, measure.Length);
        Assert.Equal(size, writer.Length);
        Assert.Equal(value, reader.ReadUnsignedVarint("value"));
    }

    [Fact]
    public void A_varint_beyond_32_bits_is_refused()
    {
        Assert.Throws<ProtocolException>(() =>
        {
            var reader = new ProtocolReader(new byte[] { 0xff, 0xff, 0xff, 0xff, 0x1f });
            reader.ReadUnsignedVarint("value");
        });
    }

    private static ProduceRequest Produce(byte[] records) => new()
    {
        TopicData = [new() { Name = "t", PartitionData = [new() { Index = 0, Records = records }] }],
    };

    private static FetchResponse Fetch(FetchResponse.PartitionData partition) => new()
    {
        Responses = [new() { Partitions = [partition] }],
    };

    private static long AllocatedReading(byte[] bytes)
    {
        Read(bytes); // whatever is made once
        var before = GC.GetAllocatedBytesForCurrentThread();
        Read(bytes);
        return GC.GetAllocatedBytesForCurrentThread() - before;

        static void Read(byte[] bytes)
        {
            var reader = new ProtocolReader(bytes);
            ProduceRequest.Read(ref reader, 9);
        }
    }
}
