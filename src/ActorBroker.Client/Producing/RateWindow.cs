namespace ActorBroker.Client;

/// <summary>Counts events of the last half minute, to the second. Time never steps back.</summary>
internal sealed class RateWindow
{
    public const int Seconds = 30;

    private readonly long[] _counts = new long[Seconds];
    private long _second = long.MinValue;

    public void Add(long count, TimeSpan now)
    {
        if (count == 0)
            return;
        MoveTo(now);
        _counts[_second % Seconds] += count;
    }

    public double PerSecond(TimeSpan now)
    {
        MoveTo(now);
        long sum = 0;
        foreach (var count in _counts)
            sum += count;
        return (double)sum / Seconds;
    }

    private void MoveTo(TimeSpan now)
    {
        var second = (long)now.TotalSeconds;
        if (second - _second >= Seconds || _second == long.MinValue)
            Array.Clear(_counts);
        else
            for (var passed = _second + 1; passed <= second; passed++)
                _counts[passed % Seconds] = 0;
        _second = Math.Max(second, _second);
    }
}
