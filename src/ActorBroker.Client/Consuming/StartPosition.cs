using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>Where reading a partition begins.</summary>
public abstract record StartPosition
{
    private StartPosition()
    {
    }

    /// <summary>The first record there is.</summary>
    public static StartPosition Beginning { get; } = new FromBeginning();

    /// <summary>Behind the last committed record at the time the broker is asked.</summary>
    public static StartPosition End { get; } = new FromEnd();

    /// <summary>An offset that no longer or not yet exists goes by <c>auto.offset.reset</c>.</summary>
    public static StartPosition At(Offset offset) => new FromOffset(offset);

    /// <summary>The first record with this timestamp or a later one; the end if there is none.</summary>
    public static StartPosition At(DateTimeOffset timestamp) => new FromTimestamp(timestamp);

    public sealed record FromBeginning : StartPosition;

    public sealed record FromEnd : StartPosition;

    public sealed record FromOffset(Offset Offset) : StartPosition;

    public sealed record FromTimestamp(DateTimeOffset Timestamp) : StartPosition;
}
