using System.Collections.Concurrent;
using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;
using Akka.Persistence.Journal;

namespace Akka.Conformance.Tests.Persistence;

/// <summary>A system with the in-memory plugins, and with the journals of this file at <c>test.journal</c> and <c>test.numbering</c>.</summary>
public abstract class PersistenceSpec : global::Akka.TestKit.Xunit2.TestKit
{
    protected const string TestJournal = "test.journal";
    protected const string NumberingJournal = "test.numbering";

    private const string Base = """
        akka.loglevel = OFF
        akka.stdout-loglevel = OFF
        akka.persistence.journal.plugin = "akka.persistence.journal.inmem"
        akka.persistence.snapshot-store.plugin = "akka.persistence.snapshot-store.inmem"
        test.journal.class = "Akka.Conformance.Tests.Persistence.ScriptedJournal, Akka.Conformance.Tests"
        test.numbering.class = "Akka.Conformance.Tests.Persistence.NumberingJournal, Akka.Conformance.Tests"
        """;

    protected PersistenceSpec(string config = "")
        : base(Base + "\n" + config)
    {
    }

    private protected JournalScript Script => JournalScript.Of(Sys);

    protected IActorRef Start(string id, Recovery? recovery = null, string? journal = null, IActorRef? probe = null)
    {
        var target = probe ?? TestActor;
        return Sys.ActorOf(Props.Create(() => new ScriptedActor(id, target, recovery, journal)));
    }

    protected void Expect(params string[] messages)
    {
        foreach (var message in messages)
            ExpectMsg(message);
    }

    /// <summary>Starts an actor on an empty journal and waits until it takes commands.</summary>
    protected IActorRef StartNew(string id, string? journal = null)
    {
        var actor = Start(id, journal: journal);
        Expect("replayed recovering=True", "recovered 0");
        return actor;
    }

    protected void StopAndWait(IActorRef actor)
    {
        Watch(actor);
        Sys.Stop(actor);
        ExpectTerminated(actor);
    }

    private protected static Do Act(Action<ScriptedActor> what) => new(what);
}

internal sealed record Do(Action<ScriptedActor> What);

/// <summary>Does what it is told (<see cref="Do"/>) and reports what happens to it as text.</summary>
internal sealed class ScriptedActor : ReceivePersistentActor
{
    private readonly Recovery? _recovery;

    public ScriptedActor(string id, IActorRef probe, Recovery? recovery, string? journal)
    {
        PersistenceId = id;
        Probe = probe;
        _recovery = recovery;
        if (journal is not null) JournalPluginId = journal;

        Recover<SnapshotOffer>(o => Report($"offer {o.Snapshot}@{o.Metadata.SequenceNr} recovering={IsRecovering}"));
        Recover<RecoveryCompleted>(_ => Report($"recovered {LastSequenceNr}"));
        Recover<string>(e =>
        {
            if (e == "poison") throw new InvalidOperationException("poisoned");
            Report($"replay {e}@{LastSequenceNr}");
        });
        Command<Do>(d => d.What(this));
        CommandAny(m => Probe.Tell(m, Self));
    }

    public override string PersistenceId { get; }

    public IActorRef Probe { get; }

    public IActorRef CurrentSender => Sender;

    public override Recovery Recovery => _recovery ?? base.Recovery;

    public void Report(string what) => Probe.Tell(what, Self);

    protected override void PreRestart(Exception reason, object message)
    {
        Report("restarting");
        base.PreRestart(reason, message);
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr) =>
        Report($"failed {@event}@{sequenceNr}: {cause.Message}");

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr) =>
        Report($"rejected {@event}@{sequenceNr}: {cause.Message}");

    protected override void OnRecoveryFailure(Exception reason, object? message = null) =>
        Report($"recovery failed {message}: {reason.GetType().Name}");

    protected override void OnReplaySuccess() => Report($"replayed recovering={IsRecovering}");
}

/// <summary>What the journal of one system does with the next calls.</summary>
internal sealed class JournalScript
{
    private static readonly ConcurrentDictionary<ActorSystem, JournalScript> All = new();

    /// <summary>Throws to fail a batch.</summary>
    public Action<IReadOnlyList<AtomicWrite>> OnWrite { get; set; } = _ => { };

    /// <summary>Why a write is rejected; null if it is not.</summary>
    public Func<AtomicWrite, Exception?> Reject { get; set; } = _ => null;

    /// <summary>Writes wait for it.</summary>
    public TaskCompletionSource? Gate { get; set; }

    public Func<Exception?> OnReplay { get; set; } = () => null;

    public bool NeverAnswerReplay { get; set; }

    public int ReplaysAsked;

    /// <summary>Every batch as it came: events of one atomic write joined by '+'.</summary>
    public ConcurrentQueue<string> Batches { get; } = new();

    public static JournalScript Of(ActorSystem system) => All.GetOrAdd(system, _ => new JournalScript());
}

