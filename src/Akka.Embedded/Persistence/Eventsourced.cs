using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Akka.Persistence;

/// <summary>
/// The base of all persistent actors. This part holds what an actor calls; Eventsourced.Phases.cs holds what happens to
/// it. In short: permit, snapshot, replay, then commands; while events of <see cref="Persist{TEvent}"/> are under way,
/// commands wait in an internal stash; handlers run in the order of the calls, each once its event is stored.
/// </summary>
public abstract partial class Eventsourced : ActorBase, IPersistentIdentity, IWithUnboundedStash, IPersistenceRecovery, ISnapshotter
{
    /// <summary>Answers of plugins to an earlier incarnation must not reach a later one through its mailbox.</summary>
    public static readonly Func<Envelope, bool> UnstashFilterPredicate =
        envelope => envelope.Message is not (WriteMessageSuccess or ReplayedMessage);

    private static int lastInstanceId;

    // Tells answers to this incarnation from answers to one before a restart.
    private readonly int _instanceId = Interlocked.Increment(ref lastInstanceId);
    private readonly string _writerGuid = Guid.NewGuid().ToString();
    private readonly IStash _internalStash;
    private readonly Queue<PendingHandler> _pendingHandlers = new();
    private List<IPersistentEnvelope> _batch = [];
    private bool _writeInProgress;
    private int _pendingStashing; // handlers in _pendingHandlers that keep commands waiting
    private long _proposedSequenceNr;
    private IActorRef? _journal;
    private IActorRef? _snapshotStore;
    private IStash? _userStash;

    protected Eventsourced()
    {
        Extension = Persistence.Instance.Apply(Context.System);
        _internalStash = Context.CreateStash(GetType());
        _recoveryBehavior = OnRecoveryMessage;
        Log = Context.GetLogger();
    }

    public abstract string PersistenceId { get; }

    public virtual Recovery Recovery => Recovery.Default;

    /// <summary>Path of the journal's configuration; null or empty means the default journal.</summary>
    public string? JournalPluginId { get; protected set; }

    /// <summary>Path of the snapshot store's configuration; null or empty means the default store.</summary>
    public string? SnapshotPluginId { get; protected set; }

    public IActorRef Journal => _journal ??= Extension.JournalFor(JournalPluginId);

    public IActorRef SnapshotStore => _snapshotStore ??= Extension.SnapshotStoreFor(SnapshotPluginId);

    public string SnapshotterId => PersistenceId;

    /// <summary>The highest number that the journal gave to an event of this actor, as far as the actor has been told.</summary>
    public long LastSequenceNr { get; private set; }

    public long SnapshotSequenceNr => LastSequenceNr;

    /// <summary>True up to, and not including, the handling of <see cref="RecoveryCompleted"/>.</summary>
    public bool IsRecovering => !_recovered;

    public bool IsRecoveryFinished => _recovered;

    /// <summary>The actor's own stash. What it unstashes goes before what waits internally.</summary>
    public IStash Stash
    {
        get => _userStash!;
        set => _userStash = new UserStash(value, _internalStash);
    }

    protected PersistenceExtension Extension { get; }

    protected virtual ILoggingAdapter Log { get; }

    /// <summary>Stores the event, then calls the handler. Commands wait until then.</summary>
    /// <exception cref="InvalidOperationException">The actor is recovering.</exception>
    public void Persist<TEvent>(TEvent @event, Action<TEvent> handler) => PersistOne(@event, handler, stashing: true);

    /// <summary>Stores the event, then calls the handler. Commands go on meanwhile.</summary>
    /// <exception cref="InvalidOperationException">The actor is recovering.</exception>
    public void PersistAsync<TEvent>(TEvent @event, Action<TEvent> handler) => PersistOne(@event, handler, stashing: false);

    /// <summary>Stores all events or none, then calls the handler for each. Commands wait until then.</summary>
    /// <exception cref="InvalidOperationException">The actor is recovering.</exception>
    public void PersistAll<TEvent>(IEnumerable<TEvent> events, Action<TEvent> handler) => PersistMany(events, handler, stashing: true);

    /// <summary>Stores all events or none, then calls the handler for each. Commands go on meanwhile.</summary>
    /// <exception cref="InvalidOperationException">The actor is recovering.</exception>
    public void PersistAllAsync<TEvent>(IEnumerable<TEvent> events, Action<TEvent> handler) => PersistMany(events, handler, stashing: false);

    /// <summary>Calls the handler once all handlers before it have run; at once if none waits. Stores nothing.</summary>
    /// <exception cref="InvalidOperationException">The actor is recovering.</exception>
    public void DeferAsync<TEvent>(TEvent evt, Action<TEvent> handler)
    {
        RefuseWhileRecovering();
        if (_pendingHandlers.Count == 0)
        {
            handler(evt);
            return;
        }

        _pendingHandlers.Enqueue(new PendingHandler<TEvent>(handler, stashing: false));
        _batch.Add(new NonPersistentMessage(evt!, Sender));
    }

    /// <summary>
    /// Deletes events up to and including a number (<see cref="long.MaxValue"/>: all so far). Answered by
    /// <see cref="DeleteMessagesSuccess"/> or <see cref="DeleteMessagesFailure"/>.
    /// </summary>
    public void DeleteMessages(long toSequenceNr)
    {
        if (toSequenceNr == long.MaxValue) toSequenceNr = LastSequenceNr;
        if (toSequenceNr <= LastSequenceNr)
        {
            Journal.Tell(new DeleteMessagesTo(PersistenceId, toSequenceNr, Self), Self);
            return;
        }

        var cause = new InvalidOperationException($"Can't delete to sequence number [{toSequenceNr}]: the last one is [{LastSequenceNr}].");
        Self.Tell(new DeleteMessagesFailure(cause, toSequenceNr), Self);
    }

