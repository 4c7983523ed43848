using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using ActorBroker.Cli.Tests.Processes;
using ActorBroker.Client;
using ActorBroker.Log;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Configuration;
using Xunit.Abstractions;

namespace ActorBroker.Cli.Tests;

/// <summary>
/// Members of a group as actors against a real node: flights shared by two of which one dies; and members that are restarted
/// one after another while records stream, where what does not move is read on.
/// </summary>
public class GroupMembersTests(ITestOutputHelper output)
{
    private const string Group = "g";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Two_members_share_flights_and_when_one_dies_the_other_does_all_that_was_not_committed()
    {
        await using var node = await StartNodeAsync();
        using var system = ClientSystem();
        var file = Path.Combine(AppContext.BaseDirectory, "Data", "flights-sample.jsonl");
        var flights = (await File.ReadAllLinesAsync(file)).Select(line => line.Split('\t', 2)).ToList();
        await CreateTopicAsync(system, node, partitions: 4);
        await using var producer = ProducerClient.Create(system, ProducerSettings.Create(system).WithBootstrap(node.Bootstrap));
        await using var admin = AdminClient.Create(system, ClientSettings.Create(system).WithBootstrap(node.Bootstrap));
        var (survivor, victim) = (new Member(), new Member());
        Start(system, node, survivor);
        var dies = Start(system, node, victim);
        await UntilAsync(() => survivor.Assigned.Count == 2 && victim.Assigned.Count == 2);

        // Members would not take notice of offsets set behind their backs.
        var altered = await admin.AlterGroupOffsetsAsync(Group, new Dictionary<TopicPartition, Offset> { [new("t", 0)] = new(1) });
        Assert.Equal(ErrorCode.UnknownMemberId, Assert.Single(altered).Error);
        var described = Assert.Single(await admin.DescribeGroupsAsync([Group]));
        Assert.Equal(("Stable", "cooperative-sticky", 2), (described.State, described.Assignor, described.Members.Count));
        Assert.Equal(4, described.Members.SelectMany(member => member.Partitions).Distinct().Count());

        var highest = new Dictionary<TopicPartition, Offset>();
        for (var i = 0; i < flights.Count; i++)
        {
            // Dead without a word in the middle of its work, with a batch out that it never answers for.
            if (i == flights.Count / 2)
            {
                await UntilAsync(() => !victim.Seen.IsEmpty);
                victim.IsHanging = true;
            }

            if (i == flights.Count / 2 + 100)
                system.Stop(dies);
            _ = producer.ProduceAsync("t", Encoding.UTF8.GetBytes(flights[i][0]), Encoding.UTF8.GetBytes(i.ToString(CultureInfo.InvariantCulture)));
            if (i % 200 == 0)
                await CheckCommitsAsync(admin, highest);
        }

        await producer.FlushAsync();
        await UntilAsync(() => survivor.Done.Concat(victim.Done).Select(record => record.Value).Distinct().Count() == flights.Count);
        await UntilAsync(() => survivor.Assigned.Count == 4);
        await CheckCommitsAsync(admin, highest);
        // Each partition in order, and so each key; what the survivor took over it did once.
        foreach (var partition in survivor.Done.GroupBy(record => record.Partition).Concat(victim.Done.GroupBy(record => record.Partition)))
            Assert.Equal(partition.Select(record => record.Offset).Distinct().Order(), partition.Select(record => record.Offset));
    }

    [Fact]
    public Task A_rolling_restart_of_cooperative_members_never_stops_what_does_not_move() =>
        RestartInTurnAsync(members: 4, partitions: 12, writeEvery: TimeSpan.FromMilliseconds(20));

    /// <summary>Says how long the longest pause was; a record comes to each partition every so often, which is part of it.</summary>
    [Fact]
    [Trait("Category", "Long")]
    public Task A_rolling_restart_of_ten_members_never_stops_those_of_200_partitions_that_do_not_move() =>
        RestartInTurnAsync(members: 10, partitions: 200, writeEvery: TimeSpan.FromMilliseconds(100));

