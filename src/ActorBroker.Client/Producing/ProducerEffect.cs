using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>What <see cref="ProducerCore"/> wants done, in order.</summary>
internal abstract record ProducerEffect
{
    private ProducerEffect()
    {
    }

    /// <summary>One request with these batches, those of a partition in order; its outcome comes back under the id.</summary>
    public sealed record Send(long RequestId, BrokerId Broker, IReadOnlyList<ProducerBatch> Batches) : ProducerEffect;

    /// <param name="BaseOffset">Of its first record; None with acks=0.</param>
    /// <param name="AppendTimeMs">The broker's time, or -1 where the records keep their own.</param>
    public sealed record Succeed(ProducerBatch Batch, Offset BaseOffset, long AppendTimeMs) : ProducerEffect;

    public sealed record Fail(ProducerBatch Batch, DeliveryFailure Reason, ErrorCode Error, string Message) : ProducerEffect;

    /// <summary>A record that never made it into a batch.</summary>
    public sealed record FailRecord(OutgoingRecord Record, DeliveryFailure Reason, ErrorCode Error, string Message) : ProducerEffect;

    public sealed record WantTopic(string Topic) : ProducerEffect;

    public sealed record ForgetTopic(string Topic) : ProducerEffect;

    /// <summary>Ask any broker for a producer id.</summary>
    public sealed record AskIdentity : ProducerEffect
    {
        public static readonly AskIdentity Instance = new();
    }

    public sealed record RefreshMetadata : ProducerEffect
    {
        public static readonly RefreshMetadata Instance = new();
    }

    public sealed record FlushCompleted(long Token) : ProducerEffect;
}
