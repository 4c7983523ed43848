using ActorBroker.Log;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;

namespace ActorBroker.Journal;

/// <summary>
/// Loads, saves and deletes snapshots. Kept are the newest few and always the newest at or below the high watermark: a
/// log may be cut back to there. A snapshot of events that the log no longer holds is not loaded.
/// </summary>
internal sealed class CheckpointWorker(int keep) : UntypedActor
{
    private readonly JournalLogs _logs = JournalLogs.For(Context.System);
    private readonly Akka.Serialization.Serialization _serialization = Context.System.Serialization;
    private readonly ILoggingAdapter _warn = Context.GetLogger();

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case LoadSnapshot load:
                Sender.Tell(Answer(() => Load(load), cause => new LoadSnapshotFailed(cause)), Self);
                break;
            case SaveSnapshot save:
                Sender.Tell(Answer(() => Save(save), cause => new SaveSnapshotFailure(save.Metadata, cause)), Self);
                break;
            case DeleteSnapshot delete:
                Sender.Tell(Answer(() => Delete(delete), cause => new DeleteSnapshotFailure(delete.Metadata, cause)), Self);
                break;
            case DeleteSnapshots delete:
                Sender.Tell(Answer(() => Delete(delete), cause => new DeleteSnapshotsFailure(delete.Criteria, cause)), Self);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private static object Answer(Func<object> call, Func<Exception, object> failed)
    {
        try
        {
            return call();
        }
        catch (Exception cause)
        {
            return failed(cause);
        }
    }

    private object Load(LoadSnapshot message)
    {
        var criteria = message.Criteria;
        if (criteria.Equals(SnapshotSelectionCriteria.None)) return new LoadSnapshotResult(null!, message.ToSequenceNr);
        var id = message.PersistenceId;
        var files = FilesOf(id);
        var log = LogOf(id);
        InvalidDataException? damage = null;
        foreach (var number in files.List())
        {
            if (number > Math.Min(criteria.MaxSequenceNr, message.ToSequenceNr) || number < criteria.MinSequenceNr) continue;
            if (log is not null && number > log.Log.LogEndOffset.Value)
            {
                _warn.Warning("Snapshot {0} of [{1}] is left aside: the log ends at {2}.", number, id, log.Log.LogEndOffset);
                continue;
            }

            try
            {
                var checkpoint = files.Read(number);
                if (!InTime(criteria, checkpoint.Timestamp)) continue;
                var snapshot = checkpoint is SerializedCheckpoint serialized
                    ? _serialization.Deserialize(serialized.Body.ToArray(), serialized.SerializerId, serialized.Manifest)
                    : new PartitionSnapshot(((ProducerCheckpoint)checkpoint).Producers);
                return new LoadSnapshotResult(new SelectedSnapshot(new SnapshotMetadata(id, number, checkpoint.Timestamp), snapshot), message.ToSequenceNr);
            }
            catch (InvalidDataException fault)
            {
                damage = fault;
                _warn.Warning("Snapshot {0} of [{1}] can't be used, an older one is tried: {2}.", number, id, fault.Message);
            }
        }

        if (damage is not null && !CanDoWithout(log)) throw damage;
        return new LoadSnapshotResult(null!, message.ToSequenceNr);
    }

    /// <summary>A topic's log rebuilds its snapshots; other events must all be there to make up for one.</summary>
    private static bool CanDoWithout(JournalLog? log) =>
        log is not null && (log.Content == JournalLogContent.RecordBatches || log.Log.LogStartOffset == Offset.Zero);

    private object Save(SaveSnapshot message)
    {
        var (metadata, snapshot) = (message.Metadata, message.Snapshot);
        var files = FilesOf(metadata.PersistenceId);
        files.Write(snapshot is PartitionSnapshot partition
            ? new ProducerCheckpoint(metadata.SequenceNr, metadata.Timestamp, partition.Producers)
            : Serialize(metadata, snapshot));
        try
        {
            var numbers = files.List();
            files.Delete(Deletable(metadata.PersistenceId, numbers, numbers.Skip(keep)));
        }
        catch (IOException cause)
        {
            // The next save tries again.
            _warn.Warning("Old snapshots of [{0}] could not be deleted: {1}", metadata.PersistenceId, cause.Message);
        }

        return new SaveSnapshotSuccess(metadata);
    }

    private SerializedCheckpoint Serialize(SnapshotMetadata metadata, object snapshot)
    {
        var serializer = _serialization.FindSerializerFor(snapshot);
        var manifest = Akka.Serialization.Serialization.ManifestFor(serializer, snapshot);
        return new SerializedCheckpoint(metadata.SequenceNr, metadata.Timestamp, serializer.Identifier, manifest, serializer.ToBinary(snapshot));
    }

    private object Delete(DeleteSnapshot message)
    {
        var (id, number) = (message.Metadata.PersistenceId, message.Metadata.SequenceNr);
        var files = FilesOf(id);
        var numbers = files.List();
        var wanted = numbers.Where(n => n == number
            && (message.Metadata.Timestamp == DateTime.MinValue || TryTime(files, n) is not { } time || time == message.Metadata.Timestamp));
        files.Delete(Deletable(id, numbers, wanted));
        return new DeleteSnapshotSuccess(message.Metadata);
    }

    private object Delete(DeleteSnapshots message)
    {
        var criteria = message.Criteria;
        var files = FilesOf(message.PersistenceId);
        var numbers = files.List();
        var wanted = numbers.Where(n => n <= criteria.MaxSequenceNr && n >= criteria.MinSequenceNr
            && (TryTime(files, n) is not { } time || InTime(criteria, time)));
        files.Delete(Deletable(message.PersistenceId, numbers, wanted));
        return new DeleteSnapshotsSuccess(criteria);
    }

    /// <summary>Leaves out the newest at or below the high watermark, where the log has one.</summary>
    private List<long> Deletable(string persistenceId, List<long> newestFirst, IEnumerable<long> wanted)
    {
        var kept = -1L;
        if (_logs.Find(persistenceId) is { HasHighWatermark: true } log)
        {
            var highWatermark = log.HighWatermark.Value;
            var index = newestFirst.FindIndex(number => number <= highWatermark);
            if (index >= 0) kept = newestFirst[index];
        }

        return wanted.Where(number => number != kept).ToList();
    }

    /// <summary>Null for a damaged file, which no criterion of time saves.</summary>
    private static DateTime? TryTime(CheckpointFiles files, long number)
    {
        try
        {
            return files.Read(number).Timestamp;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static bool InTime(SnapshotSelectionCriteria criteria, DateTime time) =>
        time <= criteria.MaxTimeStamp && (criteria.MinTimestamp is not { } min || time >= min);

    private CheckpointFiles FilesOf(string persistenceId) => new(_logs.Storage.Files, _logs.DirectoryOf(persistenceId));

    /// <summary>The id's commit log, if its events are in one: this store also goes with other journals.</summary>
    private JournalLog? LogOf(string persistenceId) => _logs.Exists(persistenceId) ? _logs.Open(persistenceId) : null;
}