    public void LoadSnapshot(string persistenceId, SnapshotSelectionCriteria criteria, long toSequenceNr) =>
        SnapshotStore.Tell(new LoadSnapshot(persistenceId, criteria, toSequenceNr), Self);

    /// <summary>Answered by <see cref="SaveSnapshotSuccess"/> or <see cref="SaveSnapshotFailure"/>.</summary>
    public void SaveSnapshot(object snapshot)
    {
        var metadata = new SnapshotMetadata(SnapshotterId, SnapshotSequenceNr, Context.System.Scheduler.Now.UtcDateTime);
        SnapshotStore.Tell(new SaveSnapshot(metadata, snapshot), Self);
    }

    public void DeleteSnapshot(long sequenceNr)
    {
        var anyTime = DateTime.SpecifyKind(DateTime.MinValue, DateTimeKind.Utc);
        SnapshotStore.Tell(new DeleteSnapshot(new SnapshotMetadata(SnapshotterId, sequenceNr, anyTime)), Self);
    }

    public void DeleteSnapshots(SnapshotSelectionCriteria criteria) =>
        SnapshotStore.Tell(new DeleteSnapshots(SnapshotterId, criteria), Self);

    protected abstract bool ReceiveRecover(object message);

    protected abstract bool ReceiveCommand(object message);

    /// <summary>All events have been replayed; <see cref="RecoveryCompleted"/> follows.</summary>
    protected virtual void OnReplaySuccess()
    {
    }

    /// <summary>The actor stops after this call. <paramref name="message"/> is the event being replayed, if any.</summary>
    protected virtual void OnRecoveryFailure(Exception reason, object? message = null)
    {
        if (message is null)
            Log.Error(reason, "Recovery of [{0}] failed; last known sequence number [{1}].", PersistenceId, LastSequenceNr);
        else
            Log.Error(reason, "Recovery of [{0}] failed in the handler of [{1}] with sequence number [{2}].", PersistenceId, message.GetType(), LastSequenceNr);
    }

    /// <summary>The actor stops after this call. The event may or may not be stored.</summary>
    protected virtual void OnPersistFailure(Exception cause, object @event, long sequenceNr) =>
        Log.Error(cause, "Failed to persist [{0}] with sequence number [{1}] for [{2}].", @event.GetType(), sequenceNr, PersistenceId);

    /// <summary>The event is not stored, its handler does not run, and the actor goes on.</summary>
    protected virtual void OnPersistRejected(Exception cause, object @event, long sequenceNr) =>
        Log.Error(cause, "The journal rejected [{0}] with sequence number [{1}] for [{2}].", @event.GetType(), sequenceNr, PersistenceId);

    private void PersistOne<TEvent>(TEvent @event, Action<TEvent> handler, bool stashing)
    {
        RefuseWhileRecovering();
        Expect(handler, stashing);
        _batch.Add(new AtomicWrite(Represent(@event!)));
    }

    private void PersistMany<TEvent>(IEnumerable<TEvent> events, Action<TEvent> handler, bool stashing)
    {
        RefuseWhileRecovering();
        if (events is null) return;
        var representations = ImmutableArray.CreateBuilder<IPersistentRepresentation>();
        foreach (var @event in events)
            representations.Add(Represent(@event!));
        if (representations.Count == 0) return;
        for (var i = 0; i < representations.Count; i++)
            Expect(handler, stashing);
        _batch.Add(new AtomicWrite(representations.ToImmutable()));
    }

    private void Expect<TEvent>(Action<TEvent> handler, bool stashing)
    {
        _pendingHandlers.Enqueue(new PendingHandler<TEvent>(handler, stashing));
        if (stashing) _pendingStashing++;
    }

    private Persistent Represent(object @event) =>
        new(@event, ++_proposedSequenceNr, PersistenceId, sender: Sender, writerGuid: _writerGuid);

    private void RefuseWhileRecovering()
    {
        if (IsRecovering)
            throw new InvalidOperationException("Cannot persist during replay. Events can be persisted when receiving RecoveryCompleted or later.");
    }

    private abstract class PendingHandler(bool stashing)
    {
        public bool Stashing { get; } = stashing;

        public abstract void Run(object @event);
    }

    private sealed class PendingHandler<TEvent>(Action<TEvent> handler, bool stashing) : PendingHandler(stashing)
    {
        public override void Run(object @event) => handler((TEvent)@event);
    }

    /// <summary>
    /// Commands reach the mailbox from the internal stash one by one. So what the actor unstashes all at once goes to
    /// the front of the internal stash, not into the mailbox.
    /// </summary>
    private sealed class UserStash(IStash user, IStash internalStash) : IStash
    {
        public int Count => user.Count;
        public bool IsEmpty => user.IsEmpty;
        public bool NonEmpty => user.NonEmpty;
        public bool IsFull => user.IsFull;
        public int Capacity => user.Capacity;

        public void Stash() => user.Stash();

        public void Unstash() => user.Unstash();

        public void UnstashAll() => internalStash.Prepend(user.ClearStash());

        public void UnstashAll(Func<Envelope, bool> predicate) => user.UnstashAll(predicate);

        public IEnumerable<Envelope> ClearStash() => user.ClearStash();

        public void Prepend(IEnumerable<Envelope> envelopes) => user.Prepend(envelopes);
    }
}
