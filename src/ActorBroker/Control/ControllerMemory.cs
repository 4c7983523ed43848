using ActorBroker.Log;
using ActorBroker.Metadata;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>
/// What the controller has by its log, live and on recovery alike: the image that all events lead to, the newest events for
/// brokers that missed some, and when the log is long enough to begin it anew with an image.
/// </summary>
/// <param name="eventsKept">For brokers that missed some.</param>
/// <param name="eventsBetweenImages">See <see cref="ControllerOptions.EventsBetweenImages"/>.</param>
internal sealed class ControllerMemory(int eventsKept, int eventsBetweenImages)
{
    private readonly ImagePartReader _parts = new();
    private long _events; // since the newest image
    private long _eventsAtLastTry;

    public MetadataImage Image { get; private set; } = MetadataImage.Empty;

    public EventHistory History { get; } = new(eventsKept);

    /// <summary>
    /// An image costs the more the more there is: never more than the events that it replaces. One that could not be stored
    /// is not tried again at once.
    /// </summary>
    public bool IsImageDue => _events - _eventsAtLastTry >= eventsBetweenImages / 10 && _events >= eventsBetweenImages && _events >= Size(Image);

    public void Apply(IControlEvent change, long sequence)
    {
        Image = ControllerState.Apply(Image, change, sequence);
        History.Add(new SequencedEvent(sequence, change));
        _events++;
        _parts.Clear();
    }

    /// <summary>A part as the log holds it. Only on recovery: live the image says nothing new.</summary>
    public void Recover(ImagePart part)
    {
        if (_parts.On(part) is not { } image) return;
        // What it replaces may not be deleted yet.
        Invariant.Check(Image.Version == 0 || Image.Version == image.Version, "an image holds what the events before it lead to");
        if (Image.Version == 0) History.Restart(image.Version);
        Image = image;
        (_events, _eventsAtLastTry) = (0, 0);
    }

    /// <summary>What was recovered may include a try that failed, perhaps for want of room.</summary>
    public void OnRecovered() => _eventsAtLastTry = _events;

    public void OnImageStored() => (_events, _eventsAtLastTry) = (0, 0);

    /// <summary>In events that would make it.</summary>
    private static long Size(MetadataImage image)
    {
        long size = image.Brokers.Count;
        foreach (var topic in image.TopicsByName.Values) size += topic.Partitions.Length;
        return size;
    }
}
