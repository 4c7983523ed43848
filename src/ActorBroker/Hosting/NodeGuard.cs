using Akka.Actor;

namespace ActorBroker.Hosting;

/// <summary>
/// <c>/system/actorbroker</c>: parent of the node's actor. A node that failed takes its ActorSystem with it: one that looks
/// alive but serves nothing is worse than one that is gone.
/// </summary>
internal sealed class NodeGuard : ReceiveActor
{
    public const string PartFailed = "A part of the broker failed; the log says why.";

    public NodeGuard(Props node, TaskCompletionSource<BrokerInfo> ready)
    {
        var child = Context.Watch(Context.ActorOf(node, "node"));
        Receive<Terminated>(gone =>
        {
            ready.TrySetException(new BrokerStartException(PartFailed));
            _ = CoordinatedShutdown.Get(Context.System).Run(CoordinatedShutdown.ClrExitReason.Instance);
        });
        ReceiveAny(child.Forward);
    }

    public static Props Props(Props node, TaskCompletionSource<BrokerInfo> ready) => Akka.Actor.Props.Create(() => new NodeGuard(node, ready));

    protected override SupervisorStrategy SupervisorStrategy() => Akka.Actor.SupervisorStrategy.StoppingStrategy;
}
