using System.Buffers;
using System.Numerics;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace ActorBroker.Log;

/// <summary>Zstandard, level 3 as Kafka's default.</summary>
internal sealed class ZstdCodec : ICompressionCodec
{
    private const int Level = 3;
    private const int Chunk = 16 * 1024;

    /// <summary>What zstd's own decoder admits by default; a frame may ask for that much memory.</summary>
    private const int MaxWindowLog = 27;

    private const int MinWindowLog = 10;

    /// <summary>Costs far more to make than to use.</summary>
    [ThreadStatic]
    private static Compressor? _compressor;

    public CompressionType Type => CompressionType.Zstd;

    public void Compress(ReadOnlySpan<byte> source, IBufferWriter<byte> target)
    {
        var compressor = _compressor ??= new Compressor(Level);
        target.Advance(compressor.Wrap(source, target.GetSpan(Compressor.GetCompressBound(source.Length))));
    }

    public bool TryDecompress(ReadOnlySpan<byte> source, IBufferWriter<byte> target, int maxBytes)
    {
        var copy = ArrayPool<byte>.Shared.Rent(source.Length);
        try
        {
            source.CopyTo(copy);
            using var packed = new MemoryStream(copy, 0, source.Length, writable: false);
            using var stream = new DecompressionStream(packed);
            stream.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, Math.Clamp(BitOperations.Log2((uint)Math.Max(maxBytes, 1)) + 1, MinWindowLog, MaxWindowLog));
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
        catch (Exception e) when (e is ZstdException or EndOfStreamException)
        {
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }
}
