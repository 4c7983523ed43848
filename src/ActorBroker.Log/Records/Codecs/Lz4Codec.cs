using System.Buffers;
using System.Buffers.Binary;

namespace ActorBroker.Log;

/// <summary>
/// LZ4's frame format, written as Kafka does (independent blocks of 64 KiB, no checksums but the header's):
/// <code>
/// magic u32 = 0x184D2204 | flags u8 | block size u8 | [content size u64] | header checksum u8: second byte of the xxHash of those
/// blocks: length u32 (highest bit: not packed), bytes, [xxHash u32] | end u32 = 0 | [xxHash of the content u32]
/// </code>
/// Little endian throughout. Read is whatever other clients write: block and content checksums, sizes, blocks that depend on those before.
/// </summary>
internal sealed class Lz4Codec : ICompressionCodec
{
    private const uint Magic = 0x184D2204;
    private const uint NotPacked = 1u << 31;
    private const byte Version = 0b0100_0000;
    private const byte VersionMask = 0b1100_0000;
    private const byte Independent = 0b0010_0000;
    private const byte BlockChecksum = 0b0001_0000;
    private const byte ContentSize = 0b0000_1000;
    private const byte ContentChecksum = 0b0000_0100;
    private const byte Reserved = 0b0000_0010;
    private const byte DictionaryId = 0b0000_0001;
    private const byte Blocks64K = 4 << 4;

    public CompressionType Type => CompressionType.Lz4;

    public void Compress(ReadOnlySpan<byte> source, IBufferWriter<byte> target)
    {
        WriteUInt32(target, Magic);
        target.Write<byte>([Version | Independent, Blocks64K, HeaderChecksum([Version | Independent, Blocks64K])]);
        for (; !source.IsEmpty; source = source[Math.Min(source.Length, MatchFinder.MaxBlock)..])
            WriteBlock(target, source[..Math.Min(source.Length, MatchFinder.MaxBlock)]);
        WriteUInt32(target, 0);
    }

    public bool TryDecompress(ReadOnlySpan<byte> source, IBufferWriter<byte> target, int maxBytes)
    {
        var reader = new Reader(source);
        if (!reader.TryUInt32(out var magic) || magic != Magic || !TryReadHeader(ref reader, out var flags, out var blockSize))
            return false;
        using var content = new PooledBuffer(256);
        while (true)
        {
            if (!reader.TryUInt32(out var length))
                return false;
            if (length == 0)
                break;
            if (!reader.TryTake(length & ~NotPacked, out var block))
                return false;
            if ((flags & BlockChecksum) != 0 && (!reader.TryUInt32(out var checksum) || checksum != XxHash32.Compute(block)))
                return false;
            if (!TryReadBlock(block, (length & NotPacked) != 0, (flags & Independent) != 0, (int)Math.Min(blockSize, (long)maxBytes - content.Length), content))
                return false;
        }

        if ((flags & ContentChecksum) != 0 && (!reader.TryUInt32(out var whole) || whole != XxHash32.Compute(content.WrittenSpan)))
            return false;
        target.Write(content.WrittenSpan);
        return reader.IsAtEnd;
    }

    private static bool TryReadHeader(ref Reader reader, out byte flags, out int blockSize)
    {
        (flags, blockSize) = (0, 0);
        if (!reader.TryTake(2, out var descriptor))
            return false;
        flags = descriptor[0];
        var sizeCode = descriptor[1] >> 4;
        if ((flags & VersionMask) != Version || (flags & (Reserved | DictionaryId)) != 0 || sizeCode is < 4 or > 7 || (descriptor[1] & 15) != 0)
            return false;
        blockSize = 1 << (8 + (2 * sizeCode));
        ReadOnlySpan<byte> size = [];
        if ((flags & ContentSize) != 0 && !reader.TryTake(8, out size))
            return false;
        return reader.TryTake(1, out var checksum) && checksum[0] == HeaderChecksum([.. descriptor, .. size]);
    }

    private static bool TryReadBlock(ReadOnlySpan<byte> block, bool isPlain, bool isIndependent, int maxBytes, PooledBuffer content)
    {
        if (isPlain)
        {
            if (block.Length > maxBytes)
                return false;
            content.Write(block);
            return true;
        }

        // A packed byte can't make more than 255: so no more is reserved than a block can need.
        var before = content.Length;
        var room = (int)Math.Min(maxBytes, block.Length * 255L);
        content.SetLength(before + room);
        var at = before;
        var isSound = Lz4Block.TryUnpack(block, content.MutableMemory.Span, isIndependent ? before : 0, ref at);
        content.SetLength(at);
        return isSound;
    }

    private static void WriteBlock(IBufferWriter<byte> target, ReadOnlySpan<byte> block)
    {
        var span = target.GetSpan(4 + Lz4Block.MaxPacked(block.Length));
        var packed = Lz4Block.Pack(block, span[4..]);
        if (packed < block.Length)
        {
            BinaryPrimitives.WriteInt32LittleEndian(span, packed);
            target.Advance(4 + packed);
            return;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(span, (uint)block.Length | NotPacked);
        block.CopyTo(span[4..]);
        target.Advance(4 + block.Length);
    }

    private static byte HeaderChecksum(ReadOnlySpan<byte> descriptor) => (byte)(XxHash32.Compute(descriptor) >> 8);

    private static void WriteUInt32(IBufferWriter<byte> target, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target.GetSpan(4), value);
        target.Advance(4);
    }

    private ref struct Reader(ReadOnlySpan<byte> source)
    {
        private ReadOnlySpan<byte> _rest = source;

        public readonly bool IsAtEnd => _rest.IsEmpty;

        public bool TryUInt32(out uint value)
        {
            value = 0;
            if (!TryTake(4, out var bytes))
                return false;
            value = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            return true;
        }

        public bool TryTake(uint count, out ReadOnlySpan<byte> bytes)
        {
            bytes = default;
            if (count > (uint)_rest.Length)
                return false;
            bytes = _rest[..(int)count];
            _rest = _rest[(int)count..];
            return true;
        }
    }
}
