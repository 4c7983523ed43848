using System.Text;

namespace ActorBroker.Log.Tests;

public sealed class RecordBatchTests
{
    /// <summary>Made by Kafka 4.3.1's own client; see Data/README.md.</summary>
    private static byte[] Golden(string name) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Data", name));

    [Theory]
    [InlineData(0, 0xE3069283u)]
    public void Crc32C_of_the_check_string_is_the_published_one(int _, uint expected) =>
        Assert.Equal(expected, Crc32C.Compute("123456789"u8));

    [Fact]
    public void Crc32C_agrees_with_bitwise_division_at_every_length()
    {
        var random = new Random(5);
        var bytes = new byte[10_000];
        random.NextBytes(bytes);
        var state = ~0u;
        for (var length = 0; length <= bytes.Length; length++)
        {
            if (length < 70 || length % 977 == 0 || length is 3071 or 3072 or 3073 or 6144)
                Assert.Equal(~state, Crc32C.Compute(bytes.AsSpan(0, length)));
            if (length == bytes.Length)
                break;
            state ^= bytes[length];
            for (var bit = 0; bit < 8; bit++)
                state = (state >> 1) ^ ((state & 1) != 0 ? 0x82F63B78u : 0);
        }
    }

    [Theory]
    [InlineData(0L, 1)]
    [InlineData(-1L, 1)]
    [InlineData(63L, 1)]
    [InlineData(64L, 2)]
    [InlineData(-65L, 2)]
    [InlineData(int.MaxValue, 5)]
    [InlineData(long.MaxValue, 10)]
    [InlineData(long.MinValue, 10)]
    public void Varints_have_their_size_and_come_back(long value, int size)
    {
        Span<byte> bytes = stackalloc byte[10];
        Assert.Equal(size, Varint.SizeOf(value));
        Assert.Equal(size, Varint.Write(bytes, value));
        var at = 0;
        Assert.True(Varint.TryRead(bytes[..size], ref at, out long back));
        Assert.Equal(value, back);
        Assert.Equal(size, at);
        at = 0;
        Assert.False(Varint.TryRead(bytes[..(size - 1)], ref at, out long _));
        if (value is < int.MinValue or > int.MaxValue)
            return;
        Assert.Equal(size, Varint.Write(bytes, (int)value));
        at = 0;
        Assert.True(Varint.TryRead(bytes[..size], ref at, out int small));
        Assert.Equal((int)value, small);
    }

    [Fact]
    public void An_int_varint_of_six_bytes_or_too_many_bits_is_refused()
    {
        var at = 0;
        Assert.False(Varint.TryRead([0x80, 0x80, 0x80, 0x80, 0x80, 0x01], ref at, out int _));
        Assert.False(Varint.TryRead([0xff, 0xff, 0xff, 0xff, 0x1f], ref at, out int _));
    }

    [Fact]
    public void A_built_batch_has_every_field_in_its_place()
    {
        using var builder = new RecordBatchBuilder(1 << 20);
        Assert.True(builder.TryAppend(5_000, "k"u8.ToArray(), null, [new RecordHeader("h", "v"u8.ToArray()), new RecordHeader("n", null)]));
        Assert.True(builder.TryAppend(4_990, null, "value"u8.ToArray()));
        builder.ProducerId = new ProducerId(77);
        builder.ProducerEpoch = new ProducerEpoch(3);
        builder.BaseSequence = 12;
        var bytes = builder.Build().ToArray();
        Assert.Equal(builder.SizeInBytes, bytes.Length);
        Assert.Equal(BatchFault.None, RecordBatchValidator.CheckProduced(bytes, 1 << 20, out var header));
        Assert.Equal((2, 1, 5_000L, 5_000L), (header.RecordCount, header.LastOffsetDelta, header.BaseTimestamp, header.MaxTimestamp));
        Assert.Equal((77L, (short)3, 12, 13), (header.ProducerId.Value, header.ProducerEpoch.Value, header.BaseSequence, header.LastSequence));

        // By hand from the format: length, attributes, timestamp delta, offset delta, key, value, headers.
        byte[] first = [0x1c, 0, 0, 0, 2, (byte)'k', 1, 4, 2, (byte)'h', 2, (byte)'v', 2, (byte)'n', 1];
        Assert.Equal(14, first.Length - 1);
        Assert.Equal(first, bytes[61..(61 + first.Length)]);

        var records = new RecordEnumerator(bytes);
        Assert.True(records.MoveNext());
        Assert.True(records.Current.HasKey);
        Assert.False(records.Current.HasValue);
        Assert.Equal("h,n", string.Join(',', records.Current.CopyHeaders().Select(h => h.Key)));
        Assert.Null(records.Current.CopyHeaders()[1].Value);
        Assert.True(records.MoveNext());
        Assert.Equal(4_990, records.Current.Timestamp);
        Assert.False(records.Current.HasKey);
        Assert.Equal("value", Encoding.UTF8.GetString(records.Current.Value));
        Assert.False(records.MoveNext());
    }

    [Fact]
    public void Patching_offset_and_epoch_keeps_the_checksum_and_append_time_renews_it()
    {
        var bytes = Batches.Of("a", "b").Span;
        RecordBatchHeader.PatchBaseOffset(bytes, new Offset(1L << 40));
        RecordBatchHeader.PatchLeaderEpoch(bytes, new LeaderEpoch(9));
        Assert.Equal(BatchFault.None, RecordBatchValidator.CheckChecksum(bytes, out var header));
        Assert.Equal((1L << 40) + 1, header.LastOffset.Value);
        RecordBatchHeader.PatchAppendTime(bytes, 123_456);
        Assert.Equal(BatchFault.None, RecordBatchValidator.CheckChecksum(bytes, out header));
        Assert.Equal(TimestampType.LogAppendTime, header.TimestampType);
        foreach (var record in new RecordEnumerator(bytes))
            Assert.Equal(123_456, record.Timestamp);
    }

