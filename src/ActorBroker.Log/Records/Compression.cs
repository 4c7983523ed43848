using System.Buffers;

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

    /// <summary>gzip, snappy and lz4; zstd where this was built with its package (MSBuild property <c>Zstd</c>).</summary>
    public static CompressionCodecs Default { get; } = new(
        new GzipCodec(),
        new SnappyCodec(),
#if ZSTD
        new ZstdCodec(),
#endif
        new Lz4Codec());

    public bool TryGet(CompressionType type, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ICompressionCodec? codec)
    {
        codec = _byType[(int)type & 7];
        return codec is not null;
    }
}
