using System.Buffers;
using System.IO.Compression;

namespace ActorBroker.Log;

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
