namespace ActorBroker.MultiNode.Tests.Histories;

internal enum Fault
{
    /// <summary>An acks=all record is not where its acknowledgement said.</summary>
    Lost,

    /// <summary>A record that a reader was given is not there any more, or is another one.</summary>
    Unread,

    /// <summary>A record that nobody sent, or that was refused, or in another partition than the one it was sent to.</summary>
    Invented,

    /// <summary>A record is there more than once though its producer is idempotent, or sent nothing again while it was out.</summary>
    Copied,

    /// <summary>An offset is missing or taken twice.</summary>
    Offsets,

    /// <summary>A producer's records changed places within a partition.</summary>
    Order,

    /// <summary>A reader got the same offset again, went back, or skipped one.</summary>
    ReaderPosition,

    /// <summary>A reader was told a lower high watermark than before, or one that doesn't cover what it was given.</summary>
    HighWatermark,

    /// <summary>Two leaders in one epoch.</summary>
    Leaders,
}

internal sealed record Violation(Fault Fault, string Text)
{
    public override string ToString() => $"{Fault}: {Text}";
}

/// <summary>
/// Judges a history. It takes no side's word: what producers were told and readers were given is held against what is
/// there at the end. Pure.
/// </summary>
internal static class HistoryChecker
{
    public static IReadOnlyList<Violation> Check(History history)
    {
        var faults = new List<Violation>();
        CheckOffsets(history, faults);
        var final = Index(history.Final);
        var sends = history.Sends.ToDictionary(send => (send.Producer, send.Number));
        CheckAcknowledged(history, final, faults);
        CheckSeen(history, final, faults);
        CheckInvented(history, sends, faults);
        CheckCopies(history, sends, faults);
        CheckOrder(history, faults);
        CheckReaders(history, faults);
        CheckLeaders(history, faults);
        return faults;
    }

    private static Dictionary<(int Partition, long Offset), Seen> Index(IReadOnlyList<Seen> records)
    {
        var places = new Dictionary<(int, long), Seen>();
        foreach (var record in records) places.TryAdd((record.Partition, record.Offset), record);
        return places;
    }

    private static void CheckOffsets(History history, List<Violation> faults)
    {
        foreach (var partition in history.Final.GroupBy(record => record.Partition))
        {
            long expected = 0;
            foreach (var record in partition)
            {
                if (record.Offset != expected)
                    faults.Add(new(Fault.Offsets, $"partition {partition.Key}: offset {record.Offset} where {expected} belongs"));
                expected = record.Offset + 1;
            }
        }
    }

    private static void CheckAcknowledged(History history, Dictionary<(int, long), Seen> final, List<Violation> faults)
    {
        foreach (var send in history.Sends)
        {
            if (send.Outcome != SendOutcome.Acknowledged || !send.IsDurable) continue;
            if (!final.TryGetValue((send.Partition, send.Offset), out var there))
                faults.Add(new(Fault.Lost, $"{Of(send)} was acknowledged at {send.Partition}/{send.Offset}, where nothing is"));
            else if (there.Producer != send.Producer || there.Number != send.Number)
                faults.Add(new(Fault.Lost, $"{Of(send)} was acknowledged at {send.Partition}/{send.Offset}, where {there.Producer}:{there.Number} is"));
        }
    }

    private static void CheckSeen(History history, Dictionary<(int, long), Seen> final, List<Violation> faults)
    {
        foreach (var seen in history.Seen)
        {
            if (!final.TryGetValue((seen.Partition, seen.Offset), out var there))
                faults.Add(new(Fault.Unread, $"{seen.Reader} was given {seen.Producer}:{seen.Number} at {seen.Partition}/{seen.Offset}, where nothing is"));
            else if (there.Producer != seen.Producer || there.Number != seen.Number)
                faults.Add(new(Fault.Unread, $"{seen.Reader} was given {seen.Producer}:{seen.Number} at {seen.Partition}/{seen.Offset}, where {there.Producer}:{there.Number} is"));
        }
    }

