namespace ActorBroker.Log;

/// <summary>The producers' state beside the segments, so that opening a log need not read all of it.</summary>
public sealed partial class PartitionLog
{
    /// <summary>Writes the producers' state as of this offset (`.snapshot`), atomically. Snapshots go with the segments they lie in.</summary>
    public void WriteProducerSnapshot(Offset offset, IReadOnlyList<ProducerSnapshotEntry> producers)
    {
        CheckWritable();
        AtomicFile.Write(_files, SegmentFiles.Path(Directory, offset, SegmentFiles.Snapshot), ProducerSnapshotFile.Encode(producers));
    }

    /// <summary>The newest sound producer snapshot at or below the log's end; unsound ones are removed.</summary>
    public (Offset Offset, IReadOnlyList<ProducerSnapshotEntry> Producers)? ReadLatestProducerSnapshot()
    {
        var offsets = new List<Offset>();
        foreach (var entry in _files.ListFiles(Directory))
        {
            if (SegmentFiles.TryParse(entry.Name, SegmentFiles.Snapshot, out var offset) && offset <= LogEndOffset)
                offsets.Add(offset);
        }

        offsets.Sort(static (a, b) => b.CompareTo(a));
        foreach (var offset in offsets)
        {
            var path = SegmentFiles.Path(Directory, offset, SegmentFiles.Snapshot);
            if (AtomicFile.Read(_files, path) is { } bytes && ProducerSnapshotFile.TryDecode(bytes, out var producers, out _))
                return (offset, producers);
            _files.DeleteFile(path);
        }

        return null;
    }
}
