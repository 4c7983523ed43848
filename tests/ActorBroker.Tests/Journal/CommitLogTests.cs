using ActorBroker.Journal;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Persistence;
using static ActorBroker.Journal.JournalProtocol;

namespace ActorBroker.Tests.Journal;

/// <summary>What the commit-log journal does beyond the contract: topic logs, numbering by offsets, the cut of a suffix.</summary>
public sealed class CommitLogTests() : JournalSpec("actorbroker.journal.commit-log")
{
    private const string Id = "topic-0";
    private Offset _highWatermark = Offset.Max;

    // Batches of 3, 1 and 2 records: each takes the number of its last offset + 1; replays carry headers only.
    [Fact]
    public void Batches_are_stored_as_they_are_and_numbered_by_their_last_offset()
    {
        var log = OpenTopic();
        var actor = CreateTestProbe();
        var sent = new[] { Batch(3), Batch(1), Batch(2) };
        Assert.Equal([3, 4, 6], Store(actor, epoch: 7, sent));
        using (var read = log.Read(Offset.Zero, 1 << 20, Offset.Max, minOneBatch: true))
            Assert.Equal(sent.SelectMany(b => b.ToArray()), read.Batches.ToArray());

        var (events, highest) = Replay(Journal, actor, Id);
        Assert.Equal([3L, 4L, 6L], events.Select(e => e.Number));
        Assert.Equal(6, highest);
        var last = Assert.IsType<RecordBatchEvent>(events[2].Event);
        Assert.Equal((new Offset(4), new Offset(5), new LeaderEpoch(7)), (last.BaseOffset, last.LastOffset, last.Epoch));
        Assert.Equal([4L, 6L], Replay(Journal, actor, Id, from: 4).Events.Select(e => e.Number));
        Assert.Equal([3L], Replay(Journal, actor, Id, max: 1).Events.Select(e => e.Number));
    }

    // Several raw batches in one atomic write, an event that is no batch, and a batch of an older epoch are rejected; what is sound beside them is stored.
    [Fact]
    public void What_does_not_belong_into_a_topics_log_is_rejected()
    {
        OpenTopic();
        var actor = CreateTestProbe();
        Store(actor, epoch: 5, Batch(1));
        Send(
            Journal, actor,
            Atomic(Id, new RecordBatchEvent(Batch(1), new LeaderEpoch(5)), new RecordBatchEvent(Batch(1), new LeaderEpoch(5))),
            Atomic(Id, new TestEvent("x")),
            Atomic(Id, new RecordBatchEvent(Batch(1), new LeaderEpoch(4))),
            Atomic(Id, new RecordBatchEvent(new byte[80], new LeaderEpoch(5))),
            Atomic(Id, new RecordBatchEvent(Batch(1), new LeaderEpoch(5))));
        actor.ExpectMsg<WriteMessagesSuccessful>();
        for (var i = 0; i < 5; i++)
            actor.ExpectMsg<WriteMessageRejected>();
        Assert.Equal(2, actor.ExpectMsg<WriteMessageSuccess>().Persistent.SequenceNr);
    }

    // Whoever counts rejections has what it sent before it heard of one rejected too: in the same group and in later ones, until it says that it has heard.
    [Fact]
    public void A_rejection_takes_along_what_is_ordered_behind_it()
    {
        var log = OpenTopic();
        var actor = CreateTestProbe();
        Send(Journal, actor, Ordered(Batch(1), heard: 0), Ordered(new byte[80], heard: 0), Ordered(Batch(1), heard: 0), Atomic(Id, new RecordBatchEvent(Batch(1), new LeaderEpoch(5))));
        actor.ExpectMsg<WriteMessagesSuccessful>();
        Assert.Equal(1, actor.ExpectMsg<WriteMessageSuccess>().Persistent.SequenceNr);
        Assert.Contains("refused", actor.ExpectMsg<WriteMessageRejected>().Cause.Message, StringComparison.Ordinal);
        Assert.True(Assert.IsType<EventRefusedException>(actor.ExpectMsg<WriteMessageRejected>().Cause).IsBehindRejected);
        Assert.Equal(2, actor.ExpectMsg<WriteMessageSuccess>().Persistent.SequenceNr); // stands alone

        Send(Journal, actor, Ordered(Batch(1), heard: 0), Ordered(Batch(1), heard: 1));
        actor.ExpectMsg<WriteMessagesSuccessful>();
        Assert.True(Assert.IsType<EventRefusedException>(actor.ExpectMsg<WriteMessageRejected>().Cause).IsBehindRejected);
        Assert.Equal(3, actor.ExpectMsg<WriteMessageSuccess>().Persistent.SequenceNr);

        // The next incarnation begins to count anew.
        Replay(Journal, actor, Id);
        Send(Journal, actor, Ordered(Batch(1), heard: 0));
        actor.ExpectMsg<WriteMessagesSuccessful>();
        Assert.Equal(4, actor.ExpectMsg<WriteMessageSuccess>().Persistent.SequenceNr);
        Assert.Equal(4, log.LogEndOffset.Value);
    }

