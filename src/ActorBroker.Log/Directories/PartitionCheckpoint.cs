using System.Globalization;

namespace ActorBroker.Log;

/// <summary>One offset per partition in one of Kafka's checkpoint files (`topic partition offset`). Any number of threads.</summary>
internal sealed class PartitionCheckpoint(IFileSystem files, string directory, string fileName)
{
    public const string RecoveryPoint = "recovery-point-offset-checkpoint";
    public const string HighWatermark = "replication-offset-checkpoint";
    public const string LogStart = "log-start-offset-checkpoint";
    public const string Cleaner = "cleaner-offset-checkpoint";

    private readonly Lock _gate = new();
    private Dictionary<TopicPartition, Offset> _offsets = [];

    /// <summary>False with the reason when the file is there and can't be understood; it then counts as empty.</summary>
    public bool TryLoad(out string reason)
    {
        lock (_gate)
        {
            _offsets = [];
            reason = "";
            if (AtomicFile.ReadText(files, FilePath) is not { } text)
                return true;
            if (!TryParse(text, out var offsets, out reason))
                return false;
            _offsets = offsets;
            return true;
        }
    }

    public Offset? Get(TopicPartition partition)
    {
        lock (_gate)
            return _offsets.TryGetValue(partition, out var offset) ? offset : null;
    }

    /// <summary>Sets one partition's offset (null removes it), durably; nothing is written when it stays the same.</summary>
    public void Set(TopicPartition partition, Offset? offset)
    {
        lock (_gate)
        {
            var known = _offsets.TryGetValue(partition, out var current) ? current : (Offset?)null;
            if (known == offset)
                return;
            var changed = new Dictionary<TopicPartition, Offset>(_offsets);
            if (offset is { } value)
                changed[partition] = value;
            else
                changed.Remove(partition);
            Save(changed);
        }
    }

    /// <summary>Lowers one partition's offset, durably; nothing happens when it is as low already.</summary>
    public void Lower(TopicPartition partition, Offset offset)
    {
        lock (_gate)
        {
            if (_offsets.TryGetValue(partition, out var current) && current > offset)
                Set(partition, offset);
        }
    }

    /// <summary>
    /// Sets many. The values are asked for under the lock, so that none of them can undo a <see cref="Lower"/> that came between.
    /// </summary>
    public void Update(IEnumerable<KeyValuePair<TopicPartition, Offset>> offsets)
    {
        lock (_gate)
        {
            var changed = new Dictionary<TopicPartition, Offset>(_offsets);
            foreach (var (partition, offset) in offsets)
                changed[partition] = offset;
            if (changed.Count != _offsets.Count || changed.Any(e => !_offsets.TryGetValue(e.Key, out var old) || old != e.Value))
                Save(changed);
        }
    }

    public void Replace(IReadOnlyDictionary<TopicPartition, Offset> offsets)
    {
        lock (_gate)
            Save(new Dictionary<TopicPartition, Offset>(offsets));
    }

    internal static bool TryParse(string text, out Dictionary<TopicPartition, Offset> offsets, out string reason)
    {
        offsets = [];
        if (!CheckpointText.TryParse(text, fields: 3, out var lines, out reason))
            return false;
        foreach (var line in lines)
        {
            if (!int.TryParse(line[1], NumberStyles.None, CultureInfo.InvariantCulture, out var partition)
                || !long.TryParse(line[2], NumberStyles.None, CultureInfo.InvariantCulture, out var offset))
            {
                reason = $"line '{string.Join(' ', line)}' is malformed";
                return false;
            }

            offsets[new TopicPartition(line[0], partition)] = new Offset(offset);
        }

        return true;
    }

    private string FilePath => Path.Combine(directory, fileName);

    private void Save(Dictionary<TopicPartition, Offset> offsets)
    {
        var text = CheckpointText.Format(offsets, static (t, e) => t.Append(e.Key.Topic).Append(' ').Append(e.Key.Partition).Append(' ').Append(e.Value.Value));
        AtomicFile.WriteText(files, FilePath, text);
        _offsets = offsets;
    }
}
