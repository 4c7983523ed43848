namespace ActorBroker.Log.Tests.Cleaning;

/// <summary>Work is spread over time: never more than the rate, and time that was not used is not made up for.</summary>
public sealed class CleaningThrottleTests
{
    [Fact]
    public void Bytes_take_as_long_as_the_rate_says()
    {
        var throttle = new CleaningThrottle(1000);
        Assert.Equal(TimeSpan.FromSeconds(0.5), throttle.After(500, TimeSpan.Zero));
        Assert.Equal(TimeSpan.FromSeconds(1.5), throttle.After(1000, TimeSpan.Zero));
        Assert.Equal(TimeSpan.FromSeconds(0.7), throttle.After(200, TimeSpan.FromSeconds(1)));
        Assert.Equal(TimeSpan.FromSeconds(1), throttle.After(1000, TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public void Without_a_limit_nothing_waits() =>
        Assert.Equal(TimeSpan.Zero, new CleaningThrottle(long.MaxValue).After(long.MaxValue, TimeSpan.Zero));
}
