namespace ActorBroker.Log;

/// <summary>
/// Binary search over an index that lies mostly on disk: the entries in memory first, then the page used last, then
/// over the pages' first entries and inside one page.
/// </summary>
internal static class IndexSearch
{
    /// <summary>The last entry whose key is at most the target; -1 when there is none.</summary>
    public static int LastAtMost(IndexFile file, Func<int, long> key, long target)
    {
        var count = file.Count;
        if (count == 0)
            return -1;
        var tailStart = Math.Min(file.TailStart, count);
        if (tailStart < count && key(tailStart) <= target)
            return Last(key, tailStart, count, target);
        if (tailStart == 0)
            return -1;
        if (file.HotPage is { Count: > 0 } hot && hot.First + hot.Count <= tailStart && key(hot.First) <= target
            && (hot.First + hot.Count == tailStart || key(hot.First + hot.Count) > target))
            return Last(key, hot.First, hot.First + hot.Count, target);

        int low = 0, high = (tailStart - 1) / file.PageEntries;
        while (low < high)
        {
            var middle = low + ((high - low + 1) / 2);
            if (key(middle * file.PageEntries) <= target)
                low = middle;
            else
                high = middle - 1;
        }

        var (first, inPage) = file.LoadPage(low * file.PageEntries);
        return Last(key, first, Math.Min(first + inPage, tailStart), target);
    }

    private static int Last(Func<int, long> key, int from, int to, long target)
    {
        int low = from - 1, high = to - 1;
        while (low < high)
        {
            var middle = low + ((high - low + 1) / 2);
            if (key(middle) <= target)
                low = middle;
            else
                high = middle - 1;
        }

        return low < from ? -1 : low;
    }
}
