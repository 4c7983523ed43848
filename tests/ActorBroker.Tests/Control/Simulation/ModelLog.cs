using ActorBroker.Control;
using ActorBroker.Metadata;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Tests.Control.Simulation;

/// <summary>The controller's log as a journal keeps it: numbered entries, images among them, the older ones deleted.</summary>
internal sealed class ModelLog(Random random)
{
    private const int EventsKept = 15;

    private readonly ControlEventSerializer _serializer = new(null!);
    private readonly List<(long Sequence, object Entry)> _entries = [];

    public long Sequence { get; private set; }

    public long Add(object entry)
    {
        _entries.Add((++Sequence, entry));
        return Sequence;
    }

    /// <summary>A quorum's own entries take numbers too.</summary>
    public void Skip() => Sequence++;

    /// <summary>Its writer may die before all of it is there, and before what it replaces is deleted.</summary>
    public void Store(MetadataImage image)
    {
        var first = Sequence + 1;
        foreach (var part in ImagePart.Cut(image, random.Next(200, 3000)))
        {
            if (random.Next(12) == 0) return;
            Add(part);
            if (random.Next(12) == 0) Skip();
        }

        if (random.Next(4) > 0) _entries.RemoveAll(entry => entry.Sequence < first);
    }

    /// <summary>What another controller makes of it.</summary>
    public ControllerMemory Recover()
    {
        var memory = new ControllerMemory(EventsKept, eventsBetweenImages: 100);
        foreach (var (sequence, entry) in _entries)
        {
            if (entry is ImagePart part) memory.Recover((ImagePart)_serializer.FromBinary(_serializer.ToBinary(part), _serializer.Manifest(part)));
            else memory.Apply((IControlEvent)entry, sequence);
        }

        return memory;
    }

    /// <summary>What a broker that has <paramref name="old"/> gets from that controller.</summary>
    public static MetadataImage Follow(ControllerMemory memory, MetadataImage old)
    {
        var follower = new MetadataFollower();
        follower.On(new MetadataSnapshot(old));
        if (memory.History.Since(old.Version) is { } delta) follower.On(delta);
        else follower.On(new MetadataSnapshot(memory.Image));
        return follower.Image;
    }
}
