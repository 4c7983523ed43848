namespace ActorBroker.Log;

/// <summary>
/// Keeps a part of a volume free. Asking the platform for each write would be dear, so writes draw on a budget
/// measured now and then: at most a quarter of what is free above the reserve, and no older than a second once it was refused.
/// Any number of threads.
/// </summary>
public sealed class DiskReserve(IFileSystem files, string directory, long reserveBytes, TimeProvider time)
{
    private const long LargestBudget = 256L * 1024 * 1024;
    private static readonly TimeSpan _remeasure = TimeSpan.FromSeconds(1);

    private readonly Lock _measuring = new();
    private long _budget;
    private long? _refusedAt;

    public long ReserveBytes => reserveBytes;

    /// <summary>Whether writes are refused at the moment.</summary>
    public bool IsExhausted
    {
        get
        {
            lock (_measuring)
                return _refusedAt is not null;
        }
    }

    /// <summary>False when this many bytes would reach into the reserve; asked again later, it allows writes once there is room.</summary>
    public bool TryTake(long bytes) => Interlocked.Add(ref _budget, -bytes) >= 0 || TryMeasure(bytes);

    private bool TryMeasure(long bytes)
    {
        lock (_measuring)
        {
            if (_refusedAt is { } refused && time.GetElapsedTime(refused) < _remeasure)
                return false;
            var room = files.FreeBytes(directory) - reserveBytes;
            if (room < bytes)
            {
                _refusedAt = time.GetTimestamp();
                Volatile.Write(ref _budget, 0);
                return false;
            }

            _refusedAt = null;
            Volatile.Write(ref _budget, Math.Min(LargestBudget, (room - bytes) / 4));
            return true;
        }
    }
}
