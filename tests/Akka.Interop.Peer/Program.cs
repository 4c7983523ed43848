using Akka.Actor;
using Akka.Configuration;
using Akka.Remote;

namespace Akka.Interop.Peer;

/// <summary>
/// The other side of the interoperability tests: an actor system on the official packages, remote-controlled by messages to
/// <c>/user/control</c>. Arguments: port, name of the system, more HOCON. Says "READY address" once it listens.
/// </summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        var config = ConfigurationFactory.ParseString(args.Length > 2 ? args[2] : "").WithFallback(ConfigurationFactory.ParseString($$"""
            akka.actor.provider = remote
            akka.loglevel = WARNING
            akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = {{args[0]}} }
            akka.remote.retry-gate-closed-for = 500 ms
            akka.remote.watch-failure-detector { heartbeat-interval = 200 ms, acceptable-heartbeat-pause = 2 s, unreachable-nodes-reaper-interval = 200 ms }
            """));
        using var system = ActorSystem.Create(args[1], config);
        system.ActorOf(Props.Create<Echo>(), "echo");
        system.ActorOf(Props.Create<Control>(), "control");
        Console.WriteLine($"READY {((ExtendedActorSystem)system).Provider.DefaultAddress}");
        _ = Task.Run(async () =>
        {
            // Whoever started this program has gone: so does it.
            while (await Console.In.ReadLineAsync() is not null)
            {
            }

            Environment.Exit(3);
        });
        await system.WhenTerminated;
        return 0;
    }
}

internal sealed class Echo : UntypedActor
{
    protected override void OnReceive(object message) => Sender.Tell(message);
}

/// <summary>A command is a string of words; answers are strings.</summary>
internal sealed class Control : UntypedActor
{
    protected override void OnReceive(object message)
    {
        if (message is not string text)
        {
            Unhandled(message);
            return;
        }

        var words = text.Split(' ', 3);
        switch (words[0])
        {
            case "spawn":
                Sender.Tell(Context.ActorOf(Props.Create<Echo>(), words[1]));
                break;
            case "stop":
                Context.Child(words[1]).Tell(PoisonPill.Instance);
                break;
            case "watch":
                Context.ActorOf(Props.Create(() => new Watcher(words[1], Sender)));
                break;
            case "ask":
                // The peer asks, and passes on what it was told.
                _ = Context.System.ActorSelection(words[1]).Ask<object>(words[2], TimeSpan.FromSeconds(10)).PipeTo(Sender);
                break;
            case "identify":
                _ = Context.System.ActorSelection(words[1]).Ask<ActorIdentity>(new Identify("q"), TimeSpan.FromSeconds(10))
                    .PipeTo(Sender, success: i => $"{i.MessageId} {i.Subject?.Path}");
                break;
            case "quarantine":
                ((IRemoteActorRefProvider)((ExtendedActorSystem)Context.System).Provider).Quarantine(Address.Parse(words[1]), int.Parse(words[2]));
                Sender.Tell("quarantined");
                break;
            case "events":
                Context.ActorOf(Props.Create(() => new Events(Sender)));
                break;
            case "uid":
                Sender.Tell(AddressUidExtension.Uid(Context.System).ToString());
                break;
            case "send":
                // count, target: a numbered burst
                var target = ((ExtendedActorSystem)Context.System).Provider.ResolveActorRef(words[2]);
                for (var i = 0; i < int.Parse(words[1]); i++)
                    target.Tell(i);
                break;
            case "blob":
                Sender.Tell(new byte[int.Parse(words[1])]);
                break;
            case "terminate":
                _ = Context.System.Terminate();
                break;
            default:
                Unhandled(message);
                break;
        }
    }
}

/// <summary>Watches by reference, says so, and reports the end. "unwatch" makes it stop watching.</summary>
internal sealed class Watcher(string path, IActorRef report) : UntypedActor
{
    private IActorRef _target = ActorRefs.Nobody;

    protected override void PreStart() => Context.ActorSelection(path).Tell(new Identify(1));

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case ActorIdentity { Subject: { } subject }:
                _target = subject;
                Context.Watch(subject);
                report.Tell("watching", Self);
                break;
            case ActorIdentity:
                report.Tell("nobody", Self);
                break;
            case Terminated t:
                report.Tell($"terminated {t.ActorRef.Path} confirmed={t.ExistenceConfirmed} address={t.AddressTerminated}", Self);
                break;
            case "unwatch":
                Context.Unwatch(_target);
                report.Tell("unwatched", Self);
                break;
            default:
                Unhandled(message);
                break;
        }
    }
}

internal sealed class Events(IActorRef report) : UntypedActor
{
    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(RemotingLifecycleEvent));
        report.Tell("listening");
    }

    protected override void OnReceive(object message) => report.Tell(message.GetType().Name);
}
