namespace ActorBroker.Log;

/// <summary>Spreads reads and writes over time so that they stay below a rate. Pure: the caller waits.</summary>
/// <param name="bytesPerSecond">long.MaxValue: without limit.</param>
public sealed class CleaningThrottle(long bytesPerSecond)
{
    private TimeSpan _paidUntil = TimeSpan.MinValue;

    /// <summary>How long to wait before going on, after these bytes were read and written.</summary>
    /// <param name="now">Of a clock that never goes back.</param>
    public TimeSpan After(long bytes, TimeSpan now)
    {
        if (bytesPerSecond == long.MaxValue)
            return TimeSpan.Zero;
        var from = _paidUntil > now ? _paidUntil : now;
        _paidUntil = from + TimeSpan.FromSeconds(bytes / (double)bytesPerSecond);
        return _paidUntil - now;
    }
}
