using System.Buffers;
using System.IO.Compression;

namespace ActorBroker.Log;

/// <summary>Packs the records of a batch, everything behind its 61-byte header. Stateless, any number of threads.</summary>
public interface ICompressionCodec
{
    CompressionType Type { get; }

    void Compress(ReadOnlySpan<byte> source, IBufferWriter<byte> target);

    /// <summary>
    /// False when the source is malformed or unpacks to more than <paramref name="maxBytes"/>: no more than that
    /// is ever allocated, whatever the source claims.
    /// </summary>
    bool TryDecompress(ReadOnlySpan<byte> source, IBufferWriter<byte> target, int maxBytes);
}

/// <summary>The codecs at hand, by the attribute bits of a batch. Immutable.</summary>
public sealed class CompressionCodecs
{
    private readonly ICompressionCodec?[] _byType = new ICompressionCodec?[8];

    public CompressionCodecs(params ReadOnlySpan<ICompressionCodec> codecs)
    {
        foreach (var codec in codecs)
            _byType[(int)codec.Type] = codec;
    }

    /// <summary>What needs no package: gzip.</summary>
    public static CompressionCodecs Default { get; } = new(new GzipCodec());

    public bool TryGet(CompressionType type, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ICompressionCodec? codec)
    {
        codec = _byType[(int)type & 7];
        return codec is not null;
    }
}

internal sealed class GzipCodec : ICompressionCodec
{
    private const int Chunk = 16 * 1024;

    public CompressionType Type => CompressionType.Gzip;

    public void Compress(ReadOnlySpan<byte> source, IBufferWriter<byte> target)
    {
        using var stream = new BufferWriterStream(target);
        using var gzip = new GZipStream(stream, CompressionLevel.Optimal);
        gzip.Write(source);
    }

    public bool TryDecompress(ReadOnlySpan<byte> source, IBufferWriter<byte> target, int maxBytes)
    {
        var copy = ArrayPool<byte>.Shared.Rent(source.Length);
        try
        {
            source.CopyTo(copy);
            using var packed = new MemoryStream(copy, 0, source.Length, writable: false);
            using var gzip = new GZipStream(packed, CompressionMode.Decompress);
            long total = 0;
            while (true)
            {
                var read = gzip.Read(target.GetSpan(Chunk)[..Chunk]);
                if (read == 0)
                    return true;
                total += read;
                if (total > maxBytes)
                    return false;
                target.Advance(read);
            }
        }
        catch (InvalidDataException)
        {
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }

    private sealed class BufferWriterStream(IBufferWriter<byte> target) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => target.Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer) => target.Write(buffer);
    }
}