    private static void CheckInvented(History history, Dictionary<(string, long), Send> sends, List<Violation> faults)
    {
        foreach (var record in history.Final)
        {
            var what = $"{record.Producer}:{record.Number} at {record.Partition}/{record.Offset}";
            if (!sends.TryGetValue((record.Producer, record.Number), out var send))
                faults.Add(new(Fault.Invented, $"{what} was never sent"));
            else if (send.Outcome == SendOutcome.NeverSent)
                faults.Add(new(Fault.Invented, $"{what} was refused"));
            else if (send.Partition != record.Partition)
                faults.Add(new(Fault.Invented, $"{what} was sent to partition {send.Partition}"));
        }
    }

    private static void CheckCopies(History history, Dictionary<(string, long), Send> sends, List<Violation> faults)
    {
        var retries = history.Retries.ToLookup(retry => retry.Producer);
        foreach (var copies in history.Final.GroupBy(record => (record.Producer, record.Number)))
        {
            var count = copies.Count();
            if (count == 1 || !sends.TryGetValue(copies.Key, out var send)) continue;
            if (history.ExactlyOnce.Contains(send.Producer)) faults.Add(new(Fault.Copied, $"{Of(send)} of an idempotent producer is there {count} times"));
            var sentAgain = retries[send.Producer].Any(retry => retry.To >= send.Began && (send.Ended is null || retry.From <= send.Ended));
            if (!sentAgain) faults.Add(new(Fault.Copied, $"{Of(send)} is there {count} times, and nothing was sent again while it was out"));
        }
    }

    /// <summary>First appearances must rise: copies of a repeated batch come behind their first.</summary>
    private static void CheckOrder(History history, List<Violation> faults)
    {
        foreach (var stream in history.Final.GroupBy(record => (record.Partition, record.Producer)))
        {
            if (history.UnorderedProducers.Contains(stream.Key.Producer) && !history.ExactlyOnce.Contains(stream.Key.Producer)) continue;
            var known = new HashSet<long>();
            var highest = -1L;
            foreach (var record in stream)
            {
                if (!known.Add(record.Number)) continue;
                if (record.Number < highest)
                    faults.Add(new(Fault.Order, $"{record.Producer}:{record.Number} at {record.Partition}/{record.Offset} is behind {record.Producer}:{highest}"));
                highest = Math.Max(highest, record.Number);
            }
        }
    }

    private static void CheckReaders(History history, List<Violation> faults)
    {
        foreach (var reading in history.Seen.GroupBy(seen => (seen.Reader, seen.Partition)))
        {
            Seen? before = null;
            foreach (var seen in reading)
            {
                var who = $"{seen.Reader} in partition {seen.Partition}";
                if (before is not null && seen.Offset != before.Offset + 1)
                    faults.Add(new(Fault.ReaderPosition, $"{who}: offset {seen.Offset} behind {before.Offset}"));
                if (before is not null && seen.HighWatermark < before.HighWatermark)
                    faults.Add(new(Fault.HighWatermark, $"{who}: {seen.HighWatermark} behind {before.HighWatermark}"));
                if (seen.HighWatermark <= seen.Offset)
                    faults.Add(new(Fault.HighWatermark, $"{who}: {seen.HighWatermark} with offset {seen.Offset}"));
                before = seen;
            }
        }
    }

    private static void CheckLeaders(History history, List<Violation> faults)
    {
        foreach (var epoch in history.Leaders.Where(seen => seen.Leader >= 0).GroupBy(seen => (seen.Partition, seen.Epoch)))
        {
            var leaders = epoch.GroupBy(seen => seen.Leader).ToList();
            if (leaders.Count > 1)
                faults.Add(new(Fault.Leaders, $"partition {epoch.Key.Partition}, epoch {epoch.Key.Epoch}: {string.Join(", ", leaders.Select(leader => $"{leader.Key} says {leader.First().Witness}"))}"));
        }
    }

    private static string Of(Send send) => $"{send.Producer}:{send.Number}";
}
