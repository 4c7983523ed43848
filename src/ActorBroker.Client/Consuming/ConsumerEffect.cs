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

    /// <summary>Answer whoever asked.</summary>
    public sealed record Reply(object Asker, object Message) : ConsumerEffect;

    /// <summary>Write the record, with why it failed, to the dead-letter topic; the outcome comes back under its partition and generation.</summary>
    public sealed record Bury(DeadLetter Letter) : ConsumerEffect;

    /// <summary>Nothing is left to do.</summary>
    public sealed record Stop : ConsumerEffect
    {
        public static readonly Stop Instance = new();
    }

    public sealed record WantAllTopics : ConsumerEffect
    {
        public static readonly WantAllTopics Instance = new();
    }

    public sealed record WantTopics(IReadOnlyCollection<string> Topics) : ConsumerEffect;

    public sealed record RefreshMetadata : ConsumerEffect
    {
        public static readonly RefreshMetadata Instance = new();
    }
}
