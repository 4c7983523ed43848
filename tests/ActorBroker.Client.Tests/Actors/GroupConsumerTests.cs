using System.Collections.Concurrent;
using System.Text;
using ActorBroker.Log;
using ActorBroker.Protocol;
using Akka.Actor;

namespace ActorBroker.Client.Tests.Actors;

/// <summary>Consumers of a group against a fake broker with a naive coordinator: what is committed when, what is delivered again, what is put aside.</summary>
public class GroupConsumerTests
{
    private const string Fast = "actorbroker.consumer { session.timeout.ms = 2000, heartbeat.interval.ms = 50, auto.offset.reset = earliest, partition.assignment.strategy = cooperative-sticky }\n";

    private static readonly TopicPartition P0 = new("t", 0);

    [Fact]
    public async Task The_next_consumer_goes_on_where_the_last_one_closed()
    {
        await using var rig = ActorRig.OverTcp();
        Fill(rig, partitions: 1, each: 10);
        using var deadline = new CancellationTokenSource(ActorRig.Deadline);
        await using (var first = ConsumerClient.Create(rig.Client, Settings(rig)))
        {
            // Left in the middle of a batch: the record that the loop was at may not be done.
            Assert.Equal("v3", (await Read(first, 4, deadline.Token))[^1]);
        }

        Assert.Equal(3, rig.Log.Committed[P0].Offset.Value);
        await using (var second = ConsumerClient.Create(rig.Client, Settings(rig)))
        {
            Assert.Equal(["v3", "v4"], await Read(second, 2, deadline.Token));
            await second.CommitAsync(deadline.Token);
        }

        await using var third = ConsumerClient.Create(rig.Client, Settings(rig));
        Assert.Equal("v5", (await Read(third, 1, deadline.Token))[0]);
    }

    [Fact]
    public async Task Two_members_share_and_one_takes_over_when_the_other_leaves()
    {
        await using var rig = ActorRig.InProcess();
        Fill(rig, partitions: 4, each: 5);
        var (one, two) = (new Target(), new Target());
        var first = Start(rig, one, Settings(rig));
        await one.UntilAsync(() => one.Assigned.Count == 4 && one.Values.Count == 20);
        var second = Start(rig, two, Settings(rig));
        await two.UntilAsync(() => two.Assigned.Count == 2 && one.Assigned.Count == 2);
        Assert.Empty(one.Assigned.Intersect(two.Assigned));
        second.Tell(new StopConsumer());
        await one.UntilAsync(() => one.Assigned.Count == 4);
        for (var partition = 0; partition < 4; partition++)
            rig.Log.Append(new TopicPartition("t", partition), TestClusters.Batch(0, "late"));
        await one.UntilAsync(() => one.Values.Count(value => value == "late") == 4);
        // Nothing was delivered twice: all had been committed before it moved.
        Assert.Equal(24, one.Values.Count + two.Values.Count);
        first.Tell(new StopConsumer());
        await one.UntilAsync(() => rig.Log.Committed.Values.Sum(offset => offset.Offset.Value) == 24);
    }

    [Fact]
    public async Task A_killed_members_work_is_done_again_from_what_it_had_committed()
    {
        await using var rig = ActorRig.InProcess();
        Fill(rig, partitions: 2, each: 5);
        var (victim, heir) = (new Target(answers: false), new Target());
        var consumer = Start(rig, victim, Settings(rig));
        await victim.UntilAsync(() => victim.Values.Count > 0);
        Start(rig, heir, Settings(rig));
        consumer.Tell(PoisonPill.Instance);
        await heir.UntilAsync(() => heir.Values.Count == 10);
    }

    [Fact]
    public async Task A_target_that_the_consumer_made_is_restarted_and_gets_its_batch_again()
    {
        await using var rig = ActorRig.InProcess("actorbroker.client { retry.backoff.ms = 5, retry.backoff.max.ms = 10 }");
        Fill(rig, partitions: 1, each: 3);
        var seen = new ConcurrentQueue<string>();
        var failures = 2;
        rig.Client.ActorOf(Consumer.Props(Settings(rig), Props.Create(() => new Fragile(seen, () => Interlocked.Decrement(ref failures) >= 0))));
        await Until(() => rig.Log.Committed.GetValueOrDefault(P0)?.Offset.Value == 3);
        Assert.Equal(3, seen.Count(value => value == "v0"));
        Assert.Equal(["v0", "v1", "v2"], seen.TakeLast(3));
    }

