namespace ActorBroker.Log;

/// <summary>Opening: what is in the folder, and whether it can be trusted.</summary>
public sealed partial class PartitionLog
{
    private void Load(LogRecoveryInfo info)
    {
        var notes = new List<string>();
        // After a crash names are as uncertain as bytes: a killed process may have left them unflushed.
        _folderNameUnsure = !info.WasClean || !_files.DirectoryExists(Directory);
        FolderNames.CreateDurably(_files, FolderNames.ParentOf(Directory));
        _files.CreateDirectory(Directory);
        var segments = LogFolder.Load(_files, Directory, info.LogStartOffset, notes);
        try
        {
            TopicId = ReadTopicId(notes);
            _topicIdChanged = !info.WasClean;
            if (segments.Count == 0)
                StartEmpty(info, notes);
            else
                LoadSegments(segments, info, notes);
        }
        catch
        {
            foreach (var segment in segments)
                segment.Shut();
            throw;
        }
    }

    private void StartEmpty(LogRecoveryInfo info, List<string> notes)
    {
        // A folder that should hold flushed records and has no segment lost them.
        var lost = info.RecoveryPoint > info.LogStartOffset;
        if (lost)
            notes.Add($"no segment is left though records up to {info.RecoveryPoint} were flushed");
        _view = new LogView([CreateSegment(info.LogStartOffset)], info.LogStartOffset, 0);
        Volatile.Write(ref _logStart, info.LogStartOffset.Value);
        Volatile.Write(ref _recoveryPoint, info.LogStartOffset.Value);
        Recovery = new LogRecoveryResult { WasClean = !lost, LostFlushedRecords = lost, Notes = notes };
    }

    private void LoadSegments(List<LogSegment> segments, LogRecoveryInfo info, List<string> notes)
    {
        if (!_epochs.TryLoad(out var reason))
            RebuildEpochs(segments, reason, notes);
        var end = info.WasClean ? TryTakeAsClean(segments, notes) : null;
        if (end is { } cleanEnd)
        {
            Recovery = new LogRecoveryResult { WasClean = true, IndexesRebuilt = segments[^1].IndexesRebuilt, LostFlushedRecords = cleanEnd < info.RecoveryPoint, Notes = notes };
        }
        else
        {
            // Where every batch is synced before it is acknowledged, the process may have died between a failed flush and
            // the rewrite; what it costs is bounded by the age of the recovery point.
            var rewriteTail = info.RewriteTail || Options.FlushMessages == 1;
            var recovery = new LogRecovery(segments, _epochs, Options.IndexIntervalBytes, rewriteTail);
            end = recovery.Run(info.RecoveryPoint);
            Recovery = recovery.Result(info.RecoveryPoint, notes);
            LogFolder.DeleteSnapshots(_files, Directory, offset => offset > end.Value);
            _namesChanged = true;
            FlushNames();
        }

        _view = new LogView([.. segments], end.Value, segments[^1].Size);
        var start = Offset.MaxOf(info.LogStartOffset, segments[0].BaseOffset);
        Volatile.Write(ref _logStart, start.Value);
        Volatile.Write(ref _recoveryPoint, end.Value.Value);
        _epochs.TruncateFromEnd(end.Value);
        if (start > end.Value)
            StartAfterLoss(start, notes);
        else
            _epochs.TruncateFromStart(start);
        _epochs.Save();
    }

    /// <summary>The clean marker is believed, but the last few batches must end where the file ends. Null when they don't.</summary>
    private static Offset? TryTakeAsClean(List<LogSegment> segments, List<string> notes)
    {
        var active = segments[^1];
        Offset? end = active.BaseOffset;
        if (active.Size > 0)
        {
            var log = active.Acquire()!;
            end = SegmentIndexes.ReadTail(active, log, exactTimes: false);
            active.Release();
            active.Close();
        }
        else
        {
            SegmentIndexes.ClearOnDisk(active);
            active.Close();
        }

        if (end is null)
            notes.Add($"{active.LogPath} does not end with a whole batch although the folder was shut down cleanly; checked as after a crash");
        foreach (var segment in segments)
            segment.IsFlushed = end is not null;
        return end;
    }

    /// <summary>Every record left lies below the log start, so none may be seen: begin empty at it.</summary>
    private void StartAfterLoss(Offset start, List<string> notes)
    {
        notes.Add($"the log ended at {LogEndOffset}, below its start {start}: begun anew, empty");
        Recovery = Recovery with { LostFlushedRecords = true, Notes = notes };
        TruncateFullyAndStartAt(start);
    }

    private void RebuildEpochs(List<LogSegment> segments, string reason, List<string> notes)
    {
        var hasRecords = false;
        _epochs.Clear();
        foreach (var segment in segments)
        {
            if (segment.Size == 0)
                continue;
            hasRecords = true;
            using var log = _files.Open(segment.LogPath, FileOpenMode.Read);
            using var scanner = new BatchScanner(log, 0, segment.Size);
            while (scanner.TryNext())
            {
                if (scanner.Header.PartitionLeaderEpoch > _epochs.Latest)
                    _epochs.Assign(scanner.Header.PartitionLeaderEpoch, scanner.Header.BaseOffset);
            }
        }

        if (hasRecords)
            notes.Add($"{LeaderEpochCache.FileName} was rebuilt from the records: {reason}");
    }

    private TopicId? ReadTopicId(List<string> notes)
    {
        try
        {
            return PartitionMetadata.Read(_files, Directory);
        }
        catch (LogCorruptException e)
        {
            notes.Add(e.Message);
            return null;
        }
    }
}
