using System.Collections.Immutable;
using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Metadata;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Tests.Control.Simulation;

/// <summary>
/// Thousands of seeded histories of brokers that start, stop, pause, lose power and disks, with leaders that write, commit
/// and propose by views that lag behind, and of controllers that follow each other on a log that is compacted at random: no
/// rule of the metadata is ever broken, nothing committed is lost by a clean election, and the log alone gives the same
/// image again.
/// </summary>
public class ControllerPropertyTests
{
    private const int Steps = 150;
    private const string Internal = "__consumer_offsets";

    [Fact]
    public void No_history_breaks_a_rule_or_loses_what_was_committed()
    {
        long elections = 0, committed = 0, recoveries = 0;
        for (var seed = 1; seed <= 2000; seed++)
        {
            var model = Run(seed, losesData: seed % 2 == 0);
            elections += model.Elections;
            committed += model.Committed;
            recoveries += model.Recoveries;
            if (seed % 10 != 0) continue;
            CheckReplay(model, seed);
            Settle(model, seed);
        }

        // The histories are worth something.
        Assert.True(elections > 20_000, $"{elections} elections");
        Assert.True(committed > 10_000, $"{committed} records committed");
        Assert.True(recoveries > 100, $"{recoveries} recoveries");
    }

    [Theory]
    [InlineData(TakenOut.BrokerEpochs)]
    [InlineData(TakenOut.PartitionEpochs)]
    public void A_rule_that_is_taken_out_is_missed(TakenOut rule)
    {
        for (var seed = 1; seed <= 2000; seed++)
        {
            try
            {
                Run(seed, losesData: true, rule);
            }
            catch (InvalidOperationException caught)
            {
                Assert.Contains("committed", caught.InnerException!.Message, StringComparison.Ordinal);
                return;
            }
        }

        Assert.Fail("no history shows what it is for");
    }

    private static ClusterModel Run(int seed, bool losesData, TakenOut takenOut = TakenOut.Nothing)
    {
        var random = new Random(seed);
        var model = new ClusterModel(seed, takenOut);
        try
        {
            foreach (var node in model.Nodes.Values)
            {
                model.Start(node);
                model.Advance(node, newest: true);
                model.Beat(node, wantsShutdown: false);
            }

            model.Do(new CreateTopics([new NewTopic("a", 2, 3, [], []), new NewTopic("b", 1, 2, [], [new("min.insync.replicas", "2")]), new NewTopic("c", 1, 1, [], []), new NewTopic(Internal, 2, 1, [], [])], ValidateOnly: false));
            for (var step = 0; step < Steps; step++) Step(model, random, losesData);
            return model;
        }
        catch (Exception broken)
        {
            throw new InvalidOperationException($"seed {seed}", broken);
        }
    }

    private static void Step(ClusterModel model, Random random, bool losesData)
    {
        var node = model.Nodes[random.Next(1, model.Nodes.Count + 1)];
        var topics = model.Image.TopicsByName.Values.ToList();
        var topic = topics.Count > 0 ? topics[random.Next(topics.Count)] : null;
        var index = topic is null ? 0 : random.Next(topic.Partitions.Length);
        var choice = random.Next(100);
        if (choice < 55 && topic is not null)
        {
            model.Append(topic.Id, index);
            foreach (var follower in model.Nodes.Values)
                if (random.Next(3) > 0) model.Fetch(follower, topic.Id, index);
            model.Commit(topic.Id, index);
            if (random.Next(3) == 0)
                foreach (var leader in model.Nodes.Values) model.Propose(leader, topic.Id, index);
            model.Commit(topic.Id, index);
        }
        else if (choice < 65) model.Advance(node, newest: random.Next(2) == 0);
        else if (choice < 76)
        {
            model.Start(node);
            if (random.Next(4) > 0) model.Advance(node, newest: true);
            model.Beat(node, wantsShutdown: false);
        }
        else if (choice < 81) model.Fence(node); // dead, or taken for it
        else if (choice < 85) node.Stop(clean: false);
        else if (choice < 87) model.Beat(node, wantsShutdown: true);
        else if (choice < 89 && losesData) node.LosePower(random, model.NewId());
        else if (choice == 89 && losesData) node.LoseDisk(model.NewId());
        else if (choice == 90 && topic is not null) Belate(model, random, topic.Id, index);
        else if (choice < 93 && losesData && topic is not null) Relapse(model, random, node, topic.Id, index);
        else Administer(model, random, topic, index);
    }

    /// <summary>It had caught up, and is back within moments without all of it, before its leader has noticed that it had gone.</summary>
    private static void Relapse(ClusterModel model, Random random, ModelNode node, TopicId topic, int index)
    {
        for (var i = random.Next(6); i > 0; i--) model.Fetch(node, topic, index);
        node.LosePower(random, model.NewId());
        model.Start(node);
        model.Advance(node, newest: true);
        model.Beat(node, wantsShutdown: false);
        foreach (var leader in model.Nodes.Values)
        {
            if (random.Next(2) == 0) model.Advance(leader, newest: true);
            model.Propose(leader, topic, index);
        }

        if (random.Next(2) == 0) model.Fence(model.Nodes[random.Next(1, model.Nodes.Count + 1)]);
        else FenceLeader(model, topic, index);
    }