    [Fact]
    public async Task A_record_that_always_fails_ends_in_the_dead_letter_topic_and_the_others_are_done()
    {
        await using var rig = ActorRig.InProcess("actorbroker.client { retry.backoff.ms = 5, retry.backoff.max.ms = 10 }");
        Fill(rig, partitions: 1, each: 5);
        rig.Log.Topics["dead"] = 1;
        var seen = new ConcurrentQueue<string>();
        rig.Client.ActorOf(Consumer.Props(
            Settings(rig).WithDeadLetters("dead", attempts: 3), Props.Create(() => new Fragile(seen, value => value == "v2"))));
        await Until(() => rig.Log.Committed.GetValueOrDefault(P0)?.Offset.Value == 5);
        Assert.Equal(["v2"], rig.Log.Values(new TopicPartition("dead", 0)));
        Assert.Equal(["v0", "v1", "v3", "v4"], seen.Where(value => value != "v2").Distinct());
        // Once in the batch, where any of them could have been at fault, then alone.
        Assert.Equal(1 + 3, seen.Count(value => value == "v2"));
        using var deadline = new CancellationTokenSource(ActorRig.Deadline);
        await using var reader = ConsumerClient.Create(rig.Client, rig.Consumer().Assign(new TopicPartition("dead", 0)).StartAt(StartPosition.Beginning));
        await foreach (var record in reader.WithCancellation(deadline.Token))
        {
            var headers = record.Headers.ToDictionary(header => header.Key, header => Encoding.UTF8.GetString(header.Value!.Value.Span), StringComparer.Ordinal);
            Assert.Equal(("t", "0", "2"), (headers[DeadLetters.TopicHeader], headers[DeadLetters.PartitionHeader], headers[DeadLetters.OffsetHeader]));
            Assert.Equal(("g", "3"), (headers[DeadLetters.GroupHeader], headers[DeadLetters.AttemptsHeader]));
            Assert.Contains("can't do v2", headers[DeadLetters.MessageHeader], StringComparison.Ordinal);
            break;
        }
    }

    [Fact]
    public async Task A_loop_says_what_it_could_not_do_and_gets_it_again_until_it_is_put_aside()
    {
        await using var rig = ActorRig.InProcess("actorbroker.client { retry.backoff.ms = 5, retry.backoff.max.ms = 10 }");
        Fill(rig, partitions: 1, each: 4);
        rig.Log.Topics["dead"] = 1;
        using var deadline = new CancellationTokenSource(ActorRig.Deadline);
        var seen = new List<string>();
        await using (var consumer = ConsumerClient.Create(rig.Client, Settings(rig).WithDeadLetters("dead", attempts: 2)))
        {
            await foreach (var record in consumer.ReadToEndAsync(deadline.Token))
            {
                seen.Add(TestClusters.Text(record.Value));
                if (seen[^1] == "v1")
                    consumer.Fail("no use for it");
                if (seen[^1] == "v3")
                    break;
            }
        }

        Assert.Equal(["v0", "v1", "v1", "v2", "v3"], seen);
        Assert.Equal(["v1"], rig.Log.Values(new TopicPartition("dead", 0)));
        Assert.Equal(3, rig.Log.Committed[P0].Offset.Value);
    }

    [Fact]
    public async Task Manual_commits_are_answered_and_nothing_else_is_committed()
    {
        await using var rig = ActorRig.InProcess();
        Fill(rig, partitions: 2, each: 5);
        var target = new Target();
        var consumer = Start(rig, target, Settings(rig).WithManualCommit());
        await target.UntilAsync(() => target.Values.Count == 10);
        Assert.Empty(rig.Log.Committed);
        var explicitly = await consumer.Ask<OffsetsCommitted>(
            new CommitOffsets(new Dictionary<TopicPartition, CommittedOffset> { [P0] = new(new Offset(2)) { Metadata = "half" } }, Correlation: 7), ActorRig.Deadline);
        Assert.Equal((true, 7), (explicitly.Succeeded, explicitly.Correlation));
        var positions = await consumer.Ask<ConsumerPositions>(GetConsumerPositions.Instance, ActorRig.Deadline);
        Assert.Equal(2, positions.Partitions.Single(position => position.Partition == P0).Committed.Value);
        Assert.Equal(10, (await consumer.Ask<OffsetsCommitted>(new CommitOffsets(), ActorRig.Deadline)).Offsets.Values.Sum(offset => offset.Offset.Value));
        var stranger = await consumer.Ask<OffsetsCommitted>(
            new CommitOffsets(new Dictionary<TopicPartition, CommittedOffset> { [new("t", 9)] = new(new Offset(1)) }), ActorRig.Deadline);
        Assert.Equal(ErrorCode.UnknownMemberId, stranger.Error);
    }

