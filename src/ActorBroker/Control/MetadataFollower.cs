using ActorBroker.Metadata;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

internal enum FollowResult
{
    /// <summary>There is a newer image.</summary>
    Advanced,

    /// <summary>Nothing new in it.</summary>
    Known,

    /// <summary>Something before it is missing: ask with <see cref="MetadataRequest"/>.</summary>
    Gap,
}

/// <summary>
/// A broker's copy of the metadata, made of what controllers push. Messages may be lost, come twice, or come from a former
/// controller: only committed events are ever pushed, so whatever is newer is right.
/// </summary>
internal sealed class MetadataFollower
{
    public MetadataImage Image { get; private set; } = MetadataImage.Empty;

    public FollowResult On(MetadataDelta delta)
    {
        if (delta.Events.IsEmpty || delta.Events[^1].Sequence <= Image.Version) return FollowResult.Known;
        if (delta.From > Image.Version) return FollowResult.Gap;
        var image = Image;
        foreach (var (sequence, change) in delta.Events)
            if (sequence > image.Version) image = ControllerState.Apply(image, change, sequence);
        Image = image;
        return FollowResult.Advanced;
    }

    public FollowResult On(MetadataSnapshot snapshot)
    {
        if (snapshot.Image.Version <= Image.Version) return FollowResult.Known;
        Image = snapshot.Image;
        return FollowResult.Advanced;
    }

    /// <param name="version">That the controller said it has; what it pushed before it said so has arrived, or is lost.</param>
    public FollowResult OnVersion(long version) => version > Image.Version ? FollowResult.Gap : FollowResult.Known;
}
