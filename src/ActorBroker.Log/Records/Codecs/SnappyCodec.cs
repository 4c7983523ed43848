using System.Buffers;
using System.Buffers.Binary;

namespace ActorBroker.Log;

/// <summary>
/// Snappy as Kafka writes it, in snappy-java's stream of blocks of 32 KiB; what has no such header is one bare block, as some clients write.
/// <code>
/// 0x82 "SNAPPY" 0x00 | version i32 = 1 | compatible with i32 = 1 | blocks: length i32, block     (big endian)
/// </code>
/// </summary>
internal sealed class SnappyCodec : ICompressionCodec
{
    private const int BlockBytes = 32 * 1024;
    private const int HeaderBytes = 16;

    private static ReadOnlySpan<byte> Magic => [0x82, (byte)'S', (byte)'N', (byte)'A', (byte)'P', (byte)'P', (byte)'Y', 0];

    public CompressionType Type => CompressionType.Snappy;

    public void Compress(ReadOnlySpan<byte> source, IBufferWriter<byte> target)
    {
        target.Write(Magic);
        target.Write<byte>([0, 0, 0, 1, 0, 0, 0, 1]);
        for (; !source.IsEmpty; source = source[Math.Min(source.Length, BlockBytes)..])
        {
            var block = source[..Math.Min(source.Length, BlockBytes)];
            var span = target.GetSpan(4 + SnappyBlock.MaxPacked(block.Length));
            var packed = SnappyBlock.Pack(block, span[4..]);
            BinaryPrimitives.WriteInt32BigEndian(span, packed);
            target.Advance(4 + packed);
        }
    }

    public bool TryDecompress(ReadOnlySpan<byte> source, IBufferWriter<byte> target, int maxBytes)
    {
        if (!source.StartsWith(Magic))
            return TryUnpack(source, target, ref maxBytes);
        if (source.Length < HeaderBytes)
            return false;
        for (source = source[HeaderBytes..]; !source.IsEmpty;)
        {
            if (source.Length < 4)
                return false;
            var length = BinaryPrimitives.ReadInt32BigEndian(source);
            if (length < 0 || length > source.Length - 4 || !TryUnpack(source.Slice(4, length), target, ref maxBytes))
                return false;
            source = source[(4 + length)..];
        }

        return true;
    }

    private static bool TryUnpack(ReadOnlySpan<byte> block, IBufferWriter<byte> target, ref int maxBytes)
    {
        if (!SnappyBlock.TryReadLength(block, out var length, out var begin) || length > (uint)maxBytes || length > SnappyBlock.MaxUnpacked(block.Length))
            return false;
        if (length == 0)
            return begin == block.Length;
        if (!SnappyBlock.TryUnpack(block[begin..], target.GetSpan((int)length)[..(int)length]))
            return false;
        target.Advance((int)length);
        maxBytes -= (int)length;
        return true;
    }
}
