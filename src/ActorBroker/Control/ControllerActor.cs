using System.Collections.Immutable;
using ActorBroker.Journal;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>
/// Performs what <see cref="ControllerCore"/> decides: stores the events as one entry of its journal, takes the image they
/// lead to, tells the brokers, replies. Commands are handled one after the other and wait for nothing but the journal. The
/// journal's majority write, not being the only instance, is what makes a decision count, so a write that fails stops this
/// actor and its supervisor bids anew. When the journal has grown long the whole image is stored, and what stands before it deleted.
/// </summary>
internal sealed class ControllerActor : ReceivePersistentActor, IWithTimers
{
    public const string JournalId = "actorbroker.journal.quorum";

    /// <summary>Enough for what happens while a broker's connection breaks and comes back.</summary>
    private const int EventsKept = 1000;

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly ControllerSetup _setup;
    private readonly SessionTable _sessions;
    private readonly ControllerMemory _memory;
    private readonly MessageSender _messages;
    private readonly BrokerDirectory _brokers;
    private readonly ServedReplies _served = new();
    private readonly long _start;
    /// <summary>Whose command is being stored; it hears of it if that can't be.</summary>
    private IActorRef? _asking;

    public ControllerActor(ControllerSetup setup)
    {
        _setup = setup;
        _start = setup.Time.GetTimestamp();
        _sessions = new SessionTable(setup.Options.SessionTimeout);
        _messages = new MessageSender((ExtendedActorSystem)Context.System);
        _memory = new ControllerMemory(EventsKept, setup.Options.EventsBetweenImages);
        _brokers = new BrokerDirectory(_memory.History, Send);
        JournalPluginId = JournalId;

        Recover<IControlEvent>(change => _memory.Apply(change, LastSequenceNr));
        Recover<ImagePart>(_memory.Recover);
        Recover<RecoveryCompleted>(_ => OnRecovered());
        Command<BrokerHeartbeat>(OnHeartbeat);
        Command<ControllerProtocol.MetadataRequest>(OnMetadataRequest);
        Command<IQuorumCommand>(OnQuorum);
        Command<ICommand>(OnCommand);
        Command<ReconcileCompleted>(OnReconciled);
        Command<SuspectBroker>(OnSuspect);
        Command<Tick>(OnTick);
        Command<JournalProtocol.LeadLost>(OnLeadLost);
        Command<DeleteMessagesSuccess>(deleted => _log.Info("The controller's log begins behind entry {0}", deleted.ToSequenceNr));
        Command<DeleteMessagesFailure>(failed => _log.Warning("The controller's log could not be deleted up to entry {0}; the next image will do it: {1}", failed.ToSequenceNr, failed.Cause.Message));
    }

    private enum Tick
    {
        Sessions,
        Leaders,
    }

    /// <summary>The controller's persistence id.</summary>
    public const string ControllerId = "actorbroker-controller";

    public override string PersistenceId => ControllerId;

    public ITimerScheduler Timers { get; set; } = null!;

    private MetadataImage Image => _memory.Image;

    private TimeSpan Now => _setup.Time.GetElapsedTime(_start);

