namespace ActorBroker.Api;

/// <summary>What clients may have under way. Beyond it a request is refused at once, so that a flood costs no memory.</summary>
/// <param name="MaxSessions">Clients at a time.</param>
/// <param name="MaxPendingPerSession">Requests of one client.</param>
/// <param name="MaxBytesPerSession">Request bytes of one client.</param>
/// <param name="MaxBytesTotal">Request bytes of all clients together.</param>
/// <param name="IdleTimeout">A client that sent nothing for so long, and waits for nothing, loses its session; it gets a new one when it returns.</param>
internal sealed record SessionLimits(int MaxSessions, int MaxPendingPerSession, long MaxBytesPerSession, long MaxBytesTotal, TimeSpan IdleTimeout);

/// <summary>
/// Counts one client's requests under way. The endpoint admits, the session releases; so it is shared by two actors. A
/// request that would not fit even alone is admitted when nothing else is under way: sizes are judged elsewhere.
/// </summary>
internal sealed class SessionLoad(SessionLimits limits, RequestMemory total)
{
    private int _pending;
    private long _bytes;
    private long _lastCall;

    /// <summary>Numbers calls for the life of the client's session, over restarts of its actor: a late reply never finds another call. By the session only.</summary>
    public long NextCall() => ++_lastCall;

    public int Pending => Volatile.Read(ref _pending);

    /// <summary>Null when admitted, otherwise why not. By the endpoint only.</summary>
    public string? TryAdmit(long bytes)
    {
        if (Volatile.Read(ref _pending) >= limits.MaxPendingPerSession)
            return $"This client has {limits.MaxPendingPerSession} requests under way, the most that are allowed (actorbroker.api.max-pending-per-session).";
        var mine = Volatile.Read(ref _bytes);
        if (mine > 0 && mine + bytes > limits.MaxBytesPerSession)
            return $"This client has {mine} bytes of requests under way; {limits.MaxBytesPerSession} are allowed (actorbroker.api.max-bytes-per-session).";
        if (!total.TryTake(bytes))
            return $"The broker holds as many bytes of requests as it may ({limits.MaxBytesTotal}, actorbroker.api.max-bytes-total).";
        Interlocked.Increment(ref _pending);
        Interlocked.Add(ref _bytes, bytes);
        return null;
    }

    public void Release(long bytes)
    {
        Interlocked.Add(ref _bytes, -bytes);
        total.Give(bytes);
        Interlocked.Decrement(ref _pending);
    }

    /// <summary>Once the session has stopped: what was on its way to it will not be released by anybody else.</summary>
    public void ReleaseAll()
    {
        total.Give(Interlocked.Exchange(ref _bytes, 0));
        Interlocked.Exchange(ref _pending, 0);
    }
}

/// <summary>The memory that requests under way may take, over all clients.</summary>
internal sealed class RequestMemory(long maxBytes)
{
    private long _used;

    public long Used => Interlocked.Read(ref _used);

    public bool TryTake(long bytes)
    {
        var after = Interlocked.Add(ref _used, bytes);
        if (after <= maxBytes || after == bytes) return true;
        Interlocked.Add(ref _used, -bytes);
        return false;
    }

    public void Give(long bytes) => Interlocked.Add(ref _used, -bytes);
}
