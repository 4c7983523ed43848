using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.Singleton;
using Akka.Conformance.Tests.Remote;

namespace Akka.Conformance.Tests.Cluster;

/// <summary>One actor in the whole cluster: where it runs, how it moves, how it is found.</summary>
public sealed class ClusterSingletonSpec
{
    private const string Resolver = """
        akka.cluster.downing-provider-class = "Akka.Cluster.SBR.SplitBrainResolverProvider, Akka.Cluster"
        akka.cluster.split-brain-resolver.stable-after = 1 s
        akka.cluster.down-removal-margin = 100 ms
        """;

    /// <summary>Says where it runs, and tells a witness of its starts and ends.</summary>
    private sealed class Single : UntypedActor
    {
        private readonly IActorRef _witness;
        private readonly string _name;

        public Single(IActorRef witness, string name)
        {
            _witness = witness;
            _name = name;
        }

        protected override void PreStart() => _witness.Tell("started " + _name);

        protected override void PostStop() => _witness.Tell("stopped " + _name);

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case "where":
                    Sender.Tell(_name);
                    break;
                case "end":
                    _witness.Tell("told to end " + _name);
                    Context.Stop(Self);
                    break;
                default:
                    Sender.Tell(message);
                    break;
            }
        }
    }

    /// <summary>All systems are in one process, so that one witness sees the true order.</summary>
    private static void Manage(ClusterNode node, string name, RemoteProbe witness, string? role = null, object? termination = null)
    {
        var settings = ClusterSingletonManagerSettings.Create(node.System);
        if (role is not null)
            settings = settings.WithRole(role);
        var watcher = witness.Ref;
        node.System.ActorOf(ClusterSingletonManager.Props(Props.Create(() => new Single(watcher, name)), termination ?? PoisonPill.Instance, settings), "manager");
    }

    private static IActorRef Proxy(ClusterNode node, string? role = null)
    {
        var settings = ClusterSingletonProxySettings.Create(node.System);
        return node.System.ActorOf(ClusterSingletonProxy.Props("/user/manager", role is null ? settings : settings.WithRole(role)));
    }

    /// <summary>What a proxy sends to one that has just stopped is lost: whoever needs an answer asks again.</summary>
    private static async Task<string> Where(IActorRef proxy)
    {
        for (var deadline = DateTime.UtcNow + RemoteProbe.Deadline; ;)
        {
            try
            {
                return await proxy.Ask<string>("where", TimeSpan.FromSeconds(1));
            }
            catch (AskTimeoutException) when (DateTime.UtcNow < deadline)
            {
            }
        }
    }

    [Fact]
    public async Task The_oldest_member_runs_it_and_proxies_anywhere_find_it()
    {
        await using var a = ClusterNode.Start();
        await using var b = ClusterNode.Start();
        var witness = a.Probe();
        Manage(a, "a", witness);
        Manage(b, "b", witness);
        await ClusterNode.Form(a, b);
        witness.Expect("started a");
        Assert.Equal("a", await Where(Proxy(a)));
        Assert.Equal("a", await Where(Proxy(b)));
        Assert.Equal("singleton", (await b.System.ActorSelection(a.Address + "/user/manager/singleton").ResolveOne(RemoteProbe.Deadline)).Path.Name);
    }

    [Fact]
    public async Task A_member_that_leaves_hands_over_and_the_next_starts_only_after_the_end_of_the_first()
    {
        await using var watching = ClusterNode.Start();
        await using var a = ClusterNode.Start();
        await using var b = ClusterNode.Start();
        await using var c = ClusterNode.Start();
        var witness = watching.Probe();
        Manage(a, "a", witness, termination: "end");
        Manage(b, "b", witness, termination: "end");
        Manage(c, "c", witness, termination: "end");
        await ClusterNode.Form(a, b, c);
        witness.Expect("started a");
        var proxy = Proxy(c);
        Assert.Equal("a", await Where(proxy));
        await a.Cluster.LeaveAsync().WaitAsync(RemoteProbe.Deadline);
        witness.Expect("told to end a");
        witness.Expect("stopped a");
        witness.Expect("started b");
        Assert.Equal("b", await Where(proxy));
        await b.Terminate();
        witness.Expect("told to end b");
        witness.Expect("stopped b");
        witness.Expect("started c");
    }

    [Fact]
    public async Task After_the_removal_of_a_crashed_member_the_next_takes_over()
    {
        await using var a = ClusterNode.StartMortal(hocon: Resolver);
        await using var b = ClusterNode.Start(hocon: Resolver);
        await using var c = ClusterNode.Start(hocon: Resolver);
        var witness = c.Probe();
        Manage(a, "a", witness);
        Manage(b, "b", witness);
        Manage(c, "c", witness);
        await ClusterNode.Form(a, b, c);
        witness.Expect("started a");
        var proxy = Proxy(c);
        Assert.Equal("a", await Where(proxy));
        await a.Terminate();
        witness.FishFor<string>(x => x == "started b");
        Assert.Equal("b", await Where(proxy));
    }

    [Fact]
    public async Task A_member_cut_off_with_it_stops_it()
    {
        using var links = new ClusterLinks();
        await using var watching = ClusterNode.Start();
        await using var a = links.Start(Resolver);
        await using var b = links.Start(Resolver);
        await using var c = links.Start(Resolver);
        var witness = watching.Probe();
        Manage(a, "a", witness);
        Manage(b, "b", witness);
        Manage(c, "c", witness);
        await ClusterNode.Form(a, b, c);
        witness.Expect("started a");
        links.Isolate(a);
        string[] both = [witness.Expect<string>(), witness.Expect<string>()];
        Assert.Equal(["started b", "stopped a"], both.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task It_runs_on_members_of_its_role_only()
    {
        await using var a = ClusterNode.Start();
        await using var b = ClusterNode.Start(hocon: "akka.cluster.roles = [worker]");
        var witness = a.Probe();
        Manage(b, "b", witness, role: "worker");
        await ClusterNode.Form(a, b);
        witness.Expect("started b");
        Assert.Equal("b", await Where(Proxy(a, role: "worker")));
    }

    [Fact]
    public async Task A_proxy_keeps_messages_and_their_order_until_it_is_found()
    {
        await using var a = ClusterNode.Start();
        var proxy = Proxy(a);
        var asking = a.Probe();
        for (var i = 0; i < 100; i++)
            proxy.Tell(i, asking.Ref);
        var witness = a.Probe();
        await ClusterNode.Form(a);
        Manage(a, "a", witness);
        for (var i = 0; i < 100; i++)
            asking.Expect(i);
    }

    [Fact]
    public async Task The_only_member_can_leave_with_it()
    {
        await using var a = ClusterNode.Start();
        await using var watching = ClusterNode.Start();
        var witness = watching.Probe();
        Manage(a, "a", witness);
        await ClusterNode.Form(a);
        witness.Expect("started a");
        await a.Cluster.LeaveAsync().WaitAsync(RemoteProbe.Deadline);
        witness.Expect("stopped a");
        await a.System.WhenTerminated.WaitAsync(RemoteProbe.Deadline);
    }
}
