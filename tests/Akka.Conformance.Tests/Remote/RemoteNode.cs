using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Akka.Remote;

namespace Akka.Conformance.Tests.Remote;

/// <summary>An actor system that listens on a real port, with failure detection fast enough for tests.</summary>
internal sealed class RemoteNode : IAsyncDisposable
{
    private RemoteNode(ActorSystem system) => System = system;

    public ActorSystem System { get; }

    public Address Address => Provider.DefaultAddress;

    public IRemoteActorRefProvider Provider => (IRemoteActorRefProvider)((ExtendedActorSystem)System).Provider;

    public static RemoteNode Start(string name, int port = 0, string hocon = "")
    {
        var config = ConfigurationFactory.ParseString(hocon).WithFallback(ConfigurationFactory.ParseString($$"""
            akka.actor.provider = remote
            akka.loglevel = ERROR
            akka.stdout-loglevel = OFF
            akka.log-dead-letters = off
            akka.remote.dot-netty.tcp.hostname = "127.0.0.1"
            akka.remote.dot-netty.tcp.port = {{port}}
            akka.remote.retry-gate-closed-for = 300 ms
            akka.remote.watch-failure-detector.heartbeat-interval = 100 ms
            akka.remote.watch-failure-detector.acceptable-heartbeat-pause = 2 s
            akka.remote.watch-failure-detector.unreachable-nodes-reaper-interval = 100 ms
            akka.remote.watch-failure-detector.expected-response-after = 300 ms
            """));
        return new RemoteNode(ActorSystem.Create(name, config));
    }

    /// <summary>A reference by path, as seen from this node.</summary>
    public IActorRef Resolve(Address address, string path) => Provider.ResolveActorRef(address + path);

    public RemoteProbe Probe() => new(System);

    public IActorRef Echo(string name) => System.ActorOf(Props.Create(() => new EchoActor()), name);

    public RemoteProbe Listen<TEvent>()
    {
        var probe = Probe();
        System.EventStream.Subscribe(probe.Ref, typeof(TEvent));
        return probe;
    }

    public async ValueTask DisposeAsync() => await System.Terminate().WaitAsync(TimeSpan.FromSeconds(30));
}

/// <summary>An actor that keeps what it gets, for a test to take.</summary>
internal sealed class RemoteProbe
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly BlockingCollection<(object Message, IActorRef Sender)> _received = [];

    public RemoteProbe(ActorSystem system) => Ref = system.ActorOf(Props.Create(() => new Keeper(_received)));

    public IActorRef Ref { get; }

    public IActorRef LastSender { get; private set; } = ActorRefs.Nobody;

    public object ExpectAny()
    {
        if (!_received.TryTake(out var item, Deadline))
            throw new TimeoutException("nothing came");
        LastSender = item.Sender;
        return item.Message;
    }

    public T Expect<T>() => Assert.IsAssignableFrom<T>(ExpectAny());

    public void Expect<T>(T expected) => Assert.Equal(expected, Expect<T>());

    /// <summary>Skips what does not fit.</summary>
    public T FishFor<T>(Predicate<T>? fits = null)
    {
        while (true)
            if (ExpectAny() is T found && (fits is null || fits(found)))
                return found;
    }

    /// <summary>Makes the actor watch, and returns once it does.</summary>
    public void Watch(IActorRef subject)
    {
        Ref.Tell(new WatchIt(subject), Ref);
        Expect("watching");
    }

    public void Unwatch(IActorRef subject)
    {
        Ref.Tell(new UnwatchIt(subject), Ref);
        Expect("unwatched");
    }

    private sealed record WatchIt(IActorRef Subject);

    private sealed record UnwatchIt(IActorRef Subject);

    private sealed class Keeper(BlockingCollection<(object Message, IActorRef Sender)> received) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case WatchIt watch:
                    Context.Watch(watch.Subject);
                    received.Add(("watching", Sender));
                    break;
                case UnwatchIt unwatch:
                    Context.Unwatch(unwatch.Subject);
                    received.Add(("unwatched", Sender));
                    break;
                default:
                    received.Add((message, Sender));
                    break;
            }
        }
    }
}

internal sealed class EchoActor : UntypedActor
{
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case "last words":
                Sender.Tell("I said");
                Context.Stop(Self);
                break;
            case "fail":
                Sender.Tell(new Status.Failure(new InvalidOperationException("as asked")));
                break;
            default:
                Sender.Tell(message);
                break;
        }
    }
}

/// <summary>A wire between two ports that can be cut: open connections are reset, new ones refused.</summary>
internal sealed class TcpProxy : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly ConcurrentBag<Socket> _sockets = [];
    private readonly int _target;
    private volatile bool _frozen;

    public TcpProxy(int target)
    {
        _target = target;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(16);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _ = Accept();
    }

    public int Port { get; }

    /// <summary>Bytes vanish, connections stay open: as when a cable is pulled.</summary>
    public void Freeze() => _frozen = true;

    public void Dispose()
    {
        _listener.Dispose();
        foreach (var socket in _sockets)
            socket.Dispose();
    }

    private async Task Accept()
    {
        try
        {
            while (true)
            {
                var near = await _listener.AcceptAsync();
                var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                _sockets.Add(near);
                _sockets.Add(far);
                await far.ConnectAsync(IPAddress.Loopback, _target);
                _ = Pump(near, far);
                _ = Pump(far, near);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut.
        }
    }

    private async Task Pump(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and var read)
                for (var sent = 0; sent < read && !_frozen;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut.
        }
        finally
        {
            from.Dispose();
            to.Dispose();
        }
    }
}
