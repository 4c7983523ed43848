namespace ActorBroker.Client;

/// <summary>
/// Delays between retries: doubling from <paramref name="first"/> up to <paramref name="most"/>, then 20 % up or down
/// by chance so that clients that failed together don't come back together.
/// </summary>
internal sealed class Backoff(TimeSpan first, TimeSpan most, Random random)
{
    private const double Jitter = 0.2;

    /// <param name="failures">Failures in a row so far, at least 1.</param>
    public TimeSpan Delay(int failures)
    {
        var exponent = Math.Min(Math.Max(failures, 1) - 1, 30);
        var ticks = Math.Min(first.Ticks * (double)(1L << exponent), most.Ticks);
        return TimeSpan.FromTicks((long)(ticks * (1 - Jitter + 2 * Jitter * random.NextDouble())));
    }
}