    [Fact]
    public void The_size_limit_binds_all_but_the_first_record()
    {
        using var builder = new RecordBatchBuilder(100);
        Assert.True(builder.TryAppend(1, null, new byte[500]));
        Assert.False(builder.TryAppend(1, null, new byte[1]));
        Assert.Equal(RecordBatchBuilder.SizeOfSingle(null, new byte[500]), builder.SizeInBytes);
        builder.Reset();
        Assert.True(builder.IsEmpty);
        Assert.True(builder.TryAppend(1, null, new byte[20]));
        Assert.False(builder.TryAppend(1, null, new byte[20]));
        Assert.True(builder.Build().Length <= 100);
    }

    [Fact]
    public void Gzip_packs_and_unpacks_and_a_bomb_is_refused()
    {
        var bytes = Batches.At(7, CompressionType.Gzip, new string('x', 100_000), "y");
        Assert.True(bytes.Length < 2_000);
        Assert.Equal(BatchFault.None, RecordBatchValidator.CheckProduced(bytes.Span, 1 << 20, out var header));
        Assert.Equal(CompressionType.Gzip, header.Compression);
        Assert.Equal("1=y", Batches.Values(bytes)[1]);
        Assert.Equal(BatchFault.UnpackFailed, RecordBatchValidator.CheckProduced(bytes.Span, 1 << 20, out _, maxUnpackedBytes: 50_000));
    }

    [Fact]
    public void Every_flipped_bit_behind_the_epoch_is_noticed()
    {
        var whole = Batches.Of("alpha", "beta").ToArray();
        for (var at = RecordBatchHeader.LengthAt; at < whole.Length; at++)
        {
            if (at is >= RecordBatchHeader.LeaderEpochAt and < RecordBatchHeader.MagicAt)
                continue;
            for (var bit = 0; bit < 8; bit++)
            {
                var bytes = whole.ToArray();
                bytes[at] ^= (byte)(1 << bit);
                Assert.NotEqual(BatchFault.None, RecordBatchValidator.CheckChecksum(bytes, out _));
            }
        }
    }

    [Fact]
    public void Malformed_records_under_a_true_checksum_are_refused_without_harm()
    {
        // The checksum is made to fit, so only the record checks stand between the bytes and the log.
        var random = new Random(11);
        var whole = Batches.Of("alpha", "beta", "gamma").ToArray();
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = whole.ToArray();
            for (var flips = random.Next(1, 4); flips > 0; flips--)
                bytes[random.Next(RecordBatchHeader.AttributesAt, bytes.Length)] = (byte)random.Next(256);
            RecordBatchHeader.PatchCrc(bytes);
            if (RecordBatchValidator.CheckProduced(bytes, 1 << 20, out var header) != BatchFault.None)
                continue;
            var count = 0;
            foreach (var record in new RecordEnumerator(bytes))
            {
                Assert.Equal(count++, record.Offset.Value);
                foreach (var h in record.Headers)
                    Assert.True(h.Key.Length <= bytes.Length);
            }

            Assert.Equal(header.RecordCount, count);
        }
    }

    [Theory]
    [InlineData("golden-plain.bin", CompressionType.None)]
    [InlineData("golden-gzip.bin", CompressionType.Gzip)]
    [InlineData("golden-snappy.bin", CompressionType.Snappy)]
    [InlineData("golden-lz4.bin", CompressionType.Lz4)]
#if ZSTD
    [InlineData("golden-zstd.bin", CompressionType.Zstd)]
#endif
    public void Batches_of_Kafkas_own_client_are_read(string file, CompressionType compression)
    {
        var bytes = Golden(file);
        Assert.Equal(BatchFault.None, RecordBatchValidator.CheckChecksum(bytes, out var header));
        Assert.Equal(compression, header.Compression);
        Assert.Equal(bytes.Length, header.SizeInBytes);
        var seen = new List<string>();
        foreach (var record in new RecordEnumerator(bytes))
            seen.Add($"{record.Offset}@{record.Timestamp} {(record.HasKey ? Encoding.UTF8.GetString(record.Key) : "null")}={(record.HasValue ? Encoding.UTF8.GetString(record.Value) : "null")} {string.Join(',', record.CopyHeaders().Select(h => h.Key + ":" + (h.Value is { } v ? Encoding.UTF8.GetString(v.Span) : "null")))}");
        Assert.Equal(
        [
            "0@1700000000000 k1=v1 ",
            "1@1700000000005 null=value two ",
            "2@1699999999999 k3=null h1:a,h2:null",
        ], seen);
    }

    [Fact]
    public void The_same_records_give_the_bytes_that_Kafkas_client_gives()
    {
        using var builder = new RecordBatchBuilder(1 << 20);
        builder.TryAppend(1_700_000_000_000, "k1"u8.ToArray(), "v1"u8.ToArray());
        builder.TryAppend(1_700_000_000_005, null, "value two"u8.ToArray());
        builder.TryAppend(1_699_999_999_999, "k3"u8.ToArray(), null, [new RecordHeader("h1", "a"u8.ToArray()), new RecordHeader("h2", null)]);
        Assert.Equal(Golden("golden-plain.bin"), builder.Build().ToArray());
    }
}
