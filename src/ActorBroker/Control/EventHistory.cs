using System.Collections.Immutable;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>The controller's newest events, for brokers that missed some.</summary>
/// <param name="limit">Events kept, counted in whole entries.</param>
internal sealed class EventHistory(int limit)
{
    private readonly Queue<SequencedEvent> _events = new();

    /// <summary>Version of the image to which the oldest kept event applies.</summary>
    private long _floor;

    /// <summary>Forgets all: what is kept follows version <paramref name="version"/>.</summary>
    public void Restart(long version)
    {
        _events.Clear();
        _floor = version;
    }

    public void Add(SequencedEvent change)
    {
        _events.Enqueue(change);
        while (_events.Count > limit) _floor = _events.Dequeue().Sequence;
    }

    /// <summary>What follows version <paramref name="version"/>; null when that reaches back further than what is kept.</summary>
    public MetadataDelta? Since(long version) =>
        version < _floor ? null : new MetadataDelta(version, [.. _events.Where(change => change.Sequence > version)]);
}
