using System.Collections.Immutable;
using System.Text.Json;
using ActorBroker.Metadata;

namespace ActorBroker.Control;

/// <summary>
/// A part of the whole metadata, as stored in the controller's log so that what stands before it can be deleted. It is no
/// event: it changes nothing, nobody is sent it, and the metadata's version stays what it was. Parts stand one behind the
/// other; where a controller died between them those that are there mean nothing, and what they were to replace is still there.
/// </summary>
/// <param name="Index">From 0 up to <paramref name="Count"/>.</param>
/// <param name="Bytes">Of an <see cref="ImageDocument"/> as JSON (UTF-8), cut anywhere.</param>
internal sealed record ImagePart(int Index, int Count, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Each is an entry of its own, far below what the quorum takes, so an image may be of any size.</summary>
    public const int MaxBytes = 1024 * 1024;

    public static ImmutableArray<ImagePart> Cut(MetadataImage image, int maxBytes = MaxBytes)
    {
        ReadOnlyMemory<byte> bytes = JsonSerializer.SerializeToUtf8Bytes(ImageDocument.Of(image), ControllerJson.Default.ImageDocument);
        var count = (bytes.Length + maxBytes - 1) / maxBytes;
        var parts = ImmutableArray.CreateBuilder<ImagePart>(count);
        for (var i = 0; i < count; i++)
            parts.Add(new ImagePart(i, count, bytes.Slice(i * maxBytes, Math.Min(maxBytes, bytes.Length - (i * maxBytes)))));
        return parts.MoveToImmutable();
    }
}

/// <summary>Puts an image together from the parts that a log holds.</summary>
internal sealed class ImagePartReader
{
    private readonly List<ImagePart> _parts = [];

    /// <summary>The image that this part completes, or null.</summary>
    /// <exception cref="JsonException">It is damaged.</exception>
    public MetadataImage? On(ImagePart part)
    {
        if (part.Index == 0) _parts.Clear();
        // Its beginning is missing: another controller wrote between.
        if (part.Index != _parts.Count) return null;
        _parts.Add(part);
        if (_parts.Count < part.Count) return null;

        var bytes = new byte[_parts.Sum(each => each.Bytes.Length)];
        var at = 0;
        foreach (var each in _parts)
        {
            each.Bytes.CopyTo(bytes.AsMemory(at));
            at += each.Bytes.Length;
        }

        _parts.Clear();
        var document = JsonSerializer.Deserialize(bytes, ControllerJson.Default.ImageDocument) ?? throw new JsonException("a metadata image is empty");
        return document.ToImage();
    }

    /// <summary>Something else follows: what is not complete will never be.</summary>
    public void Clear() => _parts.Clear();
}
