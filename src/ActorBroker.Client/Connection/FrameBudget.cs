namespace ActorBroker.Client;

/// <summary>
/// What fits into one message of Akka.Remote: a larger one would be dropped with a log line only, so requests are split
/// and fetches capped to it.
/// </summary>
/// <param name="FrameBytes"><c>maximum-frame-size</c>, or int.MaxValue where nothing leaves the process.</param>
internal readonly record struct FrameBudget(int FrameBytes)
{
    public const string Setting = "akka.remote.dot-netty.tcp.maximum-frame-size";

    /// <summary>Covers remoting's envelope (both actors' paths, serializer and manifest) and a request's fixed fields.</summary>
    public const int Envelope = 2048;

    public static FrameBudget Unlimited => new(int.MaxValue);

    /// <summary>For everything that belongs to topics in a request or response.</summary>
    public int PayloadBytes => Math.Max(FrameBytes - Envelope, 1);

    /// <summary>What a broker may answer with: all but remoting's envelope.</summary>
    public int ResponseBytes => PayloadBytes;

    /// <summary>What a partition takes beside its record bytes, its topic's name included: no less than any version of any request.</summary>
    public static int PartitionOverhead(string topic) => 128 + 3 * topic.Length;

    /// <summary>The frame size needed for a batch of that many bytes.</summary>
    public static long FrameFor(long batchBytes, string topic) => batchBytes + Envelope + PartitionOverhead(topic);
}
