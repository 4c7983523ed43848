using System.Buffers;

namespace ActorBroker.Log;

/// <summary>Unpacks through a stream that knows the format, never more than allowed.</summary>
internal static class StreamDecompression
{
    private const int Chunk = 16 * 1024;

    /// <summary>False when more than <paramref name="maxBytes"/> come out. What is malformed throws as the stream does.</summary>
    /// <param name="source">The packed bytes.</param>
    /// <param name="target">Gets the unpacked ones, some of them also when false.</param>
    /// <param name="maxBytes">Of the unpacked ones.</param>
    /// <param name="open">Makes the stream; disposed here.</param>
    public static bool TryCopy(ReadOnlySpan<byte> source, IBufferWriter<byte> target, int maxBytes, Func<Stream, Stream> open)
    {
        var copy = ArrayPool<byte>.Shared.Rent(source.Length);
        try
        {
            source.CopyTo(copy);
            using var packed = new MemoryStream(copy, 0, source.Length, writable: false);
            using var stream = open(packed);
            long total = 0;
            while (true)
            {
                var read = stream.Read(target.GetSpan(Chunk)[..Chunk]);
                if (read == 0)
                    return true;
                total += read;
                if (total > maxBytes)
                    return false;
                target.Advance(read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }
}
