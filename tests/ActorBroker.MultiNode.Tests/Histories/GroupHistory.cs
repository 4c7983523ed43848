namespace ActorBroker.MultiNode.Tests.Histories;

/// <summary>How a member stopped reading a partition.</summary>
internal enum TurnEnd
{
    /// <summary>It reads it still.</summary>
    Open,

    /// <summary>It said that it was done, before the group went on.</summary>
    Released,

    /// <summary>It crashed.</summary>
    Crashed,

    /// <summary>The group went on without it, which it learned later: until then another may have read as well.</summary>
    Lost,
}

/// <summary>A member reads a partition for a while.</summary>
internal sealed record Turn(string Member, int Partition, TimeSpan Began, TimeSpan? Ended, TurnEnd End);

/// <summary>A record that a member was given.</summary>
internal sealed record Taken(string Member, int Partition, long Offset);

/// <summary>What the group had committed of a partition, as read at some moment; in the order of the readings.</summary>
internal sealed record CommitSeen(int Partition, long Offset);

/// <summary>What the members of one group did.</summary>
internal sealed record GroupHistory(IReadOnlyList<Turn> Turns, IReadOnlyList<Taken> Taken, IReadOnlyList<CommitSeen> Commits);

/// <summary>Judges a group's history. Pure.</summary>
internal static class GroupChecker
{
    /// <param name="history">Of the group.</param>
    /// <param name="records">What the topic holds: partition and offset.</param>
    public static IReadOnlyList<string> Check(GroupHistory history, IEnumerable<(int Partition, long Offset)> records)
    {
        var faults = new List<string>();
        var taken = history.Taken.Select(record => (record.Partition, record.Offset)).ToHashSet();
        foreach (var record in records)
            if (!taken.Contains(record)) faults.Add($"{record.Partition}/{record.Offset} was given to nobody");
        CheckTurns(history, faults);
        CheckCommits(history, taken, faults);
        return faults;
    }

    private static void CheckTurns(GroupHistory history, List<string> faults)
    {
        foreach (var partition in history.Turns.GroupBy(turn => turn.Partition))
        {
            Turn? before = null;
            foreach (var turn in partition.Where(turn => turn.End != TurnEnd.Lost).OrderBy(turn => turn.Began))
            {
                if (before is not null && before.Member != turn.Member && (before.Ended is not { } ended || ended > turn.Began))
                    faults.Add($"partition {partition.Key}: {turn.Member} began at {turn.Began.TotalSeconds:0.000} s, while {before.Member} read until {before.Ended?.TotalSeconds:0.000} s");
                before = turn;
            }
        }
    }

    private static void CheckCommits(GroupHistory history, HashSet<(int, long)> taken, List<string> faults)
    {
        var highest = new Dictionary<int, long>();
        foreach (var (partition, offset) in history.Commits)
        {
            if (highest.TryGetValue(partition, out var before) && offset < before)
                faults.Add($"partition {partition}: {offset} is committed, behind {before}");
            highest[partition] = Math.Max(offset, before);
        }

        foreach (var (partition, offset) in highest)
            for (var at = 0L; at < offset; at++)
                if (!taken.Contains((partition, at))) faults.Add($"partition {partition}: {offset} is committed, and nobody was given {at}");
    }
}
