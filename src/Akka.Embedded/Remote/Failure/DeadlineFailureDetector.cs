namespace Akka.Remote;

/// <summary>Suspects a peer once no heartbeat has come for the interval plus the acceptable pause.</summary>
public class DeadlineFailureDetector : FailureDetector
{
    private const long Never = long.MinValue;

    private readonly long _deadlineMillis;
    private readonly Clock _clock;
    private long _last = Never;

    public DeadlineFailureDetector(TimeSpan acceptableHeartbeatPause, TimeSpan heartbeatInterval, Clock? clock = null)
    {
        if (acceptableHeartbeatPause < TimeSpan.Zero)
            throw new ArgumentException("akka.remote.transport-failure-detector.acceptable-heartbeat-pause must not be negative", nameof(acceptableHeartbeatPause));
        if (heartbeatInterval <= TimeSpan.Zero)
            throw new ArgumentException("akka.remote.transport-failure-detector.heartbeat-interval must be above 0", nameof(heartbeatInterval));
        _deadlineMillis = (long)(acceptableHeartbeatPause + heartbeatInterval).TotalMilliseconds;
        _clock = clock ?? PhiAccrualFailureDetector.SystemClock;
    }

    public override bool IsAvailable => Volatile.Read(ref _last) is var last && (last == Never || _clock() - last <= _deadlineMillis);

    public override bool IsMonitoring => Volatile.Read(ref _last) != Never;

    public override void HeartBeat() => Volatile.Write(ref _last, _clock());
}
