using System.Net.Sockets;
using ActorBroker.Log;
using ActorBroker.Replication;
using Akka.Actor;

namespace ActorBroker.Tests.Replication;

/// <summary>Real replicas on nodes of their own, over real TCP; the test plays the controller.</summary>
public sealed class ReplicationTests
{
    [Fact]
    public async Task What_the_leader_takes_is_on_every_replica_before_it_is_acknowledged()
    {
        await using var cluster = new ReplicaCluster(3);
        var topic = cluster.CreateTopic("flights", leader: 1, [1, 2, 3]);
        for (var i = 0; i < 20; i++)
        {
            var reply = await cluster[1].ProduceAsync(topic, Acks.All, $"a{i}", $"b{i}");
            Assert.Equal((PartitionError.None, new Offset(2 * i)), (reply!.Error, reply.BaseOffset));
            foreach (var id in new[] { 1, 2, 3 }) Assert.True(cluster[id].Find(topic)!.View.LogEnd >= new Offset((2 * i) + 2));
        }

        cluster.UntilEqual(topic, 1, 2, 3);
        Assert.Equal(40, cluster.Values(topic, 3).Count);
    }

    [Fact]
    public async Task Many_partitions_share_a_connection_and_none_is_left_behind()
    {
        await using var cluster = new ReplicaCluster(2);
        var topic = cluster.CreateTopic("many", leader: 1, [1, 2], partitions: 50);
        var appends = Enumerable.Range(0, 50).SelectMany(partition => Enumerable.Range(0, 3).Select(_ => partition)).ToList();
        foreach (var partition in appends)
            cluster[1].Find(topic, partition)!.Actor.Tell(new PartitionProtocol.Append(
                new RequestKey(ActorRefs.Nobody, 0, 0), Acks.All, LeaderEpoch.None, Api.DataPath.Batch(0, new string('x', 1000))));
        ReplicaCluster.Until("all are committed on both", () => Enumerable.Range(0, 50).All(partition =>
            cluster[1].Find(topic, partition)!.View.HighWatermark == new Offset(3) && cluster[2].Find(topic, partition)!.View.HighWatermark == new Offset(3)));
    }

    [Fact]
    public async Task A_leader_that_was_replaced_cuts_what_nobody_else_has()
    {
        await using var cluster = new ReplicaCluster(3);
        var topic = cluster.CreateTopic("flights", leader: 1, [1, 2, 3]);
        await cluster[1].ProduceAsync(topic, Acks.All, "shared");
        cluster.KeepInTheDark(1);
        cluster.Elect(topic, 2, 2, 3);
        ReplicaCluster.Until("2 leads", () => cluster[2].Find(topic)!.View.IsLeader);
        Assert.Equal(PartitionError.None, (await cluster[1].ProduceAsync(topic, Acks.Leader, "lost 1", "lost 2"))!.Error);
        Assert.Equal(PartitionError.None, (await cluster[1].ProduceAsync(topic, Acks.Leader, "lost 3"))!.Error);
        Assert.Equal(PartitionError.None, (await cluster[2].ProduceAsync(topic, Acks.All, "kept"))!.Error);
        cluster.KeepInTheDark();
        cluster.UntilEqual(topic, 1, 2, 3);
        Assert.Equal(["shared", "kept"], cluster.Values(topic, 1));
        ReplicaCluster.Until("1 is in sync again", () => cluster.Standing(topic).Isr.Length == 3);
    }

    [Fact]
    public async Task A_killed_follower_goes_on_where_its_log_ends()
    {
        await using var cluster = new ReplicaCluster(3);
        var topic = cluster.CreateTopic("flights", leader: 1, [1, 2, 3]);
        await cluster[1].ProduceAsync(topic, Acks.All, "a");
        await cluster[2].KillAsync();
        cluster.SetIsr(topic, 1, 3);
        Assert.Equal(PartitionError.None, (await cluster[1].ProduceAsync(topic, Acks.All, "b"))!.Error);
        cluster.Start(2);
        cluster.UntilEqual(topic, 1, 2, 3);
        ReplicaCluster.Until("2 is in sync again", () => cluster.Standing(topic).Isr.Length == 3);
    }

