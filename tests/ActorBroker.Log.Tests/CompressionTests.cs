using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace ActorBroker.Log.Tests;

/// <summary>
/// The codecs against batches that Kafka's own client packed (Data/README.md), against themselves, and against bytes that are wrong.
/// What they write was read by Kafka's client too; <see cref="What_is_packed_does_not_change"/> keeps those bytes.
/// </summary>
public sealed class CompressionTests
{
    public static TheoryData<CompressionType> All => [.. Enum.GetValues<CompressionType>().Where(type => CompressionCodecs.Default.TryGet(type, out _))];

    [Theory]
    [InlineData(CompressionType.Snappy)]
    [InlineData(CompressionType.Lz4)]
#if ZSTD
    [InlineData(CompressionType.Zstd)]
#endif
    public void A_large_record_packed_by_Kafka_is_read(CompressionType type)
    {
        var bytes = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Data", $"large-{type}.bin".ToLowerInvariant()));
        Assert.Equal(BatchFault.None, RecordBatchValidator.CheckProduced(bytes, int.MaxValue, out var header));
        Assert.Equal(type, header.Compression);
        using var records = new RecordEnumerator(bytes);
        Assert.True(records.MoveNext());
        Assert.True(records.Current.Value.SequenceEqual(Large()));
        Assert.False(records.MoveNext());
    }

