using Akka.Actor;

namespace ActorBroker.Client;

/// <summary>
/// Parent of a target that the consumer makes itself: restarts it when it throws, and says so, since the batch it threw on is
/// gone with it. Passes messages on as they came; answers go to the consumer directly.
/// </summary>
internal sealed class TargetHost : UntypedActor
{
    private readonly Props _props;
    private readonly IActorRef _consumer;
    private IActorRef _target = ActorRefs.Nobody;

    public TargetHost(Props props, IActorRef consumer)
    {
        _props = props;
        _consumer = consumer;
    }

    public static Props Props(Props target, IActorRef consumer) => Akka.Actor.Props.Create(() => new TargetHost(target, consumer));

    protected override SupervisorStrategy SupervisorStrategy()
    {
        var (consumer, self) = (_consumer, Self);
        return new OneForOneStrategy(cause =>
        {
            if (cause is ActorInitializationException or ActorKilledException)
                return Directive.Stop;
            consumer.Tell(new Redeliver($"{cause.GetType().Name}: {cause.Message}"), self);
            return Directive.Restart;
        });
    }

    protected override void PreStart()
    {
        _target = Context.ActorOf(_props, "actor");
        Context.Watch(_target);
    }

    protected override void OnReceive(object message)
    {
        if (message is Terminated)
            Context.Stop(Self);
        else
            _target.Forward(message);
    }
}