    [Fact]
    public async Task A_leader_that_was_killed_and_restarted_is_found_again()
    {
        await using var cluster = new ReplicaCluster(3);
        var topic = cluster.CreateTopic("flights", leader: 1, [1, 2, 3]);
        await cluster[1].ProduceAsync(topic, Acks.All, "a");
        await cluster[1].KillAsync();
        cluster.Elect(topic, 2, 2, 3);
        ReplicaCluster.Until("2 leads", () => cluster[2].Find(topic)!.View.IsLeader);
        Assert.Equal(PartitionError.None, (await cluster[2].ProduceAsync(topic, Acks.All, "b"))!.Error);
        cluster.Start(1);
        ReplicaCluster.Until("1 is in sync again", () => cluster.Standing(topic).Isr.Length == 3);
        cluster.Elect(topic, 1, 1, 2, 3);
        ReplicaCluster.Until("1 leads", () => cluster[1].Find(topic) is { View.IsLeader: true });
        Assert.Equal(PartitionError.None, (await cluster[1].ProduceAsync(topic, Acks.All, "c"))!.Error);
        cluster.UntilEqual(topic, 1, 2, 3);
        Assert.Equal(["a", "b", "c"], cluster.Values(topic, 3));
    }

    [Fact]
    public async Task After_a_failover_the_new_leader_knows_a_producers_batches_again()
    {
        await using var cluster = new ReplicaCluster(3);
        var topic = cluster.CreateTopic("flights", leader: 1, [1, 2, 3]);
        for (var i = 0; i < 3; i++) await cluster[1].ProduceAsync(topic, Acks.All, 2 * i, $"{2 * i}", $"{(2 * i) + 1}");
        await cluster[1].KillAsync();
        cluster.Elect(topic, 2, 2, 3);
        ReplicaCluster.Until("2 leads", () => cluster[2].Find(topic)!.View.IsLeader);
        for (var i = 0; i < 3; i++)
        {
            var again = await cluster[2].ProduceAsync(topic, Acks.All, 2 * i, $"{2 * i}", $"{(2 * i) + 1}");
            Assert.Equal((PartitionError.None, new Offset(2 * i)), (again!.Error, again.BaseOffset));
        }

        Assert.Equal(PartitionError.OutOfOrderSequence, (await cluster[2].ProduceAsync(topic, Acks.All, 8, "gap"))!.Error);
        Assert.Equal(new Offset(6), (await cluster[2].ProduceAsync(topic, Acks.All, 6, "6"))!.BaseOffset);
        Assert.Equal(["0", "1", "2", "3", "4", "5", "6"], cluster.Values(topic, 2));
    }

