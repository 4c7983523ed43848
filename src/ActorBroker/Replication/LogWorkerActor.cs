using ActorBroker.Log;
using Akka.Actor;
using Akka.Event;
using static ActorBroker.Replication.LogWorkerProtocol;

namespace ActorBroker.Replication;

/// <summary>
/// Opens, closes, deletes and checkpoints logs, on threads that may wait for the disk. A partition's work always goes to
/// the same worker, so it keeps its order.
/// </summary>
internal sealed class LogWorkerActor : ReceiveActor
{
    public const string Dispatcher = "actorbroker.io-dispatcher";

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly LogDirectory _directory;
    private readonly Func<Guid> _newId;

    public LogWorkerActor(LogDirectory directory, Func<Guid> newId)
    {
        _directory = directory;
        _newId = newId;
        Receive<Open>(OnOpen);
        Receive<Close>(OnClose);
        Receive<Checkpoint>(OnCheckpoint);
        Receive<CloseDirectory>(OnCloseDirectory);
        Receive<ReportStrays>(OnReportStrays);
    }

    public static Props Props(LogDirectory directory, Func<Guid> newId) =>
        Akka.Actor.Props.Create(() => new LogWorkerActor(directory, newId)).WithDispatcher(Dispatcher);

    private void OnOpen(Open open)
    {
        try
        {
            var log = OpenFor(open.Key, open.Options);
            Report(log);
            Sender.Tell(new Opened(open.Key, log, _directory.HighWatermark(open.Key.Partition)));
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            Sender.Tell(new OpenFailed(open.Key, cause));
        }
    }

    private PartitionLog OpenFor(ReplicaKey key, LogOptions options)
    {
        var log = _directory.OpenLog(key.Partition, options);
        if (log.TopicId is { } owner && owner != key.Topic)
        {
            // The name belongs to another topic now, so the metadata has seen the deletion of this one.
            _log.Warning("{0} holds records of deleted topic {1}; deleting them for topic {2}", log.Directory, owner, key.Topic);
            _directory.DeleteLog(key.Partition, _newId());
            log = _directory.OpenLog(key.Partition, options);
        }

        log.SetTopicId(key.Topic);
        return log;
    }

    private void OnClose(Close close)
    {
        Exception? fault = null;
        try
        {
            if (close.Mode == CloseMode.Delete) _directory.DeleteLog(close.Key.Partition, _newId());
            else if (close.Mode == CloseMode.Abandon) _directory.AbandonLog(close.Key.Partition);
            else _directory.CloseLog(close.Key.Partition);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            fault = cause;
        }

        Sender.Tell(new Closed(close.Key, fault));
    }

    private void OnCheckpoint(Checkpoint checkpoint)
    {
        try
        {
            if (checkpoint.HighWatermarks is { } highWatermarks) _directory.WriteHighWatermarks(highWatermarks);
            else _directory.WriteCheckpoints();
        }
        catch (IOException cause)
        {
            // The old checkpoint stands: the next start checks more than it would have to, and loses nothing.
            _log.Warning("A checkpoint of {0} could not be written: {1}", _directory.DirectoryPath, cause.Message);
        }
    }

    private void OnCloseDirectory(CloseDirectory close)
    {
        var isClean = close.IsClean;
        try
        {
            _directory.WriteHighWatermarks(close.HighWatermarks);
            if (isClean) _directory.CloseCleanly();
        }
        catch (IOException cause)
        {
            _log.Error(cause, "{0} could not be closed cleanly; its logs are checked at the next start", _directory.DirectoryPath);
            isClean = false;
        }

        if (!isClean) _directory.Dispose();
        Sender.Tell(new ReplicaManagerProtocol.ShutdownCompleted(isClean));
    }

    /// <summary>Kept, not deleted: metadata that is missing by mistake must not cost the records too.</summary>
    private void OnReportStrays(ReportStrays report)
    {
        foreach (var partition in _directory.ListPartitions())
            if (!report.Known.Contains(partition))
                _log.Warning("{0} in {1} belongs to no topic of this broker; it is left alone", partition, _directory.DirectoryPath);
    }

    private void Report(PartitionLog log)
    {
        var found = log.Recovery;
        if (!found.IsRemarkable) return;
        var cut = found.FirstBadOffset is { } bad
            ? $"{found.BytesCut} bytes cut from offset {bad} on ({found.FirstBadFile}, byte {found.FirstBadPosition}: {found.Fault})"
            : "nothing cut";
        var lost = found.LostFlushedRecords ? " Records that had been flushed are gone: the disk or the folder is damaged." : "";
        _log.Warning(
            "{0} was repaired: {1}, {2} indexes rebuilt, next offset {3}.{4}",
            log.Partition, cut, found.IndexesRebuilt, log.LogEndOffset, lost + string.Concat(found.Notes.Select(note => " " + note)));
    }
}