    /// <summary>One follower falls behind and records are committed without it; then a copy of an earlier proposal arrives, and its leader is gone.</summary>
    private static void Belate(ClusterModel model, Random random, TopicId topic, int index)
    {
        var slow = model.Nodes[random.Next(1, model.Nodes.Count + 1)];
        foreach (var node in model.Nodes.Values) model.Advance(node, newest: true);
        for (var round = 0; round < 6; round++)
        {
            model.Append(topic, index);
            foreach (var follower in model.Nodes.Values)
                if (round < 3 || (follower != slow && random.Next(4) > 0)) model.Fetch(follower, topic, index);
            foreach (var leader in model.Nodes.Values) model.Propose(leader, topic, index);
            model.Commit(topic, index);
        }

        model.Redeliver(topic, index);
        if (random.Next(4) > 0) FenceLeader(model, topic, index);
    }

    private static void FenceLeader(ClusterModel model, TopicId topic, int index)
    {
        if (model.Image.FindTopic(topic)?.Partitions[index].Leader is { } leader) model.Fence(model.Nodes[leader.Value]);
    }

    /// <summary>In the end all brokers live: then internal topics have their replicas, and those are in sync.</summary>
    private static void Settle(ClusterModel model, int seed)
    {
        foreach (var node in model.Nodes.Values)
        {
            if (node.IsAlive) node.Stop(clean: true);
            model.Fence(node);
            model.Start(node);
            model.Advance(node, newest: true);
            model.Beat(node, wantsShutdown: false);
        }

        for (var round = 0; round < 30; round++)
        {
            model.RaiseInternalTopics();
            foreach (var node in model.Nodes.Values) model.Advance(node, newest: true);
            if (model.Image.FindTopic(Internal) is not { } topic) return;
            foreach (var partition in topic.Partitions)
            {
                for (var i = 0; i < 20; i++)
                    foreach (var node in model.Nodes.Values) model.Fetch(node, topic.Id, partition.Index);
                foreach (var node in model.Nodes.Values) model.Propose(node, topic.Id, partition.Index);
            }
        }

        foreach (var partition in model.Image.FindTopic(Internal)!.Partitions)
            Assert.True(partition.Leader is null || (partition.Isr.Length >= 3 && !partition.IsReassigning), $"seed {seed}: {partition} has not got its replicas");
    }

    private static void Administer(ClusterModel model, Random random, TopicImage? topic, int index)
    {
        switch (random.Next(12))
        {
            case 0:
                model.Do(new CreateTopics([new NewTopic($"t{random.Next(3)}", random.Next(1, 3), random.Next(1, 4), [], [])], ValidateOnly: false));
                break;
            case 1 when random.Next(4) == 0 && topic is not null:
                model.Do(new DeleteTopics([new TopicReference(null, topic.Id)]));
                break;
            case 2 when topic is not null:
                model.Do(new AlterTopicConfigs([new TopicConfigChanges(topic.Name, [new ConfigChange("min.insync.replicas", random.Next(3) switch { 0 => null, 1 => "1", _ => "2" })])], ValidateOnly: false));
                break;
            case 3 when topic is not null && random.Next(3) == 0:
                model.Do(new AlterTopicConfigs([new TopicConfigChanges(topic.Name, [new ConfigChange("unclean.leader.election.enable", random.Next(4) == 0 ? "true" : "false")])], ValidateOnly: false));
                break;
            case 4:
                model.Do(new ElectLeaders(random.Next(10) == 0 ? ElectionKind.Unclean : ElectionKind.Preferred, []));
                break;
            case 5 or 6 when topic is not null:
                ImmutableArray<BrokerId> replicas = [.. model.Nodes.Values.Select(node => node.Id).OrderBy(_ => random.Next()).Take(random.Next(4))];
                model.Do(new AlterReassignments([new Reassignment(topic.Name, index, replicas)]));
                break;
            case 7:
                model.Rebalance();
                break;
            case 8:
                model.Compact();
                break;
            case 9:
                model.RestartController();
                break;
            case 10:
                model.RaiseInternalTopics();
                break;
            default:
                model.Do(new UnregisterBroker(new BrokerId(random.Next(1, 5))));
                break;
        }
    }

    /// <summary>From the events as stored, and from an image as stored halfway with the events that follow.</summary>
    private static void CheckReplay(ClusterModel model, int seed)
    {
        var events = new ControlEventSerializer(null!);
        var messages = new ControllerMessageSerializer(null!);
        var image = MetadataImage.Empty;
        for (var i = 0; i < model.Events.Count; i++)
        {
            var (sequence, change) = model.Events[i];
            image = ControllerState.Apply(image, (IControlEvent)events.FromBinary(events.ToBinary(change), events.Manifest(change)), sequence);
            if (i == model.Events.Count / 2)
                image = ((MetadataSnapshot)messages.FromBinary(messages.ToBinary(new MetadataSnapshot(image)), "MetadataSnapshot:1")).Image;
        }

        Assert.True(ClusterModel.Text(model.Image) == ClusterModel.Text(image), $"seed {seed}: replayed events give another image");
    }
}
