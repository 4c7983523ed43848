using System.Collections.Immutable;
using ActorBroker.Metadata;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>
/// Performs what <see cref="ControllerCore"/> decides: stores the events as one entry of its journal, applies them,
/// publishes the image, replies. Commands are handled one after the other; the journal's majority write, not being
/// the only instance, is what makes a decision count, so a write that fails stops this actor and its supervisor bids anew.
/// </summary>
internal sealed class ControllerActor : ReceivePersistentActor
{
    public const string JournalId = "actorbroker.journal.quorum";

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly ControllerCore _core;
    private readonly IActorRef _node;

    // Replies that wait until this node serves the image of their version; in order of version.
    private readonly Queue<(long Version, IActorRef To, object Reply)> _waiting = new();
    private MetadataImage _image = MetadataImage.Empty;

    /// <param name="node">Gets every new image as <see cref="MetadataChanged"/> and answers <see cref="ReplicasReconciled"/>.</param>
    public ControllerActor(ControllerCore core, IActorRef node)
    {
        _core = core;
        _node = node;
        JournalPluginId = JournalId;

        Recover<IControlEvent>(change => _image = ControllerState.Apply(_image, change, LastSequenceNr));
        Recover<RecoveryCompleted>(_ => OnRecovered());
        Command<ICommand>(OnCommand);
        Command<ReplicasReconciled>(OnReconciled);
    }

    public override string PersistenceId => "actorbroker-controller";

    public static Props Props(ControllerCore core, IActorRef node) => Akka.Actor.Props.Create(() => new ControllerActor(core, node));

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr) =>
        _log.Error(cause, "The controller could not store its decision {0} (entry {1}) and stops; it will bid again", @event.GetType().Name, sequenceNr);

    protected override void OnRecoveryFailure(Exception reason, object? message = null) =>
        _log.Error(reason, "The controller could not read its log (entry {0}: {1})", LastSequenceNr, message ?? "none");

    private void OnRecovered()
    {
        _log.Info("Controller ready: cluster {0}, {1} topic(s), log at entry {2}", _image.ClusterId?.Value ?? "not formed yet", _image.TopicsById.Count, LastSequenceNr);
        Publish();
    }

    private void OnCommand(ICommand command)
    {
        var sender = Sender;
        var first = LastSequenceNr + 1;
        var decision = _core.Decide(_image, LastSequenceNr, command);
        if (decision.Events.IsEmpty)
        {
            sender.Tell(decision.Reply);
            return;
        }

        var applied = 0;
        PersistAll(decision.Events, change =>
        {
            _image = ControllerState.Apply(_image, change, first + applied++);
            if (applied < decision.Events.Length) return;
            Publish();
            ReplyWhenServed(command, sender, decision.Reply);
        });
    }

    /// <summary>Whoever created partitions may use them at once; everybody else needs only the decision.</summary>
    private void ReplyWhenServed(ICommand command, IActorRef sender, object reply)
    {
        if (command is CreateTopics or AddPartitions) _waiting.Enqueue((_image.Version, sender, reply));
        else sender.Tell(reply);
    }

    private void OnReconciled(ReplicasReconciled done)
    {
        while (_waiting.TryPeek(out var next) && next.Version <= done.Version)
        {
            _waiting.Dequeue();
            next.To.Tell(next.Reply);
        }
    }

    private void Publish() => _node.Tell(new MetadataChanged(_image));
}
