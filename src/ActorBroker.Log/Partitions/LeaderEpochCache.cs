using System.Globalization;

namespace ActorBroker.Log;

/// <summary>The first offset that a leader of this epoch wrote.</summary>
public readonly record struct EpochEntry(LeaderEpoch Epoch, Offset StartOffset);

/// <summary>Where a leader epoch ends, as OffsetsForLeaderEpoch answers; both None (-1) when nothing is known of it.</summary>
public readonly record struct EpochEnd(LeaderEpoch Epoch, Offset EndOffset);

/// <summary>
/// Which leader epoch began at which offset (file leader-epoch-checkpoint). Epochs and offsets both ascend. Changed by the log's
/// writer, read and saved from any thread.
/// </summary>
internal sealed class LeaderEpochCache(IFileSystem files, string directory)
{
    public const string FileName = "leader-epoch-checkpoint";

    private readonly Lock _saving = new();
    private EpochEntry[] _entries = [];
    private EpochEntry[]? _saved;

    public IReadOnlyList<EpochEntry> Entries => Volatile.Read(ref _entries);

    public LeaderEpoch Latest => Entries is [.., var last] ? last.Epoch : LeaderEpoch.None;

    /// <summary>False with the reason when the file is missing or unreadable.</summary>
    public bool TryLoad(out string reason)
    {
        var text = AtomicFile.ReadText(files, Path.Combine(directory, FileName));
        reason = "it is missing";
        if (text is null || !CheckpointText.TryParse(text, fields: 2, out var lines, out reason))
            return false;
        var entries = new List<EpochEntry>(lines.Count);
        foreach (var line in lines)
        {
            if (!int.TryParse(line[0], NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)
                || !long.TryParse(line[1], NumberStyles.None, CultureInfo.InvariantCulture, out var start)
                || (entries is [.., var last] && (epoch <= last.Epoch.Value || start < last.StartOffset.Value)))
            {
                reason = $"line '{line[0]} {line[1]}' does not fit";
                return false;
            }

            entries.Add(new EpochEntry(new LeaderEpoch(epoch), new Offset(start)));
        }

        _entries = _saved = entries.ToArray();
        return true;
    }

    /// <summary>Records written from here on are of this epoch. Later entries that contradict it are dropped.</summary>
    public void Assign(LeaderEpoch epoch, Offset startOffset)
    {
        if (epoch.Value < 0 || epoch == Latest)
            return;
        var keep = _entries.Length;
        while (keep > 0 && (_entries[keep - 1].Epoch >= epoch || _entries[keep - 1].StartOffset >= startOffset))
            keep--;
        Volatile.Write(ref _entries, [.. _entries.AsSpan(0, keep), new EpochEntry(epoch, startOffset)]);
    }

    public void TruncateFromEnd(Offset end)
    {
        var keep = _entries.Length;
        while (keep > 0 && _entries[keep - 1].StartOffset >= end)
            keep--;
        if (keep < _entries.Length)
            Volatile.Write(ref _entries, _entries[..keep]);
    }

    /// <summary>The epoch that holds the new start stays, beginning there.</summary>
    public void TruncateFromStart(Offset start)
    {
        var first = 0;
        while (first + 1 < _entries.Length && _entries[first + 1].StartOffset <= start)
            first++;
        if (_entries.Length == 0 || _entries[first].StartOffset >= start)
            return;
        var kept = _entries[first..];
        kept[0] = kept[0] with { StartOffset = start };
        Volatile.Write(ref _entries, kept);
    }

    public void Clear() => Volatile.Write(ref _entries, []);

    public EpochEnd EndOffsetFor(LeaderEpoch requested, Offset logEndOffset)
    {
        var entries = Volatile.Read(ref _entries);
        if (requested.Value < 0 || entries.Length == 0)
            return new EpochEnd(LeaderEpoch.None, Offset.None);
        if (entries[^1].Epoch == requested)
            return new EpochEnd(requested, logEndOffset);
        var higher = Array.FindIndex(entries, e => e.Epoch > requested);
        if (higher < 0)
            return new EpochEnd(LeaderEpoch.None, Offset.None);
        var known = higher == 0 ? requested : entries[higher - 1].Epoch;
        return new EpochEnd(known, entries[higher].StartOffset);
    }

    public LeaderEpoch EpochAt(Offset offset)
    {
        var entries = Volatile.Read(ref _entries);
        for (var i = entries.Length - 1; i >= 0; i--)
        {
            if (entries[i].StartOffset <= offset)
                return entries[i].Epoch;
        }

        return LeaderEpoch.None;
    }

    /// <summary>Makes what is known now durable; nothing happens when it is already.</summary>
    public void Save()
    {
        lock (_saving)
        {
            var entries = Volatile.Read(ref _entries);
            if (ReferenceEquals(entries, _saved))
                return;
            var text = CheckpointText.Format(entries, static (t, e) => t.Append(e.Epoch.Value).Append(' ').Append(e.StartOffset.Value));
            AtomicFile.WriteText(files, Path.Combine(directory, FileName), text);
            _saved = entries;
        }
    }
}
