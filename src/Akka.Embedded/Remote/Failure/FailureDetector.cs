namespace Akka.Remote;

/// <summary>A monotonic clock in milliseconds.</summary>
public delegate long Clock();

/// <summary>Judges from the arrival of heartbeats whether a peer is alive. Safe for use from several threads.</summary>
public abstract class FailureDetector
{
    public abstract bool IsAvailable { get; }

    /// <summary>At least one heartbeat has arrived.</summary>
    public abstract bool IsMonitoring { get; }

    public abstract void HeartBeat();
}

/// <summary>One failure detector per resource, made when its first heartbeat arrives.</summary>
public interface IFailureDetectorRegistry<in T>
{
    /// <summary>True also for a resource that has never sent a heartbeat.</summary>
    bool IsAvailable(T resource);

    bool IsMonitoring(T resource);

    void Heartbeat(T resource);

    void Remove(T resource);

    void Reset();
}

public class DefaultFailureDetectorRegistry<T> : IFailureDetectorRegistry<T>
    where T : notnull
{
    private readonly System.Collections.Concurrent.ConcurrentDictionary<T, FailureDetector> _detectors = new();
    private readonly Func<FailureDetector> _factory;

    public DefaultFailureDetectorRegistry(Func<FailureDetector> factory) => _factory = factory;

    public bool IsAvailable(T resource) => !_detectors.TryGetValue(resource, out var detector) || detector.IsAvailable;

    public bool IsMonitoring(T resource) => _detectors.TryGetValue(resource, out var detector) && detector.IsMonitoring;

    public void Heartbeat(T resource)
    {
        if (!_detectors.TryGetValue(resource, out var detector))
            detector = _detectors.GetOrAdd(resource, _factory());
        detector.HeartBeat();
    }

    public void Remove(T resource) => _detectors.TryRemove(resource, out _);

    public void Reset() => _detectors.Clear();
}
