namespace ActorBroker.Log;

/// <summary>Stored bytes are not what was written: reading them is refused. The partition must be reopened (recovered) or rebuilt.</summary>
public sealed class LogCorruptException(string path, long position, string reason, Exception? inner = null)
    : IOException($"{path}: corrupt at byte {position}: {reason}", inner)
{
    public string Path { get; } = path;

    public long Position { get; } = position;
}

/// <summary>The volume has no space left. Retriable: space comes back through retention or by hand.</summary>
public sealed class DiskFullException(string path, Exception? inner = null)
    : IOException($"{path}: no space left on the volume", inner)
{
    public string Path { get; } = path;
}

/// <summary>
/// A write, flush or cut failed half way, so what the device holds is unknown. The log refuses every further write
/// until it is opened anew, which recovers it.
/// </summary>
public sealed class LogFailedException(string path, string operation, Exception inner)
    : IOException($"{path}: {operation} failed ({inner.Message}); the log must be reopened", inner)
{
    public string Path { get; } = path;
}

/// <summary>Why a data folder can't be used.</summary>
public enum LogDirectoryFault
{
    /// <summary>Another process has it open.</summary>
    InUse,

    /// <summary>It belongs to another node id.</summary>
    WrongNode,

    /// <summary>It belongs to another cluster id.</summary>
    WrongCluster,

    /// <summary>A newer release wrote it.</summary>
    NewerVersion,

    /// <summary>meta.properties can't be understood, or is missing although the folder holds data.</summary>
    Unreadable,

    /// <summary>It holds something that this release can't handle.</summary>
    Unsupported,
}

/// <summary>A data folder that can't be used as it is; the message names the file and the way out.</summary>
public sealed class LogDirectoryException(LogDirectoryFault fault, string path, string message, Exception? inner = null)
    : IOException(message, inner)
{
    public LogDirectoryFault Fault { get; } = fault;

    public string Path { get; } = path;
}
