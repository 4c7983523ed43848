namespace ActorBroker.Log;

/// <summary>The first offset that a leader of this epoch wrote.</summary>
public readonly record struct EpochEntry(LeaderEpoch Epoch, Offset StartOffset);

/// <summary>Where a leader epoch ends, as OffsetsForLeaderEpoch answers; both None (-1) when nothing is known of it.</summary>
public readonly record struct EpochEnd(LeaderEpoch Epoch, Offset EndOffset);
