using Akka.Remote;

namespace Akka.Embedded.Tests.Remote;

/// <summary>Failure detectors under a clock that the test moves.</summary>
public class RemoteFailureDetectorSpec
{
    private long _now = 1_000_000;

    private PhiAccrualFailureDetector Phi(double threshold = 8, int pause = 0, int samples = 200)
        => new(threshold, samples, TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(pause), TimeSpan.FromSeconds(1), () => _now);

    private void Beat(FailureDetector detector, int times, int every)
    {
        for (var i = 0; i < times; i++)
        {
            detector.HeartBeat();
            _now += every;
        }
    }

    [Fact]
    public void Before_the_first_heartbeat_nobody_is_suspected()
    {
        var detector = Phi();
        Assert.True(detector.IsAvailable);
        Assert.False(detector.IsMonitoring);
        _now += 1_000_000;
        Assert.True(detector.IsAvailable);
    }

    [Fact]
    public void A_regular_peer_is_available_and_silence_raises_suspicion_steadily()
    {
        var detector = Phi();
        Beat(detector, 20, 1000);
        Assert.True(detector.IsAvailable);
        Assert.True(detector.IsMonitoring);
        var previous = detector.Phi;
        for (var i = 0; i < 20; i++)
        {
            _now += 200;
            Assert.True(detector.Phi >= previous);
            previous = detector.Phi;
        }

        Assert.False(detector.IsAvailable);
    }

    [Fact]
    public void The_acceptable_pause_is_taken_for_normal()
    {
        var detector = Phi(pause: 10_000);
        Beat(detector, 20, 1000);
        _now += 10_000;
        Assert.True(detector.IsAvailable);
        _now += 10_000;
        Assert.False(detector.IsAvailable);
    }

    [Fact]
    public void A_peer_that_comes_back_is_available_again_and_the_outage_does_not_count_as_its_rhythm()
    {
        var detector = Phi();
        Beat(detector, 20, 1000);
        _now += 60_000;
        Assert.False(detector.IsAvailable);
        detector.HeartBeat();
        Assert.True(detector.IsAvailable);
        _now += 5_000;
        Assert.False(detector.IsAvailable);
    }

    [Fact]
    public void Phi_is_finite_for_a_wait_of_any_length()
    {
        var detector = Phi();
        Beat(detector, 5, 1000);
        _now += long.MaxValue / 4;
        Assert.False(double.IsNaN(detector.Phi));
        Assert.False(detector.IsAvailable);
    }

    [Fact]
    public void Only_the_newest_intervals_count()
    {
        var detector = Phi(samples: 10);
        Beat(detector, 30, 10_000);
        Beat(detector, 12, 1000);
        _now += 3_000;
        Assert.False(detector.IsAvailable);
    }

    [Fact]
    public void A_deadline_detector_waits_for_interval_plus_pause()
    {
        var detector = new DeadlineFailureDetector(TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(1), () => _now);
        Assert.True(detector.IsAvailable);
        Assert.False(detector.IsMonitoring);
        detector.HeartBeat();
        _now += 4_000;
        Assert.True(detector.IsAvailable);
        _now += 1;
        Assert.False(detector.IsAvailable);
        detector.HeartBeat();
        Assert.True(detector.IsAvailable);
    }

    [Fact]
    public void A_registry_keeps_one_detector_per_resource()
    {
        var registry = new DefaultFailureDetectorRegistry<string>(() => Phi());
        Assert.True(registry.IsAvailable("a"));
        registry.Heartbeat("a");
        registry.Heartbeat("b");
        _now += 60_000;
        registry.Heartbeat("b");
        Assert.False(registry.IsAvailable("a"));
        Assert.True(registry.IsAvailable("b"));
        registry.Remove("a");
        Assert.True(registry.IsAvailable("a"));
        Assert.False(registry.IsMonitoring("a"));
        registry.Reset();
        Assert.False(registry.IsMonitoring("b"));
    }
}