/// <summary>An AsyncWriteJournal over memory that fails, rejects and waits as its <see cref="JournalScript"/> says.</summary>
public sealed class ScriptedJournal : AsyncWriteJournal
{
    private readonly ConcurrentDictionary<string, ImmutableSortedDictionary<long, IPersistentRepresentation>> _events = new();
    private readonly JournalScript _script = JournalScript.Of(Context.System);

    // Later official versions pass a token to each of these; 1.5.30 and the embedded engine do not.
#if AKKA_JOURNAL_TOKENS
    public override Task ReplayMessagesAsync(IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback) => Replay(persistenceId, fromSequenceNr, toSequenceNr, max, recoveryCallback);

    public override Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr, CancellationToken cancellationToken) =>
        ReadHighest(persistenceId);

    protected override Task<IImmutableList<Exception?>?> WriteMessagesAsync(IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken) =>
        Write(messages);

    protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr, CancellationToken cancellationToken) => Delete();
#else
    public override Task ReplayMessagesAsync(IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback) => Replay(persistenceId, fromSequenceNr, toSequenceNr, max, recoveryCallback);

    public override Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr) => ReadHighest(persistenceId);

    protected override Task<IImmutableList<Exception?>?> WriteMessagesAsync(IEnumerable<AtomicWrite> messages) => Write(messages);

    protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr) => Delete();
#endif

    private Task Replay(string persistenceId, long fromSequenceNr, long toSequenceNr, long max, Action<IPersistentRepresentation> recoveryCallback)
    {
        Interlocked.Increment(ref _script.ReplaysAsked);
        if (_script.NeverAnswerReplay) return new TaskCompletionSource().Task;
        if (_script.OnReplay() is { } cause) return Task.FromException(cause);
        foreach (var (number, e) in Of(persistenceId))
        {
            if (number >= fromSequenceNr && number <= toSequenceNr && max-- > 0) recoveryCallback(e);
        }

        return Task.CompletedTask;
    }

    private Task<long> ReadHighest(string persistenceId) =>
        Task.FromResult(Of(persistenceId).Keys.LastOrDefault());

    private async Task<IImmutableList<Exception?>?> Write(IEnumerable<AtomicWrite> messages)
    {
        var writes = messages.ToList();
        _script.Batches.Enqueue(string.Join(' ', writes.Select(w => string.Join('+', Events(w).Select(e => e.Payload)))));
        if (_script.Gate is { } gate) await gate.Task;
        _script.OnWrite(writes);
        var results = writes.Select(_script.Reject).ToImmutableList();
        for (var i = 0; i < writes.Count; i++)
        {
            if (results[i] is not null) continue;
            foreach (var e in Events(writes[i]))
                _events[e.PersistenceId] = Of(e.PersistenceId).SetItem(e.SequenceNr, e);
        }

        return results;
    }

    private static Task Delete() =>
        Task.FromException(new InvalidOperationException("can't delete"));

    private static IEnumerable<IPersistentRepresentation> Events(AtomicWrite write) => (IEnumerable<IPersistentRepresentation>)write.Payload;

    private ImmutableSortedDictionary<long, IPersistentRepresentation> Of(string persistenceId) =>
        _events.GetValueOrDefault(persistenceId, ImmutableSortedDictionary<long, IPersistentRepresentation>.Empty);
}

/// <summary>
/// A journal on WriteJournalBase alone that numbers events itself: 10, 20, 30, ... Its replays carry those numbers, and
/// RecoverySuccess the highest of them plus 5.
/// </summary>
public sealed class NumberingJournal : WriteJournalBase
{
    private readonly List<IPersistentRepresentation> _events = [];

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case WriteMessages write:
                write.PersistentActor.Tell(WriteMessagesSuccessful.Instance, Self);
                foreach (var envelope in write.Messages)
                    Answer(write, envelope);
                return true;
            case ReplayMessages replay:
                foreach (var e in _events.Where(e => e.SequenceNr >= replay.FromSequenceNr && e.SequenceNr <= replay.ToSequenceNr))
                    replay.PersistentActor.Tell(new ReplayedMessage(e), ActorRefs.NoSender);
                replay.PersistentActor.Tell(new RecoverySuccess(_events.Count == 0 ? 0 : _events[^1].SequenceNr + 5), Self);
                return true;
            case DeleteMessagesTo delete:
                _events.RemoveAll(e => e.SequenceNr <= delete.ToSequenceNr);
                delete.PersistentActor.Tell(new DeleteMessagesSuccess(delete.ToSequenceNr), Self);
                return true;
            default:
                return false;
        }
    }

    private void Answer(WriteMessages write, IPersistentEnvelope envelope)
    {
        if (envelope is not AtomicWrite atomic)
        {
            write.PersistentActor.Tell(new LoopMessageSuccess(envelope.Payload, write.ActorInstanceId), envelope.Sender);
            return;
        }

        foreach (var e in (IEnumerable<IPersistentRepresentation>)atomic.Payload)
        {
            var numbered = e.Update((_events.Count + 1) * 10, e.PersistenceId, e.IsDeleted, e.Sender, e.WriterGuid);
            _events.Add(numbered);
            write.PersistentActor.Tell(new WriteMessageSuccess(numbered, write.ActorInstanceId), e.Sender);
        }
    }
}
