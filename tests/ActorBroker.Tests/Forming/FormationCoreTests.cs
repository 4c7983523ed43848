using System.Collections.Immutable;
using ActorBroker.Forming;
using ActorBroker.Log;
using Xunit.Abstractions;

namespace ActorBroker.Tests.Forming;

/// <summary>Nodes find or form one cluster: in any order of start, with any majority of voters, over a network that loses and delays, while nodes crash.</summary>
public class FormationCoreTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    [Fact]
    public void One_node_alone_forms_at_its_first_tick()
    {
        var network = new FormationNetwork(seed: 1, voters: 1);
        network.Start(1);
        network.RunUntil(TimeSpan.FromMilliseconds(100));
        Assert.Equal(network.Formed[0].Cluster, network.ClusterOf(1));
    }

    [Theory]
    [InlineData(3, 0)]
    [InlineData(5, 0)]
    [InlineData(3, 2)]
    public void All_nodes_in_any_order_make_one_cluster(int voters, int others)
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var network = new FormationNetwork(seed, voters, others) { LossRate = seed % 3 * 0.1 };
            foreach (var id in Shuffled(network, voters + others))
            {
                network.Start(id);
                network.RunUntil(network.Now + TimeSpan.FromMilliseconds(network.Next(seed % 2 == 0 ? 300 : 3_000)));
            }

            Assert.True(network.RunUntil(() => !network.Outside.Any(), network.Now + Soon), $"seed {seed}: {string.Join(", ", network.Outside)} are outside");
            OneCluster(network, seed);
            Assert.Empty(network.GaveWay);
        }
    }

    [Fact]
    public void Any_majority_of_voters_forms_again_also_without_the_first_and_the_others_join_later()
    {
        foreach (var absent in new[] { 1, 2, 3 })
        {
            for (var seed = 0; seed < 100; seed++)
            {
                var network = new FormationNetwork(seed, voters: 3);
                foreach (var id in Shuffled(network, 3))
                    if (id != absent)
                        network.Start(id);
                Assert.True(network.RunUntil(() => !network.Outside.Any(), Soon), $"seed {seed}");
                network.Start(absent);
                Assert.True(network.RunUntil(() => !network.Outside.Any(), network.Now + Soon), $"seed {seed}");
                OneCluster(network, seed);
            }
        }
    }

    [Fact]
    public void A_lone_minority_waits_and_says_whom_it_waits_for()
    {
        var network = new FormationNetwork(seed: 5, voters: 5);
        network.Start(1);
        network.Start(4);
        network.RunUntil(Long);
        Assert.Empty(network.Formed);
        Assert.Contains(network.Warnings, warning => warning.Contains("2 of 5 voters are there, 3 are needed. No answer from: node 2, node 3, node 5", StringComparison.Ordinal));
    }

    [Fact]
    public void Nodes_that_are_no_voters_never_form_a_cluster()
    {
        var network = new FormationNetwork(seed: 6, voters: 3, others: 2);
        network.Start(4);
        network.Start(5);
        network.Start(2);
        network.RunUntil(Long);
        Assert.Empty(network.Formed);
    }

    /// <summary>The heart of it: with lost, late and reordered messages, and voters that crash and forget what they granted.</summary>
    [Fact]
    public void Two_candidates_never_both_form_while_nodes_can_reach_each_other()
    {
        var formed = 0;
        for (var seed = 0; seed < 1_000; seed++)
        {
            var network = new FormationNetwork(seed, voters: seed % 2 == 0 ? 3 : 5)
            {
                LossRate = seed % 4 * 0.05,
                LongestDelay = TimeSpan.FromMilliseconds(10 + seed % 5 * 60),
            };
            var nodes = seed % 2 == 0 ? 3 : 5;
            foreach (var id in Shuffled(network, nodes)) network.Start(id);
            // Restarts while they are looking for each other, never of one that has formed: its cluster is gone with it.
            for (var crash = 0; crash < 6; crash++)
            {
                network.RunUntil(network.Now + TimeSpan.FromMilliseconds(network.Next(900)), () => AtMostOne(network, seed));
                var victim = 1 + network.Next(nodes);
                if (network.ClusterOf(victim) is not null) continue;
                network.Crash(victim);
                network.RunUntil(network.Now + TimeSpan.FromMilliseconds(network.Next(400)), () => AtMostOne(network, seed));
                network.Start(victim);
            }

            network.RunUntil(network.Now + Soon, () => AtMostOne(network, seed));
            formed += network.Formed.Count;
            Assert.Empty(network.Outside);
        }

        output.WriteLine($"{formed} clusters in 1000 runs");
    }

    /// <summary>Both lack a lower voter, both have a majority with the third: only its grant, given to one of them, decides.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Two_that_can_not_reach_each_other_never_both_form_with_the_help_of_the_third(bool bothWays)
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var network = new FormationNetwork(seed, voters: 3) { LossRate = seed % 3 * 0.1, LongestDelay = TimeSpan.FromMilliseconds(20 + seed % 4 * 80) };
            network.Cuts.Add((1, 2));
            if (bothWays) network.Cuts.Add((2, 1));
            foreach (var id in Shuffled(network, 3)) network.Start(id);
            network.RunUntil(Soon, () => AtMostOne(network, seed));
            Assert.True(network.RunUntil(() => !network.Outside.Any(), network.Now + Long), $"seed {seed}: {string.Join(", ", network.Outside)} are outside");
            OneCluster(network, seed);
        }
    }

    [Fact]
    public void After_a_cut_that_made_two_clusters_the_weaker_gives_way_and_joins()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var network = new FormationNetwork(seed, voters: 3);
            foreach (var id in Shuffled(network, 3)) network.Start(id);
            Assert.True(network.RunUntil(() => !network.Outside.Any(), Soon));
            // The first is cut off just when the others are restarted, and stays a cluster of its own.
            foreach (var other in new[] { 2, 3 })
            {
                network.Cuts.Add((1, other));
                network.Cuts.Add((other, 1));
                network.Crash(other);
                network.Start(other);
            }

            Assert.True(network.RunUntil(() => !network.Outside.Any(), network.Now + Soon), $"seed {seed}");
            Assert.Equal(2, network.Clusters.Count());
            network.Cuts.Clear();
            Assert.True(network.RunUntil(() => network.Clusters.Count() == 1 && !network.Outside.Any(), network.Now + Long), $"seed {seed}");
            Assert.Equal([1], network.GaveWay);
        }
    }

    /// <summary>
    /// A cut-off node missed the other two one after the other, so each time it took itself for the larger part, and downed them as they downed
    /// it: both parts were the same Akka cluster, refused each other, and nobody gave way.
    /// </summary>
    [Fact]
    public void Without_controller_and_majority_of_voters_a_member_gives_way()
    {
        var voters = Enumerable.Range(1, 3).Select(id => new BrokerId(id)).ToImmutableArray();
        var core = new FormationCore(new FormationSetup(voters[0], voters, [new(voters[1], "voter 2"), new(voters[2], "voter 3")], Guid.NewGuid()), null, TimeSpan.Zero);
        core.OnUp();
        core.OnStrength(1);
        Assert.False(GivesWay(from: 0, to: 60)); // with a controller, whatever the voters are now
        core.OnController(isHeard: false);
        Assert.False(GivesWay(from: 60, to: 69));
        core.OnStrength(2);
        Assert.False(GivesWay(from: 69, to: 100)); // there may soon be one
        core.OnStrength(1);
        Assert.False(GivesWay(from: 100, to: 109));
        core.OnController(isHeard: true);
        Assert.False(GivesWay(from: 109, to: 130));
        core.OnController(isHeard: false);
        Assert.True(GivesWay(from: 130, to: 140));

        bool GivesWay(int from, int to)
        {
            core.Effects.Clear();
            for (var second = from; second <= to; second++) core.OnTick(TimeSpan.FromSeconds(second));
            return core.Effects.OfType<FormationEffect.GiveWay>().Any();
        }
    }

    [Fact]
    public void A_node_with_the_data_of_another_cluster_is_refused_and_harms_nobody()
    {
        var network = new FormationNetwork(seed: 8, voters: 3);
        network.Start(1, "ours");
        network.Start(2, "ours");
        Assert.True(network.RunUntil(() => !network.Outside.Any(), Soon));
        network.Start(3, "theirs");
        network.RunUntil(network.Now + Soon);
        var refusal = Assert.Single(network.Refusals);
        Assert.Contains("belongs to cluster ours, this node's data to cluster theirs", refusal, StringComparison.Ordinal);
        Assert.Equal([1, 2], network.Alive);
        Assert.Single(network.Clusters);
    }

    [Fact]
    public void A_node_of_another_cluster_is_no_help_in_forming_one()
    {
        var network = new FormationNetwork(seed: 9, voters: 3);
        network.Start(1, "ours");
        network.Start(3, "theirs");
        network.RunUntil(Soon);
        Assert.Empty(network.Formed);
        Assert.Contains(network.Warnings, warning => warning.Contains("it is not counted", StringComparison.Ordinal));
    }

    private static void AtMostOne(FormationNetwork network, int seed) =>
        Assert.True(network.Clusters.Count() <= 1, $"seed {seed}: two clusters: {string.Join("; ", network.Formed)}");

    private static void OneCluster(FormationNetwork network, int seed)
    {
        Assert.True(network.Formed.Count == 1, $"seed {seed}: {string.Join("; ", network.Formed)}");
        Assert.Single(network.Clusters);
    }

    private static int[] Shuffled(FormationNetwork network, int nodes)
    {
        var ids = Enumerable.Range(1, nodes).ToArray();
        for (var i = nodes - 1; i > 0; i--)
        {
            var j = network.Next(i + 1);
            (ids[i], ids[j]) = (ids[j], ids[i]);
        }

        return ids;
    }
}
