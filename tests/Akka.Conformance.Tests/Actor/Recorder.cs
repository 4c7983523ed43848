using Akka.Actor;

namespace Akka.Conformance.Tests;

/// <summary>An actor that tells a probe of each of its lifecycle hooks and of each message.</summary>
internal class Recorder : UntypedActor
{
    private readonly string _name;

    public Recorder(IActorRef probe, string name)
    {
        Probe = probe;
        _name = name;
        Record("ctor");
    }

    protected IActorRef Probe { get; }

    protected void Record(string what) => Probe.Tell(_name + ":" + what, Self);

    public sealed record Fail(Exception Cause);

    public sealed record Spawn(Props Props, string Name);

    protected override void PreStart() => Record("PreStart");
    protected override void PostStop() => Record("PostStop");

    protected override void PreRestart(Exception reason, object message)
    {
        Record("PreRestart(" + reason.Message + "," + (message?.GetType().Name ?? "null") + ")");
        base.PreRestart(reason, message!);
    }

    protected override void PostRestart(Exception reason)
    {
        Record("PostRestart(" + reason.Message + ")");
        base.PostRestart(reason);
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Fail fail:
                throw fail.Cause;
            case Spawn spawn:
                Sender.Tell(Context.ActorOf(spawn.Props, spawn.Name));
                break;
            case "who":
                Sender.Tell(_name);
                break;
            default:
                Record(message.ToString()!);
                break;
        }
    }
}

/// <summary>A parent with a given strategy; makes children from the props that it is sent.</summary>
internal sealed class Parent(SupervisorStrategy strategy) : UntypedActor
{
    protected override SupervisorStrategy SupervisorStrategy() => strategy;

    protected override void OnReceive(object message)
    {
        if (message is Recorder.Spawn spawn)
            Sender.Tell(Context.ActorOf(spawn.Props, spawn.Name));
        else if (message is Recorder.Fail fail)
            throw fail.Cause;
    }
}