    // A gathered group of writes of two epochs: in order, both stored.
    [Fact]
    public void A_group_may_hold_several_epochs()
    {
        var log = OpenTopic();
        var actor = CreateTestProbe();
        Send(Journal, actor, Atomic(Id, new RecordBatchEvent(Batch(2), new LeaderEpoch(1))), Atomic(Id, new RecordBatchEvent(Batch(2), new LeaderEpoch(2))));
        actor.ExpectMsg<WriteMessagesSuccessful>();
        actor.ReceiveN(2);
        Assert.Equal([new EpochEntry(new LeaderEpoch(1), Offset.Zero), new EpochEntry(new LeaderEpoch(2), new Offset(2))], log.Epochs);
    }

    // flush.messages = 1: what has been answered is there after everything not synced is lost.
    [Fact]
    public void Answered_writes_survive_a_power_loss()
    {
        OpenTopic();
        var actor = CreateTestProbe();
        for (var i = 0; i < 20; i++)
            Store(actor, epoch: 1, Batch(1), Batch(2));
        Files.Crash();
        using var again = OpenLog();
        Assert.Equal(60, again.LogEndOffset.Value);
    }

    [Fact]
    public void A_delete_never_passes_the_high_watermark()
    {
        var log = OpenTopic();
        var actor = CreateTestProbe();
        Store(actor, epoch: 1, Batch(1), Batch(1), Batch(1));
        _highWatermark = new Offset(2);
        Journal.Tell(new DeleteMessagesTo(Id, 3, actor.Ref), actor.Ref);
        Assert.Contains("high watermark", actor.ExpectMsg<DeleteMessagesFailure>().Cause.Message, StringComparison.Ordinal);
        Journal.Tell(new DeleteMessagesTo(Id, 2, actor.Ref), actor.Ref);
        actor.ExpectMsg<DeleteMessagesSuccess>();
        Assert.Equal(2, log.LogStartOffset.Value);
    }

    // Snapshots at 2 and 4, the log cut to 3: the one beyond goes, the log ends at 3 even after a power loss, and goes on there.
    [Fact]
    public void A_suffix_is_cut_with_the_snapshots_beyond_it()
    {
        var log = OpenTopic();
        var actor = CreateTestProbe();
        Store(actor, epoch: 1, Batch(1), Batch(1), Batch(1), Batch(1));
        var checkpoints = new CheckpointFiles(Files, log.Directory);
        checkpoints.Write(new ProducerCheckpoint(2, DateTime.UnixEpoch, []));
        checkpoints.Write(new ProducerCheckpoint(4, DateTime.UnixEpoch, []));
        Journal.Tell(new CutSuffix(Id, new Offset(3)), actor.Ref);
        Assert.Equal(new CutCompleted(Id, new Offset(3)), actor.ExpectMsg<CutCompleted>());
        Assert.Equal([2L], checkpoints.List());
        Assert.Equal([1L, 2L, 3L], Replay(Journal, actor, Id).Events.Select(e => e.Number));
        Assert.Equal([4], Store(actor, epoch: 2, Batch(1)));
        Files.Crash();
        using var again = OpenLog();
        Assert.Equal(4, again.LogEndOffset.Value);
        Assert.Equal(2, again.LatestEpoch.Value);
    }

