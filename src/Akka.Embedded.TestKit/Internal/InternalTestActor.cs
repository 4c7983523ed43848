using Akka.Actor;

namespace Akka.TestKit.Internal;

/// <summary>Queues what it receives for the test to look at.</summary>
internal sealed class InternalTestActor(MessageQueue queue) : UntypedActor
{
    private AutoPilot _autoPilot = NoAutoPilot.Instance;
    private Func<object, bool>? _ignore;

    public sealed record SetIgnore(Func<object, bool>? Ignore) : INoSerializationVerificationNeeded;

    public sealed record SetAutoPilot(AutoPilot AutoPilot) : INoSerializationVerificationNeeded;

    public sealed record WatchIt(IActorRef Actor) : INoSerializationVerificationNeeded;

    public sealed record UnwatchIt(IActorRef Actor) : INoSerializationVerificationNeeded;

    public sealed record SpawnChild(Props Props, string? Name) : INoSerializationVerificationNeeded;

    public sealed record Done(IActorRef? Child) : INoSerializationVerificationNeeded;

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case SetIgnore ignore:
                _ignore = ignore.Ignore;
                break;
            case SetAutoPilot set:
                _autoPilot = set.AutoPilot;
                break;
            case WatchIt watch:
                Context.Watch(watch.Actor);
                Sender.Tell(new Done(null));
                break;
            case UnwatchIt unwatch:
                Context.Unwatch(unwatch.Actor);
                Sender.Tell(new Done(null));
                break;
            case SpawnChild spawn:
                Sender.Tell(new Done(Context.ActorOf(spawn.Props, spawn.Name)));
                break;
            default:
                Queue(message);
                break;
        }
    }

    private void Queue(object message)
    {
        var next = _autoPilot.Run(Sender, message);
        if (next is not KeepRunning)
            _autoPilot = next;
        if (_ignore is null || !_ignore(message))
            queue.Add(new RealMessageEnvelope(message, Sender));
    }
}
