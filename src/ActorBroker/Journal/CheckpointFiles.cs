using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ActorBroker.Log;

namespace ActorBroker.Journal;

/// <summary>A snapshot as it is stored.</summary>
/// <param name="Timestamp">UTC.</param>
internal abstract record Checkpoint(long SequenceNr, DateTime Timestamp);

/// <summary>A snapshot as its Akka serializer wrote it.</summary>
internal sealed record SerializedCheckpoint(long SequenceNr, DateTime Timestamp, int SerializerId, string Manifest, ReadOnlyMemory<byte> Body)
    : Checkpoint(SequenceNr, Timestamp);

/// <summary>A partition's producers, in the file that Kafka's own tools read.</summary>
internal sealed record ProducerCheckpoint(long SequenceNr, DateTime Timestamp, IReadOnlyList<ProducerSnapshotEntry> Producers)
    : Checkpoint(SequenceNr, Timestamp);

/// <summary>
/// The snapshots of one persistence id, beside its log. A partition's are Kafka's <c>NUMBER.snapshot</c>
/// (<see cref="ProducerSnapshotFile"/>). Any other is <c>NUMBER.checkpoint</c>, the number in 20 digits, holding
/// <code>
/// 0   4  "ABCP"
/// 4   2  version, 1 (big endian, as all numbers here)
/// 6   4  CRC-32C of what follows
/// 10  8  sequence number
/// 18  8  time in ticks, UTC
/// 26  4  serializer id
/// 30  4  length of the manifest, then the manifest in UTF-8
///        the snapshot as its serializer wrote it, to the end
/// </code>
/// A file is there whole or not at all.
/// </summary>
internal sealed class CheckpointFiles(IFileSystem files, string directory)
{
    private const string SerializedExtension = ".checkpoint";
    private const string ProducerExtension = ".snapshot";
    private const int HeaderSize = 34;
    private const int CheckedFrom = 10;
    private const short Version = 1;

    private static readonly byte[] Magic = "ABCP"u8.ToArray();

    /// <summary>Sequence numbers, newest first.</summary>
    public List<long> List()
    {
        var numbers = new List<long>();
        if (!files.DirectoryExists(directory)) return numbers;
        foreach (var entry in files.ListFiles(directory))
        {
            var extension = Path.GetExtension(entry.Name);
            if (extension is SerializedExtension or ProducerExtension
                && long.TryParse(entry.Name.AsSpan(0, entry.Name.Length - extension.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && !numbers.Contains(number))
                numbers.Add(number);
        }

        numbers.Sort((x, y) => y.CompareTo(x));
        return numbers;
    }

    /// <exception cref="InvalidDataException">The file is damaged, or a newer release wrote it.</exception>
    public Checkpoint Read(long sequenceNr)
    {
        var path = PathOf(sequenceNr, ProducerExtension);
        if (!files.FileExists(path)) return Decode(PathOf(sequenceNr, SerializedExtension));
        if (!ProducerSnapshotFile.TryDecode(AtomicFile.Read(files, path, Array.MaxLength)!, out var producers, out var reason))
            throw new InvalidDataException($"{path}: {reason}");
        var written = files.ListFiles(directory).First(file => file.Name == Path.GetFileName(path)).LastModified;
        return new ProducerCheckpoint(sequenceNr, written.UtcDateTime, producers);
    }

    /// <summary>Durable on return.</summary>
    public void Write(Checkpoint checkpoint)
    {
        AtomicFile.EnsureDirectory(files, directory);
        var (extension, bytes) = checkpoint switch
        {
            ProducerCheckpoint producers => (ProducerExtension, ProducerSnapshotFile.Encode(producers.Producers)),
            _ => (SerializedExtension, Encode((SerializedCheckpoint)checkpoint)),
        };
        AtomicFile.Write(files, PathOf(checkpoint.SequenceNr, extension), bytes);
    }

    /// <summary>Durable on return.</summary>
    public void Delete(IEnumerable<long> sequenceNrs)
    {
        var any = false;
        foreach (var number in sequenceNrs)
        {
            files.DeleteFile(PathOf(number, SerializedExtension));
            files.DeleteFile(PathOf(number, ProducerExtension));
            any = true;
        }

        if (any) files.FlushDirectory(directory);
    }

    /// <summary>Deletes what knows of anything behind this number, durably.</summary>
    public void DeleteBeyond(long sequenceNr) => Delete(List().Where(number => number > sequenceNr));

    private SerializedCheckpoint Decode(string path)
    {
        var bytes = AtomicFile.Read(files, path, Array.MaxLength)!;
        if (bytes.Length < HeaderSize || !bytes.AsSpan(0, 4).SequenceEqual(Magic))
            throw new InvalidDataException($"{path} is not a checkpoint");
        var version = BinaryPrimitives.ReadInt16BigEndian(bytes.AsSpan(4));
        if (version != Version)
            throw new InvalidDataException($"{path} has version {version}; this release knows {Version}: a newer release wrote it");
        if (BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(6)) != Crc32C.Compute(bytes.AsSpan(CheckedFrom)))
            throw new InvalidDataException($"{path} is damaged: its checksum does not match");
        var manifestLength = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(30));
        if (manifestLength < 0 || manifestLength > bytes.Length - HeaderSize)
            throw new InvalidDataException($"{path} is too short for its manifest");
        return new SerializedCheckpoint(
            BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(10)),
            new DateTime(BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(18)), DateTimeKind.Utc),
            BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(26)),
            Encoding.UTF8.GetString(bytes, HeaderSize, manifestLength),
            bytes.AsMemory(HeaderSize + manifestLength));
    }

    private static byte[] Encode(SerializedCheckpoint checkpoint)
    {
        var manifest = Encoding.UTF8.GetBytes(checkpoint.Manifest);
        var bytes = new byte[HeaderSize + manifest.Length + checkpoint.Body.Length];
        Magic.CopyTo(bytes, 0);
        BinaryPrimitives.WriteInt16BigEndian(bytes.AsSpan(4), Version);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(10), checkpoint.SequenceNr);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(18), checkpoint.Timestamp.Ticks);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(26), checkpoint.SerializerId);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(30), manifest.Length);
        manifest.CopyTo(bytes, HeaderSize);
        checkpoint.Body.CopyTo(bytes.AsMemory(HeaderSize + manifest.Length));
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(6), Crc32C.Compute(bytes.AsSpan(CheckedFrom)));
        return bytes;
    }

    private string PathOf(long sequenceNr, string extension) =>
        Path.Combine(directory, sequenceNr.ToString("D20", CultureInfo.InvariantCulture) + extension);
}