    [Fact]
    public async Task Where_a_group_without_members_reads_on_can_be_set_and_forgotten()
    {
        await using var node = await StartNodeAsync();
        using var system = ClientSystem();
        await CreateTopicAsync(system, node, partitions: 2);
        await using var admin = AdminClient.Create(system, ClientSettings.Create(system).WithBootstrap(node.Bootstrap));
        var (zero, one, missing) = (new TopicPartition("t", 0), new TopicPartition("t", 1), new TopicPartition("t", 2));
        var set = await admin.AlterGroupOffsetsAsync(Group, new Dictionary<TopicPartition, Offset> { [zero] = new(5), [one] = new(7) });
        Assert.All(set, result => Assert.Equal(ErrorCode.None, result.Error));

        var deleted = await admin.DeleteGroupOffsetsAsync(Group, [zero, missing]);
        Assert.Equal([(zero, ErrorCode.None), (missing, ErrorCode.UnknownTopicOrPartition)], deleted.Select(result => (result.Partition, result.Error)));
        var left = Assert.Single(await admin.ListGroupOffsetsAsync(Group), offset => offset.Value.Offset != Offset.None);
        Assert.Equal((one, 7L), (left.Key, left.Value.Offset.Value));
    }

    private async Task RestartInTurnAsync(int members, int partitions, TimeSpan writeEvery)
    {
        await using var node = await StartNodeAsync();
        using var system = ClientSystem();
        await CreateTopicAsync(system, node, partitions);
        await using var producer = ProducerClient.Create(system, ProducerSettings.Create(system).WithBootstrap(node.Bootstrap));
        using var stop = new CancellationTokenSource();
        var writing = WriteAsync(producer, partitions, writeEvery, stop.Token);
        var all = new List<Member>();
        var running = new Queue<(Member Member, IActorRef Consumer)>();
        for (var i = 0; i < members; i++)
            running.Enqueue(StartNext());
        await UntilAsync(() => running.All(member => member.Member.Assigned.Count == partitions / members));
        await UntilAsync(() => running.All(member => !member.Member.Seen.IsEmpty));

        for (var i = 0; i < members; i++)
        {
            var (old, consumer) = running.Dequeue();
            consumer.Tell(new StopConsumer());
            await UntilAsync(() => running.Sum(member => member.Member.Assigned.Count) == partitions);
            running.Enqueue(StartNext());
            await UntilAsync(() => running.All(member => member.Member.Assigned.Count == partitions / members));
        }

        await stop.CancelAsync();
        var written = await writing;
        await producer.FlushAsync();
        await UntilAsync(() => all.Sum(member => member.Done.Count) >= written);
        var done = all.SelectMany(member => member.Done).ToList();
        Assert.Equal(written, done.Distinct().Count());
        Assert.Equal(written, done.Count); // clean stops and moves: nothing twice
        output.WriteLine($"longest pause of a partition that stayed with its member: {all.Max(member => member.LongestPause).TotalMilliseconds:0} ms; moves: {all.Sum(member => member.Revoked)}; records: {written}");
        // A member that stops hands on its share, one that comes gets as much: no more than those may move, besides the first balancing.
        Assert.InRange(all.Sum(member => member.Revoked), 1, 2 * partitions);
        Assert.True(all.Max(member => member.LongestPause) < Deadline);

        (Member, IActorRef) StartNext()
        {
            var member = new Member();
            all.Add(member);
            return (member, Start(system, node, member));
        }
    }

    private static async Task<int> WriteAsync(ProducerClient producer, int partitions, TimeSpan every, CancellationToken stop)
    {
        var written = 0;
        while (!stop.IsCancellationRequested)
        {
            for (var partition = 0; partition < partitions; partition++)
                _ = producer.ProduceAsync("t", null, Encoding.UTF8.GetBytes((written++).ToString(CultureInfo.InvariantCulture)), partition: partition);
            await Task.Delay(every, CancellationToken.None);
        }

        return written;
    }

    /// <summary>A committed offset never goes back.</summary>
    private static async Task CheckCommitsAsync(AdminClient admin, Dictionary<TopicPartition, Offset> highest)
    {
        foreach (var (partition, committed) in await admin.ListGroupOffsetsAsync(Group))
        {
            Assert.True(!highest.TryGetValue(partition, out var before) || before <= committed.Offset, $"{partition} went back from {before} to {committed.Offset}");
            highest[partition] = committed.Offset;
        }
    }

