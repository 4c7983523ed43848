namespace ActorBroker.Log;

/// <summary>
/// Compaction: what may be cleaned, and the swap of cleaned segments for those they were made of. In this order, so that a crash at
/// any moment leaves either (<see cref="SwapRecovery"/> finishes what was begun): the new files are flushed under names that end in
/// .cleaned; renamed to .swap; the folder is flushed: from here on the new segment counts. Readers get it, the old ones' files go
/// once nobody holds them, the folder is flushed again, and the new files get their last names.
/// </summary>
public sealed partial class PartitionLog
{
    private readonly Lock _cleaningGate = new();
    private readonly List<Swap> _swaps = [];
    private LogCleaning? _cleaning;

    /// <summary>A segment that readers use and whose files still bear the names of a swap.</summary>
    private sealed record Swap(LogSegment Fresh, LogSegment[] Replaced);

    /// <summary>How dirty the log is. Any thread.</summary>
    /// <param name="cleanedTo">What <see cref="LogCleaning.CleanedTo"/> of the last cleaning was; null when there was none.</param>
    public CleaningSurvey SurveyForCleaning(Offset? cleanedTo, Offset highWatermark)
    {
        var view = View;
        return Survey(view, FactsOf(view, cleanedTo), cleanedTo, highWatermark);
    }

    /// <summary>Begins a cleaning of everything that may be cleaned; null when that is nothing. Any thread; one at a time.</summary>
    /// <exception cref="IOException">What is to be cleaned can't be flushed.</exception>
    public LogCleaning? BeginCleaning(Offset? cleanedTo, Offset highWatermark, CleaningOptions options)
    {
        SettleSwaps();
        var view = View;
        var facts = FactsOf(view, cleanedTo);
        var survey = Survey(view, facts, cleanedTo, highWatermark);
        if (survey.CleanableBytes == 0)
            return null;
        var count = Array.FindLastIndex(facts, segment => segment.Next <= survey.FirstUncleanable) + 1;
        // What takes the place of records must not survive a crash that they would not have survived; and flushed segments
        // (indexes included, which come with the flush behind that of the records) are never behind one that is not.
        if (RecoveryPoint < survey.FirstUncleanable || !view.Segments[count - 1].IsFlushed)
            Flush();
        lock (_cleaningGate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (_cleaning is not null)
                throw new InvalidOperationException($"{Partition} is being cleaned already.");
            // A segment whose files wait for their last names can't give them up to another.
            if (_swaps.Count > 0)
                return null;
            return _cleaning = new LogCleaning(
                this, _files, view.Segments[..count], facts[..count], survey.FirstDirty, _time.GetUtcNow().ToUnixTimeMilliseconds(), Options, options,
                (_reserve?.ReserveBytes ?? 0) / 2);
        }
    }

    /// <summary>
    /// Puts what a cleaning has written into the place of what it was written from; the writer's. False when the log has changed
    /// meanwhile, so that the cleaning is over. Follow it with <see cref="SettleSwaps"/>, on any thread.
    /// </summary>
    public bool TrySwapIn(LogCleaning cleaning)
    {
        CheckWritable();
        lock (cleaning.Gate)
        {
            if (cleaning.State != CleaningState.SwapDue)
                return false;
            var target = cleaning.Target!;
            var view = View;
            var first = Array.IndexOf(view.Segments, target.Replaced[0]);
            var behind = first + target.Replaced.Length;
            var isCurrent = first >= 0 && behind < view.Segments.Length && view.Segments.AsSpan(first..behind).SequenceEqual(target.Replaced);
            if (!isCurrent)
            {
                cleaning.OnSwapped(isIn: false);
                return false;
            }

            if (!target.Segment.TryMove(SegmentFiles.Swap))
                throw new InvalidOperationException($"A segment of {Partition} that no reader has seen is held.");
            _files.FlushDirectory(Directory);
            LogSegment[] segments = [.. view.Segments[..first], target.Segment, .. view.Segments[behind..]];
            Volatile.Write(ref _view, view with { Segments = segments });
            Retire(target);
            cleaning.OnSwapped(isIn: true);
            return true;
        }
    }

    /// <summary>
    /// Gives swapped-in segments their last names, once nobody reads those that they replaced. Any thread. What is left is
    /// settled by a later call, or by the next opening.
    /// </summary>
    public void SettleSwaps()
    {
        lock (_swaps)
        {
            _swaps.RemoveAll(static swap => swap.Fresh.IsGone);
            if (_swaps.Count == 0 || _closed)
                return;
            var ready = _swaps.FindAll(swap => swap.Replaced.All(old => old.IsGone && !_files.FileExists(old.LogPath)));
            if (ready.Count == 0)
                return;
            // Or a crash could bring an old segment back beside the new one, and nothing would tell which of them counts.
            _files.FlushDirectory(Directory);
            foreach (var swap in ready)
            {
                if (swap.Fresh.TryMove(""))
                    _swaps.Remove(swap);
            }

            _namesChanged = true;
        }
    }

    internal void OnCleaningOver(LogCleaning cleaning)
    {
        lock (_cleaningGate)
        {
            if (ReferenceEquals(_cleaning, cleaning))
                _cleaning = null;
        }
    }

    /// <summary>Before records are cut, and before the folder may go.</summary>
    private void AbandonCleaning()
    {
        LogCleaning? cleaning;
        lock (_cleaningGate)
            cleaning = _cleaning;
        cleaning?.Dispose();
    }

    private void Retire(CleanedSegment target)
    {
        lock (_swaps)
            _swaps.Add(new Swap(target.Segment, target.Replaced));
        try
        {
            Remove(target.Replaced);
        }
        catch (IOException)
        {
            // What could not be deleted keeps the swap from being settled; the next opening deletes it and settles.
        }
    }

    private CleaningSurvey Survey(LogView view, SegmentFacts[] facts, Offset? cleanedTo, Offset highWatermark) =>
        CleaningPlanner.Survey(
            facts, Offset.MaxOf(LogStartOffset, view.Segments[0].BaseOffset), cleanedTo, highWatermark, Options, _time.GetUtcNow().ToUnixTimeMilliseconds(),
            i => SegmentIndexes.FirstTimestamp(view.Segments[i])?.ToUnixTimeMilliseconds());

    /// <summary>Of all segments but the active one.</summary>
    private SegmentFacts[] FactsOf(LogView view, Offset? cleanedTo)
    {
        var facts = new SegmentFacts[view.Segments.Length - 1];
        for (var i = 0; i < facts.Length; i++)
        {
            var needsTime = Options.MinCompactionLag > TimeSpan.Zero && !(view.NextOffsetOf(i) <= cleanedTo);
            facts[i] = new SegmentFacts(view.Segments[i].BaseOffset, view.NextOffsetOf(i), view.SizeOf(i), needsTime ? NewestMs(view.Segments[i]) : 0);
        }

        return facts;
    }

    /// <summary>Records without timestamps are as old as their file; those that are gone meanwhile are left alone.</summary>
    private static long NewestMs(LogSegment segment)
    {
        if (segment.Acquire() is null)
            return long.MaxValue;
        try
        {
            var newest = segment.MaxTimestamp().Timestamp;
            return newest >= 0 ? newest : segment.LastModified.ToUnixTimeMilliseconds();
        }
        finally
        {
            segment.Release();
        }
    }
}
