using System.Diagnostics.CodeAnalysis;

namespace Akka.Actor.Internal;

/// <summary>How often a child was restarted, within which window.</summary>
public sealed class ChildRestartStats
{
    private uint _retries;
    private long _windowStartTicks;

    public ChildRestartStats(IInternalActorRef child) => Child = child;

    public IInternalActorRef Child { get; }
    public long Uid => Child.Path.Uid;
    public uint MaxNrOfRetriesCount => _retries;
    public long RestartTimeWindowStartTicks => _windowStartTicks;

    /// <summary>Counts one restart and tells whether it is within limits. A negative limit is none; a window below zero never ends.</summary>
    public bool RequestRestartPermission(int maxNrOfRetries, int withinTimeMilliseconds)
        => RequestRestartPermission(maxNrOfRetries, withinTimeMilliseconds, MonotonicTicks.Now);

    internal bool RequestRestartPermission(int maxNrOfRetries, int withinTimeMilliseconds, long nowTicks)
    {
        if (maxNrOfRetries == 0)
            return false;
        var hasWindow = withinTimeMilliseconds > 0;
        if (!hasWindow)
            return maxNrOfRetries < 0 || ++_retries <= maxNrOfRetries;

        // A limit of "none" within a window still allows one restart per window.
        var limit = maxNrOfRetries < 0 ? 1 : maxNrOfRetries;
        var windowTicks = withinTimeMilliseconds * TimeSpan.TicksPerMillisecond;
        if (_retries == 0 || nowTicks - _windowStartTicks > windowTicks)
        {
            _windowStartTicks = nowTicks;
            _retries = 1;
            return true;
        }
        return ++_retries <= limit;
    }
}

internal static class MonotonicTicks
{
    private static readonly double TickRatio = (double)TimeSpan.TicksPerSecond / System.Diagnostics.Stopwatch.Frequency;

    public static long Now => (long)(System.Diagnostics.Stopwatch.GetTimestamp() * TickRatio);
}

/// <summary>Why a cell waits for children to stop.</summary>
internal abstract class SuspendReason
{
    public sealed class UserRequest : SuspendReason
    {
        public static readonly UserRequest Instance = new();
    }

    public sealed class Creation : SuspendReason
    {
        public static readonly Creation Instance = new();
    }

    public sealed class Termination : SuspendReason
    {
        public static readonly Termination Instance = new();
    }

    public sealed class Recreation(Exception cause) : SuspendReason
    {
        public Exception Cause { get; } = cause;
    }
}

/// <summary>
/// The children of one cell. Changed by the cell, and by any thread that makes a child of a guardian; read by any thread that
/// resolves a path: hence the lock. A child stays in it until its end is confirmed.
/// </summary>
internal sealed class ChildrenTable
{
    private static readonly IInternalActorRef[] NoChildren = [];

    private readonly Lock _lock = new();

    // A null value is a reserved name: the child is being made.
    private Dictionary<string, ChildRestartStats?>? _byName;
    private HashSet<IActorRef>? _toDie;
    private SuspendReason? _reason;
    private bool _terminated;

    public bool IsNormal
    {
        get
        {
            lock (_lock)
                return !_terminated && _reason is null or SuspendReason.UserRequest;
        }
    }

    public bool IsTerminating
    {
        get
        {
            lock (_lock)
                return _terminated || _reason is SuspendReason.Termination;
        }
    }

    public bool IsWaitingForChildren
    {
        get
        {
            lock (_lock)
                return _reason is SuspendReason.Creation or SuspendReason.Recreation;
        }
    }

    public void Reserve(string name, IActorRef parent)
    {
        lock (_lock)
        {
            if (_terminated || _reason is SuspendReason.Termination)
                throw new InvalidOperationException($"Can't create a child of {parent} while it is terminating or terminated.");
            if (!(_byName ??= new Dictionary<string, ChildRestartStats?>(StringComparer.Ordinal)).TryAdd(name, value: null))
                throw new InvalidActorNameException($"Actor name \"{name}\" is not unique!");
        }
    }

    public void Unreserve(string name)
    {
        lock (_lock)
            if (_byName is not null && _byName.TryGetValue(name, out var stats) && stats is null)
                _byName.Remove(name);
    }

    public void Add(string name, ChildRestartStats stats)
    {
        lock (_lock)
            (_byName ??= new Dictionary<string, ChildRestartStats?>(StringComparer.Ordinal))[name] = stats;
    }

    public bool TryGetByName(string name, [NotNullWhen(true)] out ChildRestartStats? stats)
    {
        lock (_lock)
        {
            stats = null;
            return _byName is not null && _byName.TryGetValue(name, out stats) && stats is not null;
        }
    }

    public bool TryGetByRef(IActorRef child, [NotNullWhen(true)] out ChildRestartStats? stats)
        => TryGetByName(child.Path.Name, out stats) && child.Equals(stats.Child);

    public IInternalActorRef[] Children
    {
        get
        {
            lock (_lock)
            {
                if (_byName is null || _byName.Count == 0)
                    return NoChildren;
                var children = new List<IInternalActorRef>(_byName.Count);
                foreach (var stats in _byName.Values)
                    if (stats is not null)
                        children.Add(stats.Child);
                return [.. children];
            }
        }
    }

    public IReadOnlyCollection<ChildRestartStats> Stats
    {
        get
        {
            lock (_lock)
            {
                if (_byName is null)
                    return [];
                var all = new List<ChildRestartStats>(_byName.Count);
                foreach (var stats in _byName.Values)
                    if (stats is not null)
                        all.Add(stats);
                return all;
            }
        }
    }

    /// <summary>Notes that a child was asked to stop.</summary>
    public void ShallDie(IActorRef child)
    {
        lock (_lock)
        {
            (_toDie ??= []).Add(child);
            _reason ??= SuspendReason.UserRequest.Instance;
        }
    }

    /// <summary>True when there are stopping children to wait for.</summary>
    public bool SetTerminationReason(SuspendReason reason)
    {
        lock (_lock)
        {
            if (_toDie is not { Count: > 0 })
                return false;
            _reason = reason;
            return true;
        }
    }

    public void SetTerminated()
    {
        lock (_lock)
            _terminated = true;
    }

    /// <summary>Removes a stopped child. Returns what the cell was waiting for if this was the last one, else null.</summary>
    public SuspendReason? Remove(IActorRef child)
    {
        lock (_lock)
        {
            if (_byName is not null && _byName.TryGetValue(child.Path.Name, out var stats) && stats is not null && child.Equals(stats.Child))
                _byName.Remove(child.Path.Name);
            if (_toDie is null)
                return null;
            _toDie.Remove(child);
            if (_toDie.Count > 0)
                return null;
            var reason = _reason;
            _toDie = null;
            if (reason is not SuspendReason.Termination)
                _reason = null;
            return reason;
        }
    }
}