    [Fact]
    public async Task A_pattern_finds_topics_and_the_clusters_own_are_passed_over()
    {
        await using var rig = ActorRig.InProcess("actorbroker.client.metadata.max.age.ms = 100");
        Fill(rig, partitions: 1, each: 2);
        rig.Log.Topics["other"] = 1;
        var target = new Target();
        rig.Client.ActorOf(Consumer.Props(
            rig.Consumer(Fast + "actorbroker.client.metadata.max.age.ms = 100").WithGroup("g").SubscribePattern("t|u.*"), rig.Client.ActorOf(Props.Create(() => new TargetActor(target)))));
        await target.UntilAsync(() => target.Values.Count == 2);
        rig.Log.Topics["user"] = 1;
        rig.Log.Append(new TopicPartition("user", 0), TestClusters.Batch(0, "new"));
        await target.UntilAsync(() => target.Values.Contains("new"));
        Assert.DoesNotContain(target.Assigned, partition => partition.Topic == "other");
    }

    [Fact]
    public async Task A_consumer_told_its_partitions_commits_and_goes_on_without_being_a_member()
    {
        await using var rig = ActorRig.InProcess();
        Fill(rig, partitions: 2, each: 5);
        using var deadline = new CancellationTokenSource(ActorRig.Deadline);
        var settings = rig.Consumer(Fast).WithGroup("g").Assign(P0);
        await using (var first = ConsumerClient.Create(rig.Client, settings))
        {
            await Read(first, 3, deadline.Token);
            await first.CommitAsync(deadline.Token);
        }

        await using var second = ConsumerClient.Create(rig.Client, settings);
        Assert.Equal(["v3", "v4"], await Read(second, 2, deadline.Token));
        Assert.DoesNotContain(rig.Log.Seen, request => request is JoinGroupRequest);
    }

    private static ConsumerSettings Settings(ActorRig rig) =>
        (rig.Consumer(Fast + "actorbroker.client { retry.backoff.ms = 5, retry.backoff.max.ms = 10 }") with { AutoCommitInterval = TimeSpan.Zero }).WithGroup("g").Subscribe("t");

    private static IActorRef Start(ActorRig rig, Target target, ConsumerSettings settings) =>
        rig.Client.ActorOf(Consumer.Props(settings, rig.Client.ActorOf(Props.Create(() => new TargetActor(target)))));

    private static void Fill(ActorRig rig, int partitions, int each)
    {
        rig.Log.Topics["t"] = partitions;
        for (var partition = 0; partition < partitions; partition++)
            rig.Log.Append(new TopicPartition("t", partition), TestClusters.Batch(0, [.. Enumerable.Range(0, each).Select(i => $"v{i}")]));
    }

    private static async Task<List<string>> Read(ConsumerClient consumer, int count, CancellationToken cancellation)
    {
        var values = new List<string>();
        await foreach (var record in consumer.WithCancellation(cancellation))
        {
            values.Add(TestClusters.Text(record.Value));
            if (values.Count == count)
                break;
        }

        return values;
    }

    private static async Task Until(Func<bool> condition)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < ActorRig.Deadline, "it does not come to pass");
            await Task.Delay(10);
        }
    }

    /// <summary>What a target has seen.</summary>
    private sealed class Target(bool answers = true)
    {
        public bool Answers => answers;

        public ConcurrentQueue<string> Values { get; } = new();

        public ConcurrentQueue<object> Notices { get; } = new();

        public volatile IReadOnlyList<TopicPartition> Assigned = [];

        public Task UntilAsync(Func<bool> condition) => Until(condition);
    }

    private sealed class TargetActor(Target target) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case ConsumerBatch batch:
                    foreach (var record in batch.Records)
                        target.Values.Enqueue(TestClusters.Text(record.Value));
                    if (target.Answers)
                        Sender.Tell(new Processed(batch));
                    break;
                case PartitionsAssigned assigned:
                    target.Assigned = assigned.Partitions;
                    break;
                case PartitionsRevoked revoked:
                    target.Assigned = [.. target.Assigned.Except(revoked.Partitions)];
                    Sender.Tell(new Released(revoked));
                    break;
                default:
                    target.Notices.Enqueue(message);
                    break;
            }
        }
    }

    /// <summary>Throws in the middle of its work.</summary>
    private sealed class Fragile(ConcurrentQueue<string> seen, Func<string, bool> fails) : UntypedActor
    {
        public Fragile(ConcurrentQueue<string> seen, Func<bool> fails)
            : this(seen, _ => fails())
        {
        }

        protected override void OnReceive(object message)
        {
            if (message is not ConsumerBatch batch)
                return;
            foreach (var record in batch.Records)
            {
                var value = TestClusters.Text(record.Value);
                seen.Enqueue(value);
                if (fails(value))
                    throw new InvalidOperationException($"can't do {value}");
            }

            Sender.Tell(new Processed(batch));
        }
    }
}
