using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>How far a group has come in a partition.</summary>
/// <param name="Offset">The next one to read; <see cref="Offset.None"/> if nothing is committed.</param>
public sealed record CommittedOffset(Offset Offset)
{
    /// <summary>Of the last record read, for whoever reads on to find out whether the log still holds it (KIP-320); none if not known.</summary>
    public LeaderEpoch LeaderEpoch { get; init; } = LeaderEpoch.None;

    /// <summary>Whatever the application wants to remember beside it; at most <c>offset.metadata.max.bytes</c> of the broker.</summary>
    public string Metadata { get; init; } = "";
}
