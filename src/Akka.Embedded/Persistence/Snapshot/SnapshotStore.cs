using Akka.Actor;
using Akka.Event;

namespace Akka.Persistence.Snapshot;

/// <summary>A snapshot store whose storage answers by tasks, through one circuit breaker.</summary>
public abstract class SnapshotStore : ActorBase
{
    private readonly PluginGuard _guard;
    private readonly bool _publish;
    private readonly ILoggingAdapter _log = Context.GetLogger();

    protected SnapshotStore()
    {
        var extension = Persistence.Instance.Apply(Context.System);
        _publish = extension.Settings.Internal.PublishPluginCommands;
        _guard = new PluginGuard(Context.System.Scheduler, extension.ConfigFor(Self));
    }

    protected sealed override bool Receive(object message) => ReceiveSnapshotStore(message) || ReceivePluginInternal(message);

    /// <summary>What is not part of the snapshot protocol; also told how saves and deletes ended.</summary>
    protected virtual bool ReceivePluginInternal(object message) => false;

    /// <summary>The newest snapshot that matches, or null.</summary>
    protected abstract Task<SelectedSnapshot?> LoadAsync(string persistenceId, SnapshotSelectionCriteria criteria);

    protected abstract Task SaveAsync(SnapshotMetadata metadata, object snapshot);

    protected abstract Task DeleteAsync(SnapshotMetadata metadata);

    protected abstract Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria);

    private bool ReceiveSnapshotStore(object message)
    {
        switch (message)
        {
            case LoadSnapshot load when load.Criteria.Equals(SnapshotSelectionCriteria.None):
                Sender.Tell(new LoadSnapshotResult(null, load.ToSequenceNr), Self);
                return true;
            case LoadSnapshot load:
                // Fire and forget: each of these ends in an answer, whatever happens.
                _ = Load(load, Sender, Self);
                return true;
            case SaveSnapshot save:
                _ = Save(save, Sender, Self);
                return true;
            case DeleteSnapshot delete:
                _ = Delete(delete, Sender, Self, Context.System.EventStream);
                return true;
            case DeleteSnapshots delete:
                _ = DeleteMany(delete, Sender, Self, Context.System.EventStream);
                return true;
            case SaveSnapshotFailure failure:
                Finish(message);
                _ = Clean(failure.Metadata);
                return true;
            case SaveSnapshotSuccess or DeleteSnapshotSuccess or DeleteSnapshotFailure or DeleteSnapshotsSuccess or DeleteSnapshotsFailure:
                Finish(message);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The outcome came to the store itself first, with the actor as its sender.</summary>
    private void Finish(object outcome)
    {
        try
        {
            ReceivePluginInternal(outcome);
        }
        finally
        {
            Sender.Tell(outcome, Self);
        }
    }

    private async Task Load(LoadSnapshot message, IActorRef actor, IActorRef self)
    {
        object answer;
        try
        {
            var criteria = message.Criteria.Limit(message.ToSequenceNr);
            var found = await _guard.Call((store: this, message, criteria), static s => s.store.LoadAsync(s.message.PersistenceId, s.criteria));
            answer = new LoadSnapshotResult(found, message.ToSequenceNr);
        }
        catch (Exception cause)
        {
            answer = new LoadSnapshotFailed(cause);
        }

        actor.Tell(answer, self);
    }

    private async Task Save(SaveSnapshot message, IActorRef actor, IActorRef self)
    {
        var metadata = message.Metadata;
        var cause = await Try(() => SaveAsync(metadata, message.Snapshot));
        self.Tell(cause is null ? new SaveSnapshotSuccess(metadata) : new SaveSnapshotFailure(metadata, cause), actor);
    }

    private async Task Delete(DeleteSnapshot message, IActorRef actor, IActorRef self, EventStream eventStream)
    {
        var cause = await Try(() => DeleteAsync(message.Metadata));
        self.Tell(cause is null ? new DeleteSnapshotSuccess(message.Metadata) : new DeleteSnapshotFailure(message.Metadata, cause), actor);
        if (_publish) eventStream.Publish(message);
    }

    private async Task DeleteMany(DeleteSnapshots message, IActorRef actor, IActorRef self, EventStream eventStream)
    {
        var cause = await Try(() => DeleteAsync(message.PersistenceId, message.Criteria));
        self.Tell(cause is null ? new DeleteSnapshotsSuccess(message.Criteria) : new DeleteSnapshotsFailure(message.Criteria, cause), actor);
        if (_publish) eventStream.Publish(message);
    }

    /// <summary>What a failed save left behind must not be found later.</summary>
    private async Task Clean(SnapshotMetadata metadata)
    {
        if (await Try(() => DeleteAsync(metadata)) is { } cause)
            _log.Error(cause, "Failed to remove snapshot [{0}], which could not be saved.", metadata);
    }

    private async Task<Exception?> Try(Func<Task> call)
    {
        try
        {
            await _guard.Call(call, static async c =>
            {
                await c();
                return true;
            });
            return null;
        }
        catch (Exception cause)
        {
            return cause;
        }
    }
}
