namespace ActorBroker.Log;

/// <summary>Keeps a part of a volume free: asks before bytes are written, cheaply. Any number of threads.</summary>
public sealed class DiskReserve
{
    public DiskReserve(IFileSystem files, string directory, long reserveBytes, TimeProvider time) => throw new NotImplementedException();

    /// <summary>False when this many bytes would reach into the reserve; asked again later, it allows writes once there is room.</summary>
    public bool TryTake(long bytes) => throw new NotImplementedException();
}
