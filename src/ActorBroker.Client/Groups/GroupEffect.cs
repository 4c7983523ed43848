using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>What the cores of a group's member want done, in order.</summary>
internal abstract record GroupEffect
{
    private GroupEffect()
    {
    }

    /// <param name="Broker">None: any.</param>
    public sealed record Send(long RequestId, BrokerId Broker, IRequest Request, TimeSpan Timeout) : GroupEffect;

    /// <summary>Keep these topics in the metadata.</summary>
    public sealed record WantTopics(IReadOnlyCollection<string> Topics) : GroupEffect;

    public sealed record RefreshMetadata : GroupEffect
    {
        public static readonly RefreshMetadata Instance = new();
    }

    /// <summary>A rebalance is over. What is no longer there was revoked or lost before, or is revoked next.</summary>
    public sealed record Assigned(IReadOnlyList<TopicPartition> All, IReadOnlyList<TopicPartition> Added) : GroupEffect;

    /// <summary>Finish what is in hand of these, commit it and say so: others wait for them, until the deadline.</summary>
    public sealed record Revoke(IReadOnlyList<TopicPartition> Partitions, TimeSpan Deadline) : GroupEffect;

    /// <summary>These may be another member's already: stop at once, commit nothing.</summary>
    public sealed record Lost(IReadOnlyList<TopicPartition> Partitions, string Reason) : GroupEffect;

    /// <param name="IsFinal">False: trying goes on.</param>
    public sealed record Failed(ErrorCode Error, string Message, bool IsFinal) : GroupEffect;

    public sealed record Left : GroupEffect
    {
        public static readonly Left Instance = new();
    }

    /// <param name="Offsets">The committed offset of each partition asked for; <see cref="Offset.None"/> where there is none.</param>
    public sealed record Fetched(IReadOnlyDictionary<TopicPartition, CommittedOffset> Offsets) : GroupEffect;

    /// <summary>A commit is over.</summary>
    /// <param name="Tokens">Of those who asked for it.</param>
    /// <param name="Error">None if all of it is stored.</param>
    public sealed record CommitDone(
        IReadOnlyList<object> Tokens, IReadOnlyDictionary<TopicPartition, CommittedOffset> Offsets, ErrorCode Error, string Message) : GroupEffect;
}

/// <summary>Gives numbers to requests, so that their answers find back.</summary>
internal sealed class RequestIds
{
    private long _last;

    public long Next() => ++_last;
}
