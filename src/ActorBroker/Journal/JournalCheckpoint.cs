using System.Buffers.Binary;
using ActorBroker.Log;

namespace ActorBroker.Journal;

/// <summary>
/// What is known about a log of <c>DATA/journal</c> before it is opened, in its own folder as <c>journal-checkpoint</c>:
/// <code>
/// 0   4  "ABJC"
/// 4   2  version, 1 (big endian, as all numbers here)
/// 6   1  1 if it was closed cleanly
/// 7   8  log start offset
/// 15  8  recovery point
/// 23  4  CRC-32C of what stands before
/// </code>
/// It is replaced as a whole. Without it, or where it is damaged, the log is checked from its beginning; the log start is
/// then where its first segment begins, so deleted events of that segment may show again.
/// </summary>
internal sealed class JournalCheckpoint(IFileSystem files, string directory) : ILogCheckpoints
{
    public const string FileName = "journal-checkpoint";
    private const int Size = 27;
    private const short Version = 1;

    private static readonly byte[] Magic = "ABJC"u8.ToArray();

    private LogRecoveryInfo _info = LogRecoveryInfo.Unknown;

    /// <summary>Null, or what was wrong with the file.</summary>
    public string? Fault { get; private set; }

    /// <exception cref="InvalidDataException">A newer release wrote it.</exception>
    public LogRecoveryInfo Read()
    {
        var path = Path.Combine(directory, FileName);
        if (!files.FileExists(path)) return _info;
        Span<byte> bytes = stackalloc byte[Size];
        using (var file = files.Open(path, FileOpenMode.Read))
        {
            if (file.Read(bytes, 0) < Size || !bytes[..4].SequenceEqual(Magic)
                || BinaryPrimitives.ReadUInt32BigEndian(bytes[23..]) != Crc32C.Compute(bytes[..23]))
            {
                Fault = $"{path} is damaged and left aside";
                return _info;
            }
        }

        var version = BinaryPrimitives.ReadInt16BigEndian(bytes[4..]);
        if (version != Version)
            throw new InvalidDataException($"{path} has version {version}; this release knows {Version}: a newer release wrote it.");
        return _info = new LogRecoveryInfo(
            new Offset(BinaryPrimitives.ReadInt64BigEndian(bytes[15..])), new Offset(BinaryPrimitives.ReadInt64BigEndian(bytes[7..])), bytes[6] == 1);
    }

    public void LowerRecoveryPoint(TopicPartition partition, Offset recoveryPoint)
    {
        if (_info.RecoveryPoint > recoveryPoint) Write(_info with { RecoveryPoint = recoveryPoint });
    }

    public void SetLogStartOffset(TopicPartition partition, Offset logStartOffset) =>
        Write(_info with { LogStartOffset = logStartOffset });

    /// <summary>Durable on return.</summary>
    public void Write(LogRecoveryInfo info)
    {
        var bytes = new byte[Size];
        Magic.CopyTo(bytes, 0);
        BinaryPrimitives.WriteInt16BigEndian(bytes.AsSpan(4), Version);
        bytes[6] = info.WasClean ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(7), info.LogStartOffset.Value);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(15), info.RecoveryPoint.Value);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(23), Crc32C.Compute(bytes.AsSpan(0, 23)));
        AtomicFile.Write(files, Path.Combine(directory, FileName), bytes);
        _info = info;
    }
}