    [Theory]
    [MemberData(nameof(All))]
    public void What_is_packed_comes_back(CompressionType type)
    {
        var codec = Codec(type);
        Comes(codec, Large());
        foreach (var length in (int[])[0, 1, 4, 5, 11, 12, 13, 16, 64, 65, 255, 256, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537, 200_000])
        {
            Comes(codec, new byte[length]);
            Comes(codec, Noise(length));
            Comes(codec, [.. Noise(length), .. new byte[length], .. Noise(length)]);
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Whatever_is_packed_comes_back(CompressionType type)
    {
        var codec = Codec(type);
        // Few different bytes, so that repetitions of all lengths and distances occur.
        var pieces = Gen.NonEmptyListOf(ArbMap.Default.GeneratorFor<byte[]>().Zip(Gen.Choose(1, 40)));
        Prop.ForAll(pieces.ToArbitrary(), list =>
        {
            var data = new List<byte>();
            foreach (var (piece, times) in list)
            {
                for (var i = 0; i < times; i++)
                    data.AddRange((piece ?? []).Select(one => (byte)(one & 7)));
            }

            Comes(codec, [.. data]);
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_bomb_is_refused_and_what_just_fits_is_not(CompressionType type)
    {
        var packed = Pack(Codec(type), new byte[1_000_000]);
        Assert.True(packed.Length < 60_000, $"{packed.Length} bytes");
        var target = new ArrayBufferWriter<byte>();
        Assert.False(Codec(type).TryDecompress(packed, target, 999_999));
        Assert.True(target.Capacity < 4_000_000);
        Assert.True(Codec(type).TryDecompress(packed, new ArrayBufferWriter<byte>(), 1_000_000));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Broken_bytes_do_no_harm(CompressionType type)
    {
        var random = new Random(3);
        var whole = Pack(Codec(type), Large().AsSpan(60_000, 20_000));
        for (var i = 0; i < 2000; i++)
        {
            var broken = whole.ToArray();
            for (var flips = random.Next(1, 5); flips > 0; flips--)
                broken[random.Next(random.Next(2) == 0 ? 64 : broken.Length)] = (byte)random.Next(256);
            var target = new ArrayBufferWriter<byte>();
            Codec(type).TryDecompress(broken.AsSpan(0, random.Next(2) == 0 ? broken.Length : random.Next(broken.Length)), target, 100_000);
            Assert.InRange(target.WrittenCount, 0, 100_000);
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void What_gains_nothing_by_packing_is_left_as_it_is(CompressionType type)
    {
        using var builder = new RecordBatchBuilder(100_000, type);
        Assert.True(builder.TryAppend(1000, null, Noise(3000)));
        var bytes = builder.Build();
        Assert.Equal(builder.SizeInBytes, bytes.Length);
        Assert.Equal(BatchFault.None, RecordBatchValidator.CheckProduced(bytes.Span, 100_000, out var header));
        Assert.Equal(CompressionType.None, header.Compression);
    }

    /// <summary>Published test values.</summary>
    [Theory]
    [InlineData("", 0x02CC5D05u)]
    [InlineData("a", 0x550D7456u)]
    [InlineData("abc", 0x32D153FFu)]
    [InlineData("Nobody inspects the spammish repetition", 0xE2293B2Fu)]
    public void XxHash_is_the_published_one(string text, uint expected) => Assert.Equal(expected, XxHash32.Compute(Encoding.ASCII.GetBytes(text)));

    /// <summary>Made by the lz4 program with other options than Kafka's: blocks that depend on each other, all checksums, content size.</summary>
    [Theory]
    [InlineData("frame-linked.lz4")]
    [InlineData("frame-checked.lz4")]
    public void Frames_of_other_writers_are_read(string file)
    {
        var packed = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Data", file));
        var target = new ArrayBufferWriter<byte>();
        Assert.True(new Lz4Codec().TryDecompress(packed, target, 1_000_000));
        Assert.True(target.WrittenSpan.SequenceEqual(Large()));
        packed[^1] ^= 1;
        Assert.False(new Lz4Codec().TryDecompress(packed, new ArrayBufferWriter<byte>(), 1_000_000));
    }

    [Fact]
    public void A_bare_block_of_Snappy_is_read()
    {
        byte[] block = [6, 1 << 2, (byte)'a', (byte)'b', (4 - 4) << 2 | 1, 2];
        var target = new ArrayBufferWriter<byte>();
        Assert.True(Codec(CompressionType.Snappy).TryDecompress(block, target, 100));
        Assert.Equal("ababab", Encoding.ASCII.GetString(target.WrittenSpan));
    }

    /// <summary>Kafka's client has read these very batches: packed otherwise, they must be shown to it again.</summary>
    [Theory]
    [InlineData(CompressionType.Snappy)]
    [InlineData(CompressionType.Lz4)]
    public void What_is_packed_does_not_change(CompressionType type)
    {
        using var builder = new RecordBatchBuilder(200_000, type);
        Assert.True(builder.TryAppend(1_700_000_000_000, null, Large()));
        var bytes = builder.Build().ToArray();
        Assert.Equal(
            type == CompressionType.Snappy ? "f79fa5575a85f8d4" : "01cd8d64cc7c6251",
            Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes))[..16]);
    }

    /// <summary>The same 100,000 bytes as in Kafka's large batches: text that repeats, noise, zeros.</summary>
    private static byte[] Large()
    {
        var text = new StringBuilder();
        for (var i = 0; text.Length < 70_000; i++)
            text.Append("flight ").Append(i * 7919 % 1000).Append(" from gate ").Append((char)('A' + (i % 26))).Append('\n');
        var bytes = new byte[100_000];
        Encoding.ASCII.GetBytes(text.ToString(0, 70_000)).CopyTo(bytes, 0);
        var state = 12345;
        for (var i = 70_000; i < 78_000; i++)
        {
            state = unchecked((state * 1103515245) + 12345);
            bytes[i] = (byte)(state >>> 16);
        }

        return bytes;
    }

    private static byte[] Noise(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private static ICompressionCodec Codec(CompressionType type)
    {
        Assert.True(CompressionCodecs.Default.TryGet(type, out var codec));
        return codec;
    }

    private static byte[] Pack(ICompressionCodec codec, ReadOnlySpan<byte> data)
    {
        var packed = new ArrayBufferWriter<byte>();
        codec.Compress(data, packed);
        return packed.WrittenSpan.ToArray();
    }

    private static void Comes(ICompressionCodec codec, byte[] data)
    {
        var target = new ArrayBufferWriter<byte>();
        Assert.True(codec.TryDecompress(Pack(codec, data), target, data.Length), $"{data.Length} bytes");
        Assert.True(target.WrittenSpan.SequenceEqual(data), $"{data.Length} bytes");
    }
}
