using System.Collections.Immutable;
using ActorBroker.Journal;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Persistence;
using Akka.TestKit;

namespace ActorBroker.Tests.Journal;

/// <summary>Speaks the journal protocol with one journal of a system whose logs lie in a simulated file system.</summary>
public abstract class JournalSpec : Akka.TestKit.Xunit2.TestKit
{
    private const string Base = """
        akka.loglevel = OFF
        akka.stdout-loglevel = OFF
        akka.actor.serializers.test = "ActorBroker.Tests.Journal.TestEventSerializer, ActorBroker.Tests"
        akka.actor.serialization-bindings { "ActorBroker.Tests.Journal.TestEvent, ActorBroker.Tests" = test }
        akka.persistence.snapshot-store.plugin = "akka.persistence.snapshot-store.inmem"
        """;

    private readonly string _pluginId;
    private readonly Dictionary<string, long> _proposed = new(StringComparer.Ordinal);

    private protected JournalSpec(string pluginId, string config = "", LogOptions? logOptions = null)
        : base(Akka.Configuration.ConfigurationFactory.ParseString(config + "\n" + Base).WithFallback(JournalLogs.DefaultConfig()))
    {
        _pluginId = pluginId;
        LogOptions = logOptions ?? DefaultLogOptions;
        Prepare(Sys);
    }

    protected SimulatedFileSystem Files { get; } = new(seed: 1);

    protected static LogOptions DefaultLogOptions { get; } = LogOptions.Default with
    {
        SegmentBytes = 4 * 1024 * 1024,
        RetentionTime = null,
        FlushMessages = 1,
        MaxMessageBytes = int.MaxValue,
    };

    protected LogOptions LogOptions { get; }

    protected IActorRef Journal => JournalOf(Sys);

    protected IActorRef JournalOf(ActorSystem system) => Persistence.Instance.Apply(system).JournalFor(_pluginId);

    /// <summary>Gives a system this test's files, before its journal starts.</summary>
    private void Prepare(ActorSystem system)
    {
        JournalLogs.For(system).Configure(new JournalStorage(Files, "/data/journal", TimeProvider.System, LogOptions));
        Join(system);
    }

    /// <summary>Makes the system a part of a quorum. The first time before the constructor of the test.</summary>
    private protected virtual void Join(ActorSystem system)
    {
    }

    /// <summary>A second system over the same files; the first must be gone.</summary>
    protected async Task<ActorSystem> Restart()
    {
        await Sys.Terminate();
        var second = ActorSystem.Create("second", Sys.Settings.Config);
        Prepare(second);
        return second;
    }

    /// <summary>Proposes numbers as a persistent actor does.</summary>
    protected AtomicWrite Atomic(string id, params object[] payloads) => new(payloads
        .Select(p => (IPersistentRepresentation)new Persistent(p, NextNumber(id), id, sender: ActorRefs.NoSender, writerGuid: "w"))
        .ToImmutableList());

    protected long NextNumber(string id) => _proposed[id] = _proposed.GetValueOrDefault(id) + 1;

    protected static object[] Named(params string[] names) => names.Select(n => (object)new TestEvent(n)).ToArray();

    protected void Send(IActorRef journal, TestProbe actor, params IPersistentEnvelope[] envelopes) =>
        journal.Tell(new WriteMessages(envelopes, actor.Ref, 7), actor.Ref);

    /// <summary>Writes each name as an atomic write of its own and returns the numbers they got.</summary>
    protected long[] Write(IActorRef journal, TestProbe actor, string id, params string[] names)
    {
        Send(journal, actor, names.Select(n => (IPersistentEnvelope)Atomic(id, new TestEvent(n))).ToArray());
        actor.ExpectMsg<WriteMessagesSuccessful>(TimeSpan.FromSeconds(20));
        return names.Select(n =>
        {
            var success = actor.ExpectMsg<WriteMessageSuccess>();
            Assert.Equal(new TestEvent(n), success.Persistent.Payload);
            Assert.Equal(7, success.ActorInstanceId);
            return success.Persistent.SequenceNr;
        }).ToArray();
    }

    protected (List<(long Number, object Event)> Events, long Highest) Replay(
        IActorRef journal, TestProbe actor, string id, long from = 1, long to = long.MaxValue, long max = long.MaxValue)
    {
        journal.Tell(new ReplayMessages(from, to, max, id, actor.Ref), actor.Ref);
        var events = new List<(long, object)>();
        while (true)
        {
            switch (actor.ReceiveOne(TimeSpan.FromSeconds(20)))
            {
                case ReplayedMessage replayed:
                    Assert.Equal(id, replayed.Persistent.PersistenceId);
                    events.Add((replayed.Persistent.SequenceNr, replayed.Persistent.Payload));
                    break;
                case RecoverySuccess success:
                    return (events, success.HighestSequenceNr);
                case ReplayMessagesFailure failure:
                    throw new InvalidOperationException("replay failed", failure.Cause);
                case var other:
                    Assert.Fail($"unexpected {other}");
                    break;
            }
        }
    }

    protected static string Names(List<(long Number, object Event)> events) =>
        string.Join(' ', events.Select(e => $"{((TestEvent)e.Event).Name}@{e.Number}"));
}
