namespace ActorBroker.MultiNode.Tests.Histories;

/// <summary>How a send ended, as its producer was told.</summary>
internal enum SendOutcome
{
    /// <summary>Not told yet, or told that it is given up after it may have been written: it may be there or not.</summary>
    Unknown,

    /// <summary>Acknowledged with a partition and an offset.</summary>
    Acknowledged,

    /// <summary>Refused before it could be written: it must not be there.</summary>
    NeverSent,
}

/// <summary>One record handed to a producer. Numbers of a producer rise in the order of its calls.</summary>
/// <param name="IsDurable">Sent with acks=all: an acknowledgement is a promise. With acks=1 it is a hope.</param>
/// <param name="Ended">When the outcome came; null if none did.</param>
/// <param name="Offset">Of an acknowledged record.</param>
internal sealed record Send(
    string Producer, long Number, int Partition, bool IsDurable, TimeSpan Began, TimeSpan? Ended, SendOutcome Outcome, long Offset);

/// <summary>One record as a reader got it, with the high watermark that came along.</summary>
internal sealed record Seen(string Reader, int Partition, long Offset, string Producer, long Number, long HighWatermark);

/// <summary>Who a node said leads a partition in an epoch.</summary>
internal sealed record LeaderSeen(int Partition, int Epoch, int Leader, string Witness);

/// <summary>Between these two moments a producer sent batches again.</summary>
internal sealed record RetrySpan(string Producer, TimeSpan From, TimeSpan To);

/// <summary>Everything that clients did and saw of one topic, and what it held at the end.</summary>
/// <param name="Sends">In the order of the calls, per producer.</param>
/// <param name="Seen">In the order each reader got them.</param>
/// <param name="Final">What a reader found from the beginning to the end, after all was healed; per partition in its order.</param>
/// <param name="UnorderedProducers">Those that said themselves that batches of theirs changed places (more than one request in flight).</param>
/// <param name="ExactlyOnce">Idempotent producers: whatever happens, nothing of theirs is there twice or out of order.</param>
internal sealed record History(
    IReadOnlyList<Send> Sends,
    IReadOnlyList<Seen> Seen,
    IReadOnlyList<LeaderSeen> Leaders,
    IReadOnlyList<RetrySpan> Retries,
    IReadOnlyList<Seen> Final,
    IReadOnlySet<string> UnorderedProducers,
    IReadOnlySet<string> ExactlyOnce);
