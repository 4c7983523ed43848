using ActorBroker.Messaging;

namespace ActorBroker.Client;

/// <summary>
/// What fits into one message of Akka.Remote: a larger one would be dropped with a log line only, so requests are split
/// and fetches capped to it.
/// </summary>
/// <param name="FrameBytes"><c>maximum-frame-size</c>, or int.MaxValue where nothing leaves the process.</param>
internal readonly record struct FrameBudget(int FrameBytes)
{
    public const string Setting = "akka.remote.dot-netty.tcp.maximum-frame-size";

    public const int Envelope = ApiRequest.FrameReserve;

    /// <summary>The part of it that is for a message's fixed fields; a response's broker counts its own.</summary>
    private const int FixedFields = 512;

    public static FrameBudget Unlimited => new(int.MaxValue);

    /// <summary>For everything that belongs to topics in a request or response.</summary>
    public int PayloadBytes => Math.Max(FrameBytes - Envelope, 1);

    /// <summary>
    /// What a broker may answer with: all but remoting's envelope. Never less than a produce request of one batch takes, so
    /// that who could write a batch can read it.
    /// </summary>
    public int ResponseBytes => (int)Math.Min((long)PayloadBytes + FixedFields, FrameBytes);

    /// <summary>What a partition takes beside its record bytes, its topic's name included: no less than any version of any request.</summary>
    public static int PartitionOverhead(string topic) => 128 + 3 * topic.Length;

    /// <summary>The frame size needed for a batch of that many bytes.</summary>
    public static long FrameFor(long batchBytes, string topic) => batchBytes + Envelope + PartitionOverhead(topic);
}
