namespace ActorBroker.Log;

/// <summary>The copying half of both LZ4 and Snappy.</summary>
internal static class Repetition
{
    /// <summary>Repeats what stands <paramref name="distance"/> before the end, which may overlap what is written. False if there is no such thing, or no room.</summary>
    public static bool TryCopy(Span<byte> target, int start, ref int at, int distance, long length)
    {
        if (distance == 0 || distance > at - start || length > target.Length - at)
            return false;
        var from = at - distance;
        var end = at + (int)length;
        while (at < end)
        {
            // What was repeated so far can be repeated as a whole: so short distances need few copies.
            var count = Math.Min(end - at, at - from);
            target.Slice(from, count).CopyTo(target[at..]);
            at += count;
        }

        return true;
    }
}
