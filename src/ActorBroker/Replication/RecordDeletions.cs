using ActorBroker.Log;

namespace ActorBroker.Replication;

/// <summary>
/// Deletions of old records that clients asked this leader for (KIP-107), and that its log has not made yet. Only what is
/// committed may go, so every follower can do the same when it hears of the new log start; nobody waits for that.
/// </summary>
internal sealed class RecordDeletions(PartitionState state)
{
    private readonly List<(RequestKey Key, Offset Target)> _open = [];

    /// <param name="before">The first offset to keep; none for the high watermark.</param>
    public void Ask(in RequestKey key, Offset before, LeaderEpoch epoch, List<PartitionEffect> effects)
    {
        var target = before == Offset.None ? state.HighWatermark : before;
        if (target < Offset.Zero || target > state.HighWatermark)
        {
            effects.Add(PartitionEffect.Deleted(key, PartitionError.OffsetOutOfRange, Offset.None));
        }
        else if (target <= state.LogStart)
        {
            effects.Add(PartitionEffect.Deleted(key, PartitionError.None, state.LogStart));
        }
        else
        {
            _open.Add((key, target));
            effects.Add(PartitionEffect.At(PartitionEffectKind.AdvanceLogStart, target, epoch));
        }
    }

    public void OnLogStart(List<PartitionEffect> effects)
    {
        for (var i = 0; i < _open.Count;)
        {
            var (key, target) = _open[i];
            if (target > state.LogStart)
            {
                i++;
                continue;
            }

            _open.RemoveAt(i);
            effects.Add(PartitionEffect.Deleted(key, PartitionError.None, state.LogStart));
        }
    }

    /// <summary>This replica leads no longer. What was begun may be done all the same.</summary>
    public void Resign(PartitionError reason, List<PartitionEffect> effects)
    {
        foreach (var (key, _) in _open) effects.Add(PartitionEffect.Deleted(key, reason, Offset.None));
        _open.Clear();
    }
}