    public static Props Props(ControllerSetup setup) => Akka.Actor.Props.Create(() => new ControllerActor(setup));

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr) =>
        _log.Error(cause, "The controller could not store its decision {0} (entry {1}) and stops; it will bid again", @event.GetType().Name, sequenceNr);

    /// <summary>Its numbers are taken all the same, so what this instance decided next would be numbered otherwise than it is stored.</summary>
    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        _log.Error(cause, "The controller's journal does not take {0} (entry {1}); the controller starts anew", @event.GetType().Name, sequenceNr);
        Context.Stop(Self);
    }

    protected override void OnRecoveryFailure(Exception reason, object? message = null) =>
        _log.Error(reason, "The controller could not read its log (entry {0}: {1})", LastSequenceNr, message ?? "none");

    protected override void PostStop()
    {
        foreach (var (to, reply) in _served.TakeAll()) Send(to, reply);
        _asking?.Tell(new ControllerUnavailable("The controller stopped before the change was stored; it may happen all the same."));
        base.PostStop();
    }

    private void OnLeadLost(JournalProtocol.LeadLost lost)
    {
        _log.Warning("The controller lost the lead and stops; it will bid again: {0}", lost.Cause.Message);
        Context.Stop(Self);
    }

    private void OnRecovered()
    {
        _memory.OnRecovered();
        _log.Info(
            "Controller ready: cluster {0}, {1} broker(s), {2} topic(s), log at entry {3}",
            Image.ClusterId?.Value ?? "not formed yet", Image.Brokers.Count, Image.TopicsById.Count, LastSequenceNr);
        _sessions.Start(Image, Now);
        Timers.StartPeriodicTimer(Tick.Sessions, Tick.Sessions, _sessions.LookInterval);
        if (_setup.Options.LeaderImbalanceCheckInterval is { } interval) Timers.StartPeriodicTimer(Tick.Leaders, Tick.Leaders, interval);
    }

    private void OnHeartbeat(BrokerHeartbeat heartbeat)
    {
        var othersKnow = false;
        if (Image.Brokers.TryGetValue(heartbeat.Id, out var broker) && broker.Epoch == heartbeat.BrokerEpoch)
        {
            _sessions.Touch(broker, heartbeat.MetadataVersion, Now);
            _brokers.Learn(broker, Sender, heartbeat.MetadataVersion, Image);
            ReplyServed();
            othersKnow = heartbeat.WantsShutdown && _sessions.OthersKnow(Image, broker);
        }

        Perform(_setup.Core.Decide(Image, LastSequenceNr, heartbeat, othersKnow), reply => Sender.Tell(reply));
    }

    private void OnCommand(ICommand command)
    {
        var sender = Sender;
        var decision = _setup.Core.Decide(Image, LastSequenceNr, command);
        Perform(decision, reply =>
        {
            if (command is RegisterBroker register && reply is BrokerAccepted accepted)
            {
                var broker = Image.Brokers[register.Id];
                reply = accepted with { BrokerEpoch = broker.Epoch };
                _sessions.Touch(broker, null, Now);
                _brokers.Learn(broker, sender, has: -1, Image);
            }

            if (!decision.Events.IsEmpty && command is CreateTopics or AddPartitions && reply is TopicResults results) ReplyWhenServed(sender, results);
            else Send(sender, reply);
        });
    }

    private void OnQuorum(IQuorumCommand command) =>
        Context.ActorOf(QuorumQuestion.Props(Persistence.Instance.Apply(Context.System).JournalFor(JournalId), PersistenceId, command, Sender));

    private void OnMetadataRequest(ControllerProtocol.MetadataRequest request)
    {
        if (Image.Brokers.TryGetValue(request.Id, out var broker) && broker.Epoch == request.BrokerEpoch)
            _brokers.Answer(Sender, request.HaveVersion, Image);
        else
            Sender.Tell(new BrokerUnknown(request.Id));
    }

    private void OnReconciled(ReconcileCompleted done)
    {
        if (!Image.Brokers.TryGetValue(done.Id, out var broker) || broker.Epoch != done.BrokerEpoch) return;
        _sessions.Touch(broker, done.Version, Now);
        ReplyServed();
    }

    private void OnSuspect(SuspectBroker suspect)
    {
        if (!Image.Brokers.TryGetValue(suspect.Id, out var broker) || broker.Epoch != suspect.BrokerEpoch || broker.Fenced) return;
        _log.Warning("Broker {0} is fenced: {1}", suspect.Id, suspect.Evidence);
        Fence([(suspect.Id, suspect.BrokerEpoch)]);
    }

    private void OnTick(Tick tick)
    {
        if (tick == Tick.Leaders)
        {
            Perform(_setup.Core.Rebalance(Image, LastSequenceNr), null);
            return;
        }

        ReplyServed();
        var expired = _sessions.Expired(Image, Now);
        if (expired.IsEmpty)
        {
            Perform(_setup.Core.RaiseInternalTopics(Image, LastSequenceNr), null);
            return;
        }

        foreach (var (id, _) in expired)
            _log.Warning("Broker {0} is fenced: it was not heard of for {1} ms", id, (long)_setup.Options.SessionTimeout.TotalMilliseconds);
        Fence(expired);
    }

    private void Fence(ImmutableArray<(BrokerId Id, long Epoch)> gone)
    {
        foreach (var (id, _) in gone) _brokers.Forget(id);
        Perform(_setup.Core.Fence(Image, LastSequenceNr, gone), null);
    }

    /// <param name="done">Gets the decision's reply once it is stored; null where nobody asked.</param>
    private void Perform(Decision decision, Action<object>? done)
    {
        if (decision.Events.IsEmpty)
        {
            done?.Invoke(decision.Reply!);
            return;
        }

        _asking = done is null ? null : Sender;
        var before = Image;
        var stored = 0;
        PersistAll(decision.Events, change =>
        {
            // The journal numbers them; its own entries may stand between the last decision and this one.
            _memory.Apply(change, LastSequenceNr);
            if (++stored < decision.Events.Length) return;
            _asking = null;
            AfterChange(before, decision.Events);
            done?.Invoke(decision.Reply!);
            if (_memory.IsImageDue) StoreImage();
        });
    }

    private void StoreImage()
    {
        var parts = ImagePart.Cut(Image);
        var first = 0L;
        foreach (var part in parts)
        {
#pragma warning disable AK1006 // one entry for all of them, as PersistAll makes, would be larger than the journal takes
            Persist(part, stored =>
#pragma warning restore AK1006
            {
                if (stored.Index == 0) first = LastSequenceNr;
                if (stored.Index < stored.Count - 1) return;
                _memory.OnImageStored();
                _log.Info("Metadata version {0} stored as an image from entry {1} to {2}", Image.Version, first, LastSequenceNr);
                DeleteMessages(first - 1);
            });
        }
    }

    private void AfterChange(MetadataImage before, ImmutableArray<IControlEvent> events)
    {
        foreach (var change in events)
        {
            if (change is BrokerStopping stopping) _sessions.BeginStop(new BrokerId(stopping.BrokerId), Image);
            else if (change is BrokerRemoved removed) _brokers.Forget(new BrokerId(removed.BrokerId));
        }

        foreach (var line in ControllerLog.Lines(before, Image, events)) _log.Info("{0}", line);
        _brokers.Push(Image);
        ReplyServed();
    }

    private void ReplyWhenServed(IActorRef asker, TopicResults results)
    {
        var brokers = results.Results
            .Where(result => result.Error == ErrorCode.None && result.Topic is not null)
            .SelectMany(result => result.Topic!.Partitions.SelectMany(partition => partition.Replicas))
            .ToImmutableHashSet();
        if (_brokers.OnNodeOf(asker) is { } own) brokers = brokers.Add(own);
        _served.Add(Image.Version, brokers, asker, results, Now);
        ReplyServed();
    }

    private void ReplyServed()
    {
        foreach (var (to, reply) in _served.Take(Image, _sessions, Now)) Send(to, reply);
    }

    private void Send(IActorRef to, object message) => _messages.Tell(to, message, Self);
}
