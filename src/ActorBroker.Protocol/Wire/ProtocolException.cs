namespace ActorBroker.Protocol;

/// <summary>What is wrong with a message.</summary>
public enum ProtocolFault
{
    /// <summary>The bytes are not such a message.</summary>
    Malformed,

    /// <summary>The message needs more memory than the reader was allowed.</summary>
    TooLarge,

    /// <summary>The API is not known here.</summary>
    UnknownApi,

    /// <summary>The API is known, but not in this version.</summary>
    UnsupportedVersion,

    /// <summary>The message to write holds a value that its version can't carry.</summary>
    Unwritable,
}

/// <summary>A message that can't be read or written; says what and where.</summary>
public sealed class ProtocolException : Exception
{
    public ProtocolException(ProtocolFault fault, string message) : base(message) => Fault = fault;

    public ProtocolFault Fault { get; }

    /// <summary>The code that answers it.</summary>
    public ErrorCode ErrorCode => Fault switch
    {
        ProtocolFault.UnknownApi or ProtocolFault.UnsupportedVersion => ErrorCode.UnsupportedVersion,
        ProtocolFault.Unwritable => ErrorCode.UnknownServerError,
        _ => ErrorCode.InvalidRequest,
    };

    internal static ProtocolException Malformed(string where, int position, int length, string what) =>
        new(ProtocolFault.Malformed, $"{where}, at byte {position} of {length}: {what}");

    internal static ProtocolException UnknownApi(ApiKey key) =>
        new(ProtocolFault.UnknownApi, $"API {(short)key} ({key}) is not known here");

    internal static ProtocolException UnsupportedVersion(ApiKey key, short version, short min, short max) =>
        new(ProtocolFault.UnsupportedVersion, $"{key} is known in versions {min} to {max}, not in version {version}");

    internal static ProtocolException NotInVersion(string field, short version) =>
        new(ProtocolFault.Unwritable, $"{field} is set, but version {version} can't carry it");

    internal static ProtocolException NullInVersion(string field, short version) =>
        new(ProtocolFault.Unwritable, $"{field} is null, but version {version} has no null for it");
}