    private static IActorRef Start(ActorSystem system, NodeProcess node, Member member)
    {
        var settings = (ConsumerSettings.Create(system).WithBootstrap(node.Bootstrap).WithGroup(Group).Subscribe("t")
            .WithAssignment(AssignmentStrategy.CooperativeSticky).WithAutoCommit(TimeSpan.Zero)) with
        {
            AutoOffsetReset = AutoOffsetReset.Earliest,
            SessionTimeout = TimeSpan.FromSeconds(6),
            HeartbeatInterval = TimeSpan.FromMilliseconds(200),
            MaxPollRecords = 20,
        };
        return system.ActorOf(Consumer.Props(settings, system.ActorOf(Props.Create(() => new Target(member)))));
    }

    private static async Task CreateTopicAsync(ActorSystem system, NodeProcess node, int partitions)
    {
        await using var admin = AdminClient.Create(system, ClientSettings.Create(system).WithBootstrap(node.Bootstrap));
        Assert.True((await admin.CreateTopicsAsync([new NewTopic("t", partitions)]))[0].Succeeded);
    }

    private static async Task<NodeProcess> StartNodeAsync()
    {
        var node = new NodeProcess();
        var config = Path.Combine(node.DataDirectory, "test.conf");
        await File.WriteAllTextAsync(config, "actorbroker.group.initial.rebalance.delay.ms = 0\nactorbroker.offsets.topic.num.partitions = 4\n");
        await node.StartAsync("--config", config);
        return node;
    }

    private static ActorSystem ClientSystem() => ActorSystem.Create("groups-test", ConfigurationFactory.ParseString("""
        akka.loglevel = OFF
        akka.stdout-loglevel = OFF
        akka.actor.provider = remote
        akka.remote.dot-netty.tcp.hostname = "127.0.0.1"
        akka.remote.dot-netty.tcp.port = 0
        """));

    private static async Task UntilAsync(Func<bool> condition)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < Deadline, "it does not come to pass");
            await Task.Delay(10);
        }
    }

    /// <summary>What a member's target has seen and done.</summary>
    private sealed class Member
    {
        public volatile IReadOnlyList<TopicPartition> Assigned = [];
        public volatile bool IsHanging;
        public volatile int Revoked;

        public ConcurrentQueue<int> Seen { get; } = new();

        public ConcurrentQueue<(TopicPartition Partition, long Offset, int Value)> Done { get; } = new();

        /// <summary>Between two batches of one partition that this member kept meanwhile.</summary>
        public TimeSpan LongestPause { get; set; }
    }

    private sealed class Target(Member member) : UntypedActor
    {
        private readonly Dictionary<TopicPartition, long> _last = [];

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case ConsumerBatch batch:
                    OnBatch(batch);
                    break;
                case PartitionsAssigned assigned:
                    member.Assigned = assigned.Partitions;
                    break;
                case PartitionsRevoked revoked:
                    member.Revoked += revoked.Partitions.Count;
                    Forget(revoked.Partitions);
                    break;
                case PartitionsLost lost:
                    Forget(lost.Partitions);
                    break;
            }
        }

        private void OnBatch(ConsumerBatch batch)
        {
            var now = TimeProvider.System.GetTimestamp();
            if (_last.TryGetValue(batch.Partition, out var last) && TimeProvider.System.GetElapsedTime(last, now) is var pause && pause > member.LongestPause)
                member.LongestPause = pause;
            _last[batch.Partition] = now;
            foreach (var record in batch.Records)
            {
                var value = int.Parse(Encoding.UTF8.GetString(record.Value!.Value.Span), CultureInfo.InvariantCulture);
                member.Seen.Enqueue(value);
                if (!member.IsHanging)
                    member.Done.Enqueue((batch.Partition, record.Offset.Value, value));
            }

            if (!member.IsHanging)
                Sender.Tell(new Processed(batch));
        }

        private void Forget(IReadOnlyList<TopicPartition> partitions)
        {
            member.Assigned = [.. member.Assigned.Except(partitions)];
            foreach (var partition in partitions)
                _last.Remove(partition);
        }
    }
}
