using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using Akka.Embedded.Simulation;
using Akka.Remote.Transport;

namespace Akka.Embedded.Tests.Cluster;

using Cluster = Akka.Cluster.Cluster;

/// <summary>A whole cluster in one thread, with the official defaults for all times: the same seed gives the same history.</summary>
public sealed class ClusterSimulationSpec
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5);

    private sealed class Recorder : UntypedActor
    {
        private readonly Cluster _cluster;
        private readonly Action<object> _record;

        public Recorder(Cluster cluster, Action<object> record)
        {
            _cluster = cluster;
            _record = record;
        }

        protected override void PreStart()
            => _cluster.Subscribe(Self, ClusterEvent.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent), typeof(ClusterEvent.IReachabilityEvent), typeof(ClusterEvent.LeaderChanged));

        protected override void OnReceive(object message) => _record(message);
    }

    /// <summary>Three nodes join; the third is cut off; the others remove it, and it stops.</summary>
    private static List<string> Run(int seed)
    {
        using var runtime = new SimulatedRuntime(seed);
        var timers = new List<ITimer>();
        var network = new InMemoryNetwork(seed, (delay, action) => timers.Add(runtime.TimeProvider.CreateTimer(_ => action(), state: null, delay, Timeout.InfiniteTimeSpan)));
        var transport = $"cluster-simulation-{seed}-{Guid.NewGuid():N}";
        RemoteTransports.Register(transport, system => network.CreateTransport(system.Settings.Config.GetString("test.host"), 1));
        try
        {
            var history = new List<string>();
            string[] hosts = ["a", "b", "c"];
            var clusters = Array.ConvertAll(hosts, host => Cluster.Get(runtime.CreateSystem("cluster", ConfigurationFactory.ParseString($$"""
                akka.actor.provider = cluster
                akka.stdout-loglevel = OFF
                akka.loglevel = OFF
                akka.embedded.transport = "{{transport}}"
                test.host = {{host}}
                akka.cluster.seed-nodes = ["akka.tcp://cluster@a:1", "akka.tcp://cluster@b:1"]
                """))));
            for (var i = 0; i < hosts.Length; i++)
            {
                var host = hosts[i];
                var cluster = clusters[i];
                cluster.System.ActorOf(Props.Create(() => new Recorder(cluster, e => history.Add($"{runtime.Elapsed.TotalMilliseconds:0} {host}: {e.GetType().Name} {Address(e)}"))));
            }

            Assert.True(runtime.RunUntil(() => clusters.All(c => c.State.Members.Count(m => m.Status == MemberStatus.Up) == 3), Long), "they did not form a cluster");
            foreach (var other in (string[])["a:1", "b:1"])
            {
                network.Cut("c:1", other);
                network.Cut(other, "c:1");
            }

            Assert.True(runtime.RunUntil(() => clusters[2].IsTerminated && clusters[..2].All(c => c.State.Members.Count == 2 && c.State.Unreachable.IsEmpty), Long), "they did not part");
            return history;
        }
        finally
        {
            RemoteTransports.Remove(transport);
        }
    }

    private static string Address(object e) => e switch
    {
        ClusterEvent.IMemberEvent change => change.Member.Address.ToString(),
        ClusterEvent.ReachabilityEvent change => change.Member.Address.ToString(),
        ClusterEvent.LeaderChanged change => $"{change.Leader}",
        _ => "",
    };

    [Fact]
    public void Nodes_form_a_cluster_and_the_majority_survives_a_split_whatever_the_seed()
    {
        for (var seed = 0; seed < 5; seed++)
            Assert.Contains(Run(seed), line => line.Contains("a: MemberDowned akka.tcp://cluster@c:1", StringComparison.Ordinal));
    }

    [Fact]
    public void The_same_seed_gives_the_same_history() => Assert.Equal(Run(11), Run(11));
}
