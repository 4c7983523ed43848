using System.Buffers;
using System.Numerics;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace ActorBroker.Log;

/// <summary>Zstandard, level 3 as Kafka's default.</summary>
internal sealed class ZstdCodec : ICompressionCodec
{
    private const int Level = 3;

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
        var window = Math.Clamp(BitOperations.Log2((uint)Math.Max(maxBytes, 1)) + 1, MinWindowLog, MaxWindowLog);
        try
        {
            return StreamDecompression.TryCopy(source, target, maxBytes, packed =>
            {
                var stream = new DecompressionStream(packed);
                stream.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, window);
                return stream;
            });
        }
        catch (Exception e) when (e is ZstdException or EndOfStreamException)
        {
            return false;
        }
    }
}
