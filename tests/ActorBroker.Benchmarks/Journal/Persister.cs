using System.Collections.Immutable;
using Akka.Persistence;
using Akka.Persistence.Journal;

namespace ActorBroker.Benchmarks;

/// <summary>Persists one event after the other, a window of them at a time.</summary>
internal sealed class Persister : ReceivePersistentActor
{
    private readonly Action<object> _onPersisted;
    private Work? _work;
    private int _sent;
    private int _stored;

    public Persister(string journal, string id, TaskCompletionSource recovered)
    {
        JournalPluginId = journal;
        SnapshotPluginId = "akka.persistence.no-snapshot-store";
        PersistenceId = id;
        _onPersisted = OnPersisted;
        Recover<RecoveryCompleted>(_ => recovered.SetResult());
        Command<Work>(work =>
        {
            _work = work;
            for (var i = 0; i < work.Window && _sent < work.Events; i++) Next(work);
        });
    }

    public override string PersistenceId { get; }

    public sealed record Work(Func<int, object> Make, int Events, int Window, TaskCompletionSource Done);

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr) => _work?.Done.TrySetException(cause);

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr) => _work?.Done.TrySetException(cause);

    private void OnPersisted(object stored)
    {
        var work = _work!;
        if (++_stored == work.Events) work.Done.SetResult();
        else if (_sent < work.Events) Next(work);
    }

    private void Next(Work work) => PersistAsync(work.Make(_sent++), _onPersisted);
}

/// <summary>What Persist costs without a journal's work: everything is answered at once, and nothing stored.</summary>
internal sealed class NoOpJournal : WriteJournalBase
{
    protected override bool Receive(object message)
    {
        switch (message)
        {
            case WriteMessages write:
                write.PersistentActor.Tell(WriteMessagesSuccessful.Instance, Self);
                foreach (var atomic in write.Messages.OfType<AtomicWrite>())
                    foreach (var stored in (IImmutableList<IPersistentRepresentation>)atomic.Payload)
                        write.PersistentActor.Tell(new WriteMessageSuccess(stored, write.ActorInstanceId), stored.Sender);
                return true;
            case ReplayMessages replay:
                replay.PersistentActor.Tell(new RecoverySuccess(0), Self);
                return true;
            default:
                return false;
        }
    }
}
