namespace ActorBroker.Kafka;

/// <summary>
/// The memory that the requests of all connections may take. Who finds none waits in turn, and gives up after
/// <see cref="Patience"/>: half a request holds memory while it waits for more, so waiting must end. Something that would
/// not fit even alone gets what it wants once nothing else is held.
/// </summary>
internal sealed class RequestMemoryPool(long maxBytes, TimeProvider time)
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiters = [];
    private long _used;

    public long Used => Interlocked.Read(ref _used);

    /// <summary>False: there was none for so long.</summary>
    public async ValueTask<bool> TryTakeAsync(long bytes, CancellationToken cancellation)
    {
        LinkedListNode<Waiter> waiter;
        lock (_lock)
        {
            if (_waiters.Count == 0 && Fits(bytes))
            {
                _used += bytes;
                return true;
            }

            waiter = _waiters.AddLast(new Waiter(bytes));
        }

        try
        {
            await waiter.Value.Granted.Task.WaitAsync(Patience, time, cancellation);
            return true;
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            lock (_lock)
            {
                if (waiter.List is not null) _waiters.Remove(waiter);
                else _used -= bytes;
                GrantNext();
            }

            if (e is OperationCanceledException) throw;
            return false;
        }
    }

    public void Give(long bytes)
    {
        lock (_lock)
        {
            _used -= bytes;
            GrantNext();
        }
    }

    private bool Fits(long bytes) => _used == 0 || _used + bytes <= maxBytes;

    private void GrantNext()
    {
        while (_waiters.First is { } first && Fits(first.Value.Bytes))
        {
            _waiters.RemoveFirst();
            _used += first.Value.Bytes;
            first.Value.Granted.SetResult();
        }
    }

    private sealed record Waiter(long Bytes)
    {
        public TaskCompletionSource Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>One connection's share of the pool. When the connection ends, all of it goes back, wherever its requests were.</summary>
internal sealed class ConnectionMemory(RequestMemoryPool pool)
{
    private readonly Lock _lock = new();
    private long _held;
    private bool _isClosed;

    public async ValueTask<bool> TryTakeAsync(long bytes, CancellationToken cancellation)
    {
        if (!await pool.TryTakeAsync(bytes, cancellation)) return false;
        lock (_lock)
        {
            if (!_isClosed)
            {
                _held += bytes;
                return true;
            }
        }

        pool.Give(bytes);
        return false;
    }

    public void Give(long bytes)
    {
        lock (_lock)
        {
            if (_isClosed) return;
            _held -= bytes;
        }

        pool.Give(bytes);
    }

    public void Close()
    {
        long held;
        lock (_lock)
        {
            if (_isClosed) return;
            _isClosed = true;
            held = _held;
        }

        pool.Give(held);
    }
}
