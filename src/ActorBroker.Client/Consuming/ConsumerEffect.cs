using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>What <see cref="ConsumerCore"/> wants done, in order.</summary>
internal abstract record ConsumerEffect
{
    private ConsumerEffect()
    {
    }

    public sealed record Send(long RequestId, BrokerId Broker, IRequest Request, TimeSpan Timeout) : ConsumerEffect;

    /// <summary>Hand over; nothing more is handed over until it is answered.</summary>
    public sealed record Deliver(ConsumerBatch Batch) : ConsumerEffect;

    /// <summary>Any other message for the target.</summary>
    public sealed record Notify(object Message) : ConsumerEffect;

    public sealed record WantTopics(IReadOnlyCollection<string> Topics) : ConsumerEffect;

    public sealed record RefreshMetadata : ConsumerEffect
    {
        public static readonly RefreshMetadata Instance = new();
    }
}