    /// <summary>A leader takes two batches that nobody else has, is cut, and leads again: they come as new, and what is shared is known.</summary>
    [Fact]
    public async Task With_the_end_of_a_log_goes_what_was_known_of_its_producers()
    {
        await using var cluster = new ReplicaCluster(3);
        var topic = cluster.CreateTopic("flights", leader: 1, [1, 2, 3]);
        await cluster[1].ProduceAsync(topic, Acks.All, 0, "0");
        cluster.KeepInTheDark(1);
        cluster.Elect(topic, 2, 2, 3);
        ReplicaCluster.Until("2 leads", () => cluster[2].Find(topic)!.View.IsLeader);
        Assert.Equal(new Offset(1), (await cluster[1].ProduceAsync(topic, Acks.Leader, 1, "1"))!.BaseOffset);
        Assert.Equal(new Offset(2), (await cluster[1].ProduceAsync(topic, Acks.Leader, 2, "2"))!.BaseOffset);
        Assert.Equal(new Offset(1), (await cluster[2].ProduceAsync(topic, Acks.All, "another's"))!.BaseOffset);
        cluster.KeepInTheDark();
        cluster.UntilEqual(topic, 1, 2, 3);
        ReplicaCluster.Until("1 is in sync again", () => cluster.Standing(topic).Isr.Length == 3);
        cluster.Elect(topic, 1, 1, 2, 3);
        ReplicaCluster.Until("1 leads", () => cluster[1].Find(topic) is { View.IsLeader: true });
        Assert.Equal(PartitionError.OutOfOrderSequence, (await cluster[1].ProduceAsync(topic, Acks.All, 2, "2"))!.Error);
        Assert.Equal(new Offset(0), (await cluster[1].ProduceAsync(topic, Acks.All, 0, "0"))!.BaseOffset);
        Assert.Equal(new Offset(2), (await cluster[1].ProduceAsync(topic, Acks.All, 1, "1"))!.BaseOffset);
        Assert.Equal(new Offset(3), (await cluster[1].ProduceAsync(topic, Acks.All, 2, "2"))!.BaseOffset);
        cluster.UntilEqual(topic, 1, 2, 3);
        Assert.Equal(["0", "another's", "1", "2"], cluster.Values(topic, 3));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)] // within a batch
    public async Task A_follower_whose_log_ends_below_the_leaders_start_begins_anew(int logStart)
    {
        await using var cluster = new ReplicaCluster(3);
        var topic = cluster.CreateTopic("flights", leader: 1, [1, 2, 3]);
        await cluster[1].ProduceAsync(topic, Acks.All, "a");
        await cluster[2].KillAsync();
        cluster.SetIsr(topic, 1, 3);
        await cluster[1].ProduceAsync(topic, Acks.All, "b", "c");
        await cluster[1].ProduceAsync(topic, Acks.All, "d", "e", "f");
        await DeleteBelowAsync(cluster[1], topic, logStart);
        ReplicaCluster.Until("3 deletes as well", () => cluster[3].Find(topic)!.View.LogStart == new Offset(logStart));
        cluster.Start(2);
        ReplicaCluster.Until("2 follows", () => cluster[2].Find(topic) is { View: { LogStart: var start, HighWatermark.Value: 6 } } && start == new Offset(logStart));
        ReplicaCluster.Until("2 is in sync again", () => cluster.Standing(topic).Isr.Length == 3);
        Assert.Equal(["d", "e", "f"], cluster.Values(topic, 2));
    }

    [Fact]
    public async Task Whoever_lags_for_too_long_leaves_the_isr_and_acks_all_goes_on()
    {
        await using var cluster = new ReplicaCluster(3, lagTime: TimeSpan.FromSeconds(2));
        var topic = cluster.CreateTopic("flights", leader: 1, [1, 2, 3]);
        await cluster[1].ProduceAsync(topic, Acks.All, "a");
        await cluster[3].KillAsync();
        Assert.Equal(PartitionError.None, (await cluster[1].ProduceAsync(topic, Acks.All, "b"))!.Error);
        Assert.DoesNotContain(cluster[3].Id, cluster.Standing(topic).Isr);
        cluster.Start(3);
        ReplicaCluster.Until("3 is in sync again", () => cluster.Standing(topic).Isr.Length == 3);
        cluster.UntilEqual(topic, 1, 2, 3);
    }

    [Fact]
    public async Task A_new_replica_is_filled_and_one_that_was_taken_away_is_deleted()
    {
        await using var cluster = new ReplicaCluster(3);
        var topic = cluster.CreateTopic("flights", leader: 1, [1, 2]);
        await cluster[1].ProduceAsync(topic, Acks.All, "a", "b");
        cluster.SetReplicas(topic, [1, 2, 3], [1, 2]);
        ReplicaCluster.Until("3 is in sync", () => cluster.Standing(topic).Isr.Length == 3);
        cluster.SetReplicas(topic, [1, 3], [1, 3]);
        cluster.UntilEqual(topic, 1, 3);
        ReplicaCluster.Until("2 holds nothing", () => cluster[2].Find(topic) is null && !cluster[2].Directory.ListPartitions().Any());
        Assert.Equal(PartitionError.None, (await cluster[1].ProduceAsync(topic, Acks.All, "c"))!.Error);
    }

    [Fact]
    public async Task A_follower_takes_what_its_leader_took_whatever_its_own_limit_says()
    {
        await using var cluster = new ReplicaCluster(2);
        var topic = cluster.CreateTopic("large", leader: 1, [1, 2], partitions: 1, ("max.message.bytes", "5000000"));
        var value = new string('x', 3_000_000); // more than one answer's replica.fetch.max.bytes
        Assert.Equal(PartitionError.None, (await cluster[1].ProduceAsync(topic, Acks.All, value))!.Error);
        cluster.UntilEqual(topic, 1, 2);
    }

    [Fact]
    public async Task Garbage_costs_the_connection_that_it_came_on_and_nothing_else()
    {
        await using var cluster = new ReplicaCluster(2);
        var topic = cluster.CreateTopic("flights", leader: 1, [1, 2]);
        var random = new Random(7);
        for (var i = 0; i < 20; i++)
        {
            using var stranger = new TcpClient("127.0.0.1", cluster[1].Server.Port);
            var garbage = new byte[random.Next(4, 10_000)];
            random.NextBytes(garbage);
            if (i % 3 == 0) new byte[] { 0, 0, 0, 40 }.CopyTo(garbage, 0);
            var stream = stranger.GetStream();
            try
            {
                await stream.WriteAsync(garbage);
                stranger.Client.Shutdown(SocketShutdown.Send);
                while (await stream.ReadAsync(new byte[100]).AsTask().WaitAsync(ReplicaNode.Patience) > 0)
                {
                }
            }
            catch (IOException)
            {
                // Cut off in the middle.
            }
        }

        Assert.Equal(PartitionError.None, (await cluster[1].ProduceAsync(topic, Acks.All, "a"))!.Error);
        cluster.UntilEqual(topic, 1, 2);
    }

    [Fact]
    public async Task A_node_of_another_cluster_is_refused_and_told_why()
    {
        await using var cluster = new ReplicaCluster(1);
        using var link = new TcpClient("127.0.0.1", cluster[1].Server.Port);
        var hello = new ActorBroker.Replication.Wire.Handshake(new ClusterId("other"), new BrokerId(2), 1, new BrokerId(1));
        await link.Client.SendAsync(hello.ToFrame());
        using var reader = new MemoryStream();
        await link.GetStream().CopyToAsync(reader).WaitAsync(ReplicaNode.Patience);
        var (error, reason) = ActorBroker.Replication.Wire.Handshake.ReadAnswer(reader.ToArray().AsMemory(4));
        Assert.Equal(ActorBroker.Protocol.ErrorCode.InconsistentClusterId, error);
        Assert.Equal("Broker 1 is in cluster test, not in other.", reason);
    }

    [Fact]
    public async Task A_follower_keeps_its_high_watermark_over_a_clean_stop()
    {
        await using var cluster = new ReplicaCluster(2);
        var topic = cluster.CreateTopic("flights", leader: 1, [1, 2]);
        await cluster[1].ProduceAsync(topic, Acks.All, "a", "b");
        cluster.UntilEqual(topic, 1, 2);
        Assert.True(await cluster[2].StopCleanlyAsync());
        cluster.Elect(topic, null, 1, 2);
        cluster.Start(2);
        ReplicaCluster.Until("2 has opened", () => cluster[2].Find(topic) is not null);
        Assert.Equal(new Offset(2), cluster[2].Find(topic)!.View.HighWatermark);
    }

    /// <summary>As a client's DeleteRecords does.</summary>
    private static async Task DeleteBelowAsync(ReplicaNode node, ActorBroker.Metadata.TopicImage topic, int offset)
    {
        var deleted = await node.Find(topic)!.Actor.Ask<PartitionProtocol.RecordsDeleted>(
            asker => new PartitionProtocol.DeleteRecords(new RequestKey(asker, 1, 0), new Offset(offset)), ReplicaNode.Patience, CancellationToken.None);
        Assert.Equal((PartitionError.None, new Offset(offset)), (deleted.Error, deleted.LogStart));
    }
}