    // After a release nothing touches the log: it is closed and opened anew, registered, and the journal goes on with it.
    [Fact]
    public void A_released_log_can_be_replaced()
    {
        var log = OpenTopic();
        var actor = CreateTestProbe();
        Store(actor, epoch: 1, Batch(1));
        Journal.Tell(new ReleaseLog(Id), actor.Ref);
        actor.ExpectMsg(new LogReleased(Id));
        log.Dispose();
        OpenTopic();
        Assert.Equal([1L], Replay(Journal, actor, Id).Events.Select(e => e.Number));
        Assert.Equal([2], Store(actor, epoch: 1, Batch(1)));
    }

    // Work that belongs to the writer comes behind the writes.
    [Fact]
    public void Work_on_the_log_comes_behind_its_writes()
    {
        OpenTopic();
        var actor = CreateTestProbe();
        Send(Journal, actor, Atomic(Id, new RecordBatchEvent(Batch(2), new LeaderEpoch(1))));
        Journal.Tell(new RunOnLog(Id, log => log.LogEndOffset), actor.Ref);
        actor.ExpectMsg<WriteMessagesSuccessful>();
        actor.ExpectMsg<WriteMessageSuccess>();
        Assert.Equal(new LogWorkCompleted(Id, new Offset(2)), actor.ExpectMsg<LogWorkCompleted>());
    }

    [Fact]
    public void An_event_of_a_newer_release_is_refused_by_name()
    {
        using (var log = PartitionLog.Open(Files, "/data/journal/newer", new TopicPartition("newer", 0), LogOptions, TimeProvider.System, LogRecoveryInfo.Unknown))
        {
            using var builder = new RecordBatchBuilder(1 << 20);
            builder.TryAppend(0, null, new byte[] { 1 }, [new RecordHeader("ab.v", new byte[] { 2 }), new RecordHeader("ab.s", new byte[4])]);
            log.Append(new[] { builder.Build() }, new LeaderEpoch(0), default);
            log.CloseCleanly();
        }

        var failure = Assert.Throws<InvalidOperationException>(() => Replay(Journal, CreateTestProbe(), "newer"));
        Assert.Contains("newer release", failure.InnerException!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("plain-id_1", "plain-id_1")]
    [InlineData("A/b.c é", "%41%2Fb%2Ec%20%C3%A9")]
    [InlineData("..", "%2E%2E")]
    public void Folder_names_are_safe_on_any_platform(string id, string name) => Assert.Equal(name, EscapedName.Of(id));

    [Fact]
    public void Long_ids_get_bounded_names_that_differ()
    {
        var (a, b) = (EscapedName.Of(new string('x', 5000) + "1"), EscapedName.Of(new string('x', 5000) + "2"));
        Assert.NotEqual(a, b);
        Assert.InRange(a.Length, 1, 200);
    }

    private AtomicWrite Ordered(Memory<byte> batch, int heard) =>
        Atomic(Id, new RecordBatchEvent(batch, new LeaderEpoch(5)) { RejectionsHeard = heard });

    private static Memory<byte> Batch(int records)
    {
        using var builder = new RecordBatchBuilder(1 << 20);
        for (var i = 0; i < records; i++)
            builder.TryAppend(i, null, new byte[] { 1, 2, 3 });
        return builder.Build().ToArray();
    }

    private PartitionLog OpenLog() => PartitionLog.Open(
        Files, "/data/" + Id, new TopicPartition("topic", 0), LogOptions, TimeProvider.System, LogRecoveryInfo.Unknown);

    private PartitionLog OpenTopic()
    {
        AtomicFile.EnsureDirectory(Files, "/data/" + Id);
        var log = OpenLog();
        JournalLogs.For(Sys).Register(Id, new JournalLog(log, JournalLogContent.RecordBatches, () => Offset.Min(_highWatermark, log.LogEndOffset)));
        return log;
    }

    private long[] Store(Akka.TestKit.TestProbe actor, int epoch, params Memory<byte>[] batches)
    {
        Send(Journal, actor, batches.Select(b => (IPersistentEnvelope)Atomic(Id, new RecordBatchEvent(b, new LeaderEpoch(epoch)))).ToArray());
        actor.ExpectMsg<WriteMessagesSuccessful>();
        return batches.Select(_ => actor.ExpectMsg<WriteMessageSuccess>().Persistent.SequenceNr).ToArray();
    }
}
