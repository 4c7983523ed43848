namespace ActorBroker.Metadata;

/// <summary>
/// This node's copy of the cluster's metadata. One publisher swaps the image as a whole; anybody reads it, from any
/// thread, and sees each image complete.
/// </summary>
public sealed class MetadataCache
{
    private volatile MetadataImage _current = MetadataImage.Empty;

    public MetadataImage Current => _current;

    /// <summary>Takes a newer image; an older one (a late message from a former controller) is declined.</summary>
    internal bool TryPublish(MetadataImage image)
    {
        if (image.Version < _current.Version) return false;
        _current = image;
        return true;
    }
}

/// <summary>Tells an actor that <see cref="MetadataCache.Current"/> is now <paramref name="Image"/>.</summary>
internal sealed record MetadataChanged(MetadataImage Image);

/// <summary>Answers <see cref="MetadataChanged"/> once this node serves (or has stopped serving) what the image of that version says.</summary>
internal sealed record ReplicasReconciled(long Version);
