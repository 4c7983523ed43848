namespace ActorBroker.Log;

/// <summary>What readers see of a log at one moment. The writer replaces it as a whole, so its parts always agree.</summary>
/// <param name="Segments">By base offset, at least one; the last is the active one.</param>
/// <param name="End">The offset behind the last record.</param>
/// <param name="EndPosition">Bytes of the active segment that hold records below <paramref name="End"/>.</param>
internal sealed record LogView(LogSegment[] Segments, Offset End, long EndPosition)
{
    public LogSegment Active => Segments[^1];

    /// <summary>The last segment whose base is at most the offset; the first when there is none.</summary>
    public int IndexOf(Offset offset)
    {
        int low = 0, high = Segments.Length - 1;
        while (low < high)
        {
            var middle = low + ((high - low + 1) / 2);
            if (Segments[middle].BaseOffset <= offset)
                low = middle;
            else
                high = middle - 1;
        }

        return low;
    }

    public long SizeOf(int index) => index == Segments.Length - 1 ? EndPosition : Segments[index].Size;

    public Offset NextOffsetOf(int index) => index == Segments.Length - 1 ? End : Segments[index + 1].BaseOffset;
}
