using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Pattern;

namespace Akka.Persistence.Journal;

public enum ReplayFilterMode
{
    Fail,
    Warn,
    RepairByDiscardOld,
    Disabled,
}

internal sealed record ReplayFilterSettings(ReplayFilterMode Mode, int WindowSize, int MaxOldWriters, bool Debug)
{
    /// <summary>Null where the filter is off.</summary>
    /// <exception cref="ConfigurationException">An unknown mode or a size below 1.</exception>
    public static ReplayFilterSettings? From(Config config)
    {
        var text = config.GetString("replay-filter.mode", "");
        var mode = text.ToLowerInvariant() switch
        {
            "off" or "false" => ReplayFilterMode.Disabled, // HOCON may read a bare off as a boolean
            "repair-by-discard-old" => ReplayFilterMode.RepairByDiscardOld,
            "fail" => ReplayFilterMode.Fail,
            "warn" => ReplayFilterMode.Warn,
            _ => throw new ConfigurationException($"Invalid replay-filter.mode [{text}], supported values [off, repair-by-discard-old, fail, warn]"),
        };
        if (mode == ReplayFilterMode.Disabled) return null;
        var windowSize = config.GetInt("replay-filter.window-size", 0);
        var maxOldWriters = config.GetInt("replay-filter.max-old-writers", 0);
        if (windowSize < 1 || maxOldWriters < 1)
            throw new ConfigurationException($"replay-filter.window-size [{windowSize}] and max-old-writers [{maxOldWriters}] must be at least 1");
        return new ReplayFilterSettings(mode, windowSize, maxOldWriters, config.GetBoolean("replay-filter.debug", false));
    }
}

/// <summary>
/// Stands between a journal and a recovering actor and finds what two writers of the same persistence id left behind:
/// once a new writer has begun, what an old one stored later, or under the same or a higher number, is invalid. It
/// looks at a window of events before it hands them on.
/// </summary>
internal sealed class ReplayFilter(IActorRef persistentActor, ReplayFilterSettings settings) : ActorBase
{
    private readonly LinkedList<ReplayedMessage> _window = new();
    private readonly Queue<string> _oldWriters = new();
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private string _writer = string.Empty;
    private long _sequenceNr = -1;
    private bool _failed;

    public static Props Props(IActorRef persistentActor, ReplayFilterSettings settings) =>
        Actor.Props.Create(() => new ReplayFilter(persistentActor, settings));

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case ReplayedMessage replayed:
                if (!_failed) OnReplayed(replayed);
                return true;
            case RecoverySuccess or ReplayMessagesFailure:
                if (!_failed)
                {
                    foreach (var waiting in _window)
                        persistentActor.Tell(waiting, ActorRefs.NoSender);
                    persistentActor.Tell(message, ActorRefs.NoSender);
                }

                Context.Stop(Self);
                return true;
            default:
                return false;
        }
    }

    private void OnReplayed(ReplayedMessage replayed)
    {
        if (settings.Debug) _log.Debug("Replay: {0}", replayed.Persistent);
        if (_window.Count == settings.WindowSize)
        {
            persistentActor.Tell(_window.First!.Value, ActorRefs.NoSender);
            _window.RemoveFirst();
        }

        var e = replayed.Persistent;
        if (e.WriterGuid == _writer)
        {
            // Equal numbers are fine: an adapter may have made several events of one.
            if (e.SequenceNr < _sequenceNr && !Keep(e, "it follows a higher number of the same writer")) return;
            _sequenceNr = Math.Max(_sequenceNr, e.SequenceNr);
        }
        else if (_oldWriters.Contains(e.WriterGuid))
        {
            if (!Keep(e, "its writer had been replaced by a newer one")) return;
        }
        else
        {
            BeginWriter(e);
            if (_failed) return;
        }

        _window.AddLast(replayed);
    }

    private void BeginWriter(IPersistentRepresentation first)
    {
        if (_writer.Length > 0) _oldWriters.Enqueue(_writer);
        if (_oldWriters.Count > settings.MaxOldWriters) _oldWriters.Dequeue();
        _writer = first.WriterGuid;
        _sequenceNr = first.SequenceNr;
        for (var node = _window.First; node is not null && !_failed;)
        {
            var next = node.Next;
            var e = node.Value.Persistent;
            if (e.SequenceNr >= first.SequenceNr && !Keep(e, "a newer writer wrote the same or a lower number after it"))
                _window.Remove(node);
            node = next;
        }
    }

    /// <summary>Reports an invalid event; true if it is to be handed on all the same.</summary>
    private bool Keep(IPersistentRepresentation e, string reason)
    {
        var issue = $"Invalid replayed event [sequenceNr={e.SequenceNr}, writer={e.WriterGuid}, persistenceId={e.PersistenceId}]: {reason}. "
            + "Two writers of one persistence id may have been active.";
        if (settings.Mode != ReplayFilterMode.Fail)
        {
            _log.Warning(issue);
            return settings.Mode == ReplayFilterMode.Warn;
        }

        _log.Error(issue);
        _failed = true;
        _window.Clear();
        persistentActor.Tell(new ReplayMessagesFailure(new IllegalStateException(issue)), ActorRefs.NoSender);
        return false;
    }
}
