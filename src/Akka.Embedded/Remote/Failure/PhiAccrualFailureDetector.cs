using System.Diagnostics;

namespace Akka.Remote;

/// <summary>
/// The φ accrual failure detector (Hayashibara et al.): φ = -log10 of the probability that a heartbeat comes still later than
/// the time already waited, under a normal distribution of the intervals seen so far. The peer is suspected from
/// <c>threshold</c> on. The mean is shifted by the acceptable pause, so that a pause that long alone raises no suspicion.
/// </summary>
public class PhiAccrualFailureDetector : FailureDetector
{
    private readonly double _threshold;
    private readonly double _minStdDeviation;
    private readonly double _acceptablePause;
    private readonly Clock _clock;
    private readonly Lock _gate = new();
    private readonly HeartbeatHistory _history;
    private long? _last;

    /// <param name="threshold">Above 0; each step of 1 makes a wrong suspicion ten times rarer.</param>
    /// <param name="maxSampleSize">Intervals kept.</param>
    /// <param name="minStdDeviation">Floor that keeps a very regular peer from being suspected for a trifle.</param>
    /// <param name="acceptableHeartbeatPause">Silence that is taken for normal.</param>
    /// <param name="firstHeartbeatEstimate">The interval assumed until real ones are known.</param>
    /// <param name="clock">The process's monotonic clock when left out.</param>
    public PhiAccrualFailureDetector(
        double threshold, int maxSampleSize, TimeSpan minStdDeviation, TimeSpan acceptableHeartbeatPause, TimeSpan firstHeartbeatEstimate, Clock? clock = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threshold);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxSampleSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(minStdDeviation, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(acceptableHeartbeatPause, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(firstHeartbeatEstimate, TimeSpan.Zero);
        _threshold = threshold;
        _minStdDeviation = minStdDeviation.TotalMilliseconds;
        _acceptablePause = acceptableHeartbeatPause.TotalMilliseconds;
        _clock = clock ?? SystemClock;
        _history = new HeartbeatHistory(maxSampleSize);

        // Two samples around the estimate give the first decisions a wide deviation.
        var mean = firstHeartbeatEstimate.TotalMilliseconds;
        _history.Add(mean * 0.75);
        _history.Add(mean * 1.25);
    }

    internal static long SystemClock() => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1000);

    public override bool IsAvailable
    {
        get
        {
            lock (_gate)
                return PhiAt(_clock()) < _threshold;
        }
    }

    public override bool IsMonitoring
    {
        get
        {
            lock (_gate)
                return _last.HasValue;
        }
    }

    internal double Phi
    {
        get
        {
            lock (_gate)
                return PhiAt(_clock());
        }
    }

    public override void HeartBeat()
    {
        lock (_gate)
        {
            var now = _clock();
            // The interval that ends an outage says nothing about the peer's rhythm.
            if (_last is { } last && PhiAt(now) < _threshold)
                _history.Add(now - last);
            _last = now;
        }
    }

    private double PhiAt(long now)
    {
        if (_last is not { } last)
            return 0;
        var waited = now - last;
        var mean = _history.Mean + _acceptablePause;
        var deviation = Math.Max(_history.StdDeviation, _minStdDeviation);

        // Logistic approximation of the cumulative normal distribution; the two branches keep the small side exact.
        var y = (waited - mean) / deviation;
        var e = Math.Exp(-y * (1.5976 + 0.070566 * y * y));
        return waited > mean ? -Math.Log10(e / (1 + e)) : -Math.Log10(1 - 1 / (1 + e));
    }
}

/// <summary>A ring of intervals with running sums.</summary>
internal sealed class HeartbeatHistory(int capacity)
{
    private readonly Queue<double> _samples = new();
    private double _sum;
    private double _squares;

    public double Mean => _sum / _samples.Count;

    public double StdDeviation => Math.Sqrt(Math.Max(0, _squares / _samples.Count - Mean * Mean));

    public void Add(double interval)
    {
        if (_samples.Count == capacity)
        {
            var oldest = _samples.Dequeue();
            _sum -= oldest;
            _squares -= oldest * oldest;
        }

        _samples.Enqueue(interval);
        _sum += interval;
        _squares += interval * interval;
    }
}
