using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace Akka.Persistence.Snapshot;

/// <summary>
/// One file for each snapshot, <c>snapshot-ID-NUMBER-TICKS</c> with the id escaped:
/// <code>
/// 0   4  "AESN"
/// 4   2  version, 1 (big-endian, as all numbers here)
/// 6   4  CRC-32C of what follows
/// 10  4  serializer id
/// 14  4  length of the manifest, then the manifest in UTF-8
///        the snapshot as its serializer wrote it, to the end
/// </code>
/// A file appears whole or not at all: it is written under another name, synced and renamed.
/// </summary>
public class LocalSnapshotStore : SnapshotStore
{
    private const int HeaderSize = 18;
    private static readonly byte[] Magic = "AESN"u8.ToArray();

    private readonly DirectoryInfo _directory;
    private readonly int _maxLoadAttempts;
    private readonly MessageDispatcher _dispatcher;
    private readonly Akka.Serialization.Serialization _serialization;
    private readonly ILoggingAdapter _log = Context.GetLogger();

    public LocalSnapshotStore()
    {
        var config = Persistence.Instance.Apply(Context.System).ConfigFor(Self);
        _directory = new DirectoryInfo(config.GetString("dir", "snapshots"));
        _maxLoadAttempts = config.GetInt("max-load-attempts", 3);
        _dispatcher = Context.System.Dispatchers.Lookup(config.GetString("stream-dispatcher", null));
        _serialization = Context.System.Serialization;
    }

    protected override void PreStart()
    {
        _directory.Create();
        base.PreStart();
    }

    protected override Task<SelectedSnapshot?> LoadAsync(string persistenceId, SnapshotSelectionCriteria criteria) => OnDispatcher<SelectedSnapshot?>(() =>
    {
        var candidates = Find(persistenceId, criteria);
        Exception? lastFailure = null;
        for (var attempt = 0; attempt < Math.Min(_maxLoadAttempts, candidates.Count); attempt++)
        {
            var metadata = candidates[attempt];
            try
            {
                return new SelectedSnapshot(metadata, Decode(File.ReadAllBytes(FileOf(metadata))));
            }
            catch (Exception cause)
            {
                lastFailure = cause;
                _log.Error(cause, "Can't load snapshot [{0}]; {1} older remain.", metadata, candidates.Count - attempt - 1);
            }
        }

        return lastFailure is null ? null : throw lastFailure;
    });

    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot) => OnDispatcher(() =>
    {
        var file = FileOf(metadata);
        var temporary = file + ".tmp";
        using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            stream.Write(Encode(snapshot));
            stream.Flush(flushToDisk: true);
        }

        File.Move(temporary, file, overwrite: true);
        return true;
    });

    protected override Task DeleteAsync(SnapshotMetadata metadata) => OnDispatcher(() =>
    {
        foreach (var found in Find(metadata.PersistenceId, SnapshotSelectionCriteria.Latest))
        {
            if (found.SequenceNr == metadata.SequenceNr && (metadata.Timestamp == DateTime.MinValue || found.Timestamp == metadata.Timestamp))
                File.Delete(FileOf(found));
        }

        return true;
    });

    protected override Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria) => OnDispatcher(() =>
    {
        foreach (var found in Find(persistenceId, criteria))
            File.Delete(FileOf(found));
        return true;
    });

    private Task<T> OnDispatcher<T>(Func<T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _dispatcher.Schedule(() =>
        {
            try
            {
                done.SetResult(work());
            }
            catch (Exception cause)
            {
                done.SetException(cause);
            }
        });
        return done.Task;
    }

    /// <summary>Newest first.</summary>
    private List<SnapshotMetadata> Find(string persistenceId, SnapshotSelectionCriteria criteria)
    {
        var prefix = "snapshot-" + Uri.EscapeDataString(persistenceId) + "-";
        var found = new List<SnapshotMetadata>();
        foreach (var path in Directory.EnumerateFiles(_directory.FullName, prefix + "*"))
        {
            // An id that has this one as its beginning leaves more than two numbers here.
            var numbers = Path.GetFileName(path)[prefix.Length..].Split('-');
            if (numbers.Length != 2
                || !long.TryParse(numbers[0], CultureInfo.InvariantCulture, out var sequenceNr)
                || !long.TryParse(numbers[1], CultureInfo.InvariantCulture, out var ticks))
                continue;
            var metadata = new SnapshotMetadata(persistenceId, sequenceNr, new DateTime(ticks, DateTimeKind.Utc));
            if (criteria.IsMatch(metadata)) found.Add(metadata);
        }

        found.Sort((x, y) => SnapshotMetadata.Comparer.Compare(y, x));
        return found;
    }

    private string FileOf(SnapshotMetadata metadata) => Path.Combine(
        _directory.FullName,
        string.Create(CultureInfo.InvariantCulture, $"snapshot-{Uri.EscapeDataString(metadata.PersistenceId)}-{metadata.SequenceNr}-{metadata.Timestamp.Ticks}"));

    private byte[] Encode(object snapshot)
    {
        var serializer = _serialization.FindSerializerFor(snapshot);
        var manifest = Encoding.UTF8.GetBytes(Akka.Serialization.Serialization.ManifestFor(serializer, snapshot));
        var body = serializer.ToBinary(snapshot);
        var bytes = new byte[HeaderSize + manifest.Length + body.Length];
        Magic.CopyTo(bytes, 0);
        BinaryPrimitives.WriteInt16BigEndian(bytes.AsSpan(4), 1);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(10), serializer.Identifier);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(14), manifest.Length);
        manifest.CopyTo(bytes, HeaderSize);
        body.CopyTo(bytes, HeaderSize + manifest.Length);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(6), Checksum.Of(bytes.AsSpan(10)));
        return bytes;
    }

    private object Decode(byte[] bytes)
    {
        if (bytes.Length < HeaderSize || !bytes.AsSpan(0, 4).SequenceEqual(Magic))
            throw new InvalidDataException("Not a snapshot file.");
        var version = BinaryPrimitives.ReadInt16BigEndian(bytes.AsSpan(4));
        if (version != 1)
            throw new InvalidDataException($"Snapshot file version [{version}] is newer than this program knows (1).");
        if (BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(6)) != Checksum.Of(bytes.AsSpan(10)))
            throw new InvalidDataException("The checksum of the snapshot file does not match.");
        var serializerId = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(10));
        var manifestLength = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(14));
        if (manifestLength < 0 || manifestLength > bytes.Length - HeaderSize)
            throw new InvalidDataException("The snapshot file is too short for its manifest.");
        var manifest = Encoding.UTF8.GetString(bytes, HeaderSize, manifestLength);
        return _serialization.Deserialize(bytes[(HeaderSize + manifestLength)..], serializerId, manifest);
    }
}
