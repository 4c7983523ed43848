using System.Collections.Concurrent;
using System.Globalization;
using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using Akka.Conformance.Tests.Remote;

namespace Akka.Conformance.Tests.Cluster;

using Cluster = Akka.Cluster.Cluster;

/// <summary>A member on a real port, with everything that a cluster does at intervals done soon.</summary>
internal sealed class ClusterNode : IAsyncDisposable
{
    /// <summary>Members of one cluster have one name.</summary>
    public const string Name = "cluster";

    private ClusterNode(ActorSystem system) => System = system;

    public ActorSystem System { get; }

    public Cluster Cluster => Cluster.Get(System);

    public Address Address => Cluster.SelfAddress;

    /// <param name="port">0: any</param>
    /// <param name="hocon">laid over the defaults for tests</param>
    /// <param name="publicPort">that of a proxy, if there is one</param>
    public static ClusterNode Start(int port = 0, string hocon = "", int? publicPort = null)
    {
        var config = ConfigurationFactory.ParseString(hocon).WithFallback(ConfigurationFactory.ParseString($$"""
            akka.actor.provider = cluster
            akka.loglevel = ERROR
            akka.stdout-loglevel = OFF
            akka.log-dead-letters = off
            akka.remote.dot-netty.tcp.hostname = "127.0.0.1"
            akka.remote.dot-netty.tcp.port = {{port}}
            {{(publicPort is { } seen ? string.Create(CultureInfo.InvariantCulture, $"akka.remote.dot-netty.tcp.public-port = {seen}") : "")}}
            akka.remote.retry-gate-closed-for = 200 ms
            akka.coordinated-shutdown.run-by-clr-shutdown-hook = off
            akka.cluster {
              periodic-tasks-initial-delay = 50 ms
              gossip-interval = 100 ms
              leader-actions-interval = 100 ms
              unreachable-nodes-reaper-interval = 100 ms
              retry-unsuccessful-join-after = 1 s
              seed-node-timeout = 1 s
              downing-provider-class = ""
              failure-detector {
                heartbeat-interval = 100 ms
                acceptable-heartbeat-pause = 1 s
                expected-response-after = 300 ms
              }
              singleton.hand-over-retry-interval = 200 ms
              singleton-proxy.singleton-identification-interval = 100 ms
            }
            """));
        return new ClusterNode(ActorSystem.Create(Name, config));
    }

    /// <summary>A node that, told to terminate, stops without a word to the others.</summary>
    public static ClusterNode StartMortal(int port = 0, string hocon = "") => Start(port, "akka.coordinated-shutdown.run-by-actor-system-terminate = off\n" + hocon);

    /// <summary>A cluster of the first node, which the others join one after the other: so their ages are known.</summary>
    public static async Task Form(params ClusterNode[] nodes)
    {
        foreach (var node in nodes)
            await node.Cluster.JoinAsync(nodes[0].Address).WaitAsync(RemoteProbe.Deadline);
        foreach (var node in nodes)
            await node.Until(state => state.Members.Count(m => m.Status == MemberStatus.Up) == nodes.Length && state.Leader is not null);
    }

    public MemberProbe Listen(params Type[] to) => Listen(ClusterEvent.InitialStateAsSnapshot, to);

    public MemberProbe Listen(ClusterEvent.SubscriptionInitialStateMode mode, params Type[] to)
    {
        var probe = new MemberProbe(System);
        Cluster.Subscribe(probe.Ref, mode, to);
        return probe;
    }

    public RemoteProbe Probe() => new(System);

    /// <summary>Waits for any event after which the state fits.</summary>
    public async Task Until(Predicate<ClusterEvent.CurrentClusterState> fits)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var watcher = System.ActorOf(Props.Create(() => new StateWatcher(Cluster, fits, reached)));
        try
        {
            await reached.Task.WaitAsync(RemoteProbe.Deadline);
            // Of what Cluster.State shows the official engine gives no notice: it follows the events.
            for (var deadline = DateTime.UtcNow + RemoteProbe.Deadline; !fits(Cluster.State); await Task.Delay(5))
                if (DateTime.UtcNow > deadline)
                    throw new TimeoutException("Cluster.State lags");
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{Address} sees {string.Join(", ", Cluster.State.Members)}, unreachable {string.Join(", ", Cluster.State.Unreachable)}", e);
        }

        System.Stop(watcher);
    }

    public Task UntilStatus(Address of, MemberStatus status) => Until(state => state.Members.Any(m => m.Address == of && m.Status == status));

    public Task UntilGone(Address of) => Until(state => state.Members.All(m => m.Address != of));

    public async Task Terminate() => await System.Terminate().WaitAsync(RemoteProbe.Deadline);

    /// <summary>At the end of a test nobody needs to leave in order.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!System.WhenTerminated.IsCompleted)
            ((ExtendedActorSystem)System).Guardian.Stop();
        await System.WhenTerminated.WaitAsync(RemoteProbe.Deadline);
    }

    private sealed class StateWatcher : UntypedActor
    {
        private readonly Cluster _cluster;
        private readonly Predicate<ClusterEvent.CurrentClusterState> _fits;
        private readonly TaskCompletionSource _reached;

        public StateWatcher(Cluster cluster, Predicate<ClusterEvent.CurrentClusterState> fits, TaskCompletionSource reached)
        {
            _cluster = cluster;
            _fits = fits;
            _reached = reached;
        }

        protected override void PreStart() => _cluster.Subscribe(Self, typeof(ClusterEvent.IClusterDomainEvent));

        protected override void PostStop() => _cluster.Unsubscribe(Self);

        // A question for a whole state after each event: the events of one change come one by one.
        protected override void OnReceive(object message)
        {
            if (message is ClusterEvent.CurrentClusterState state)
            {
                if (_fits(state))
                    _reached.TrySetResult();
            }
            else
                _cluster.SendCurrentClusterState(Self);
        }
    }
}

/// <summary>Keeps events, for a test to take.</summary>
internal sealed class MemberProbe
{
    private readonly BlockingCollection<object> _received = [];

    public MemberProbe(ActorSystem system) => Ref = system.ActorOf(Props.Create(() => new Keeper(_received)));

    public IActorRef Ref { get; }

    public T Expect<T>() => Assert.IsAssignableFrom<T>(Next());

    public T FishFor<T>(Predicate<T>? fits = null)
    {
        while (true)
            if (Next() is T found && (fits is null || fits(found)))
                return found;
    }

    private object Next() => _received.TryTake(out var item, RemoteProbe.Deadline) ? item : throw new TimeoutException("nothing came");

    private sealed class Keeper(BlockingCollection<object> received) : UntypedActor
    {
        protected override void OnReceive(object message) => received.Add(message);
    }
}
