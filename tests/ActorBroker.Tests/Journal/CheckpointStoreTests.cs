using ActorBroker.Journal;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Persistence;

namespace ActorBroker.Tests.Journal;

/// <summary>The snapshot store of checkpoint files.</summary>
public sealed class CheckpointStoreTests() : JournalSpec("actorbroker.journal.commit-log")
{
    private IActorRef Store => Persistence.Instance.Apply(Sys).SnapshotStoreFor("actorbroker.snapshot.checkpoint");

    [Fact]
    public void The_newest_that_fits_is_loaded()
    {
        var probe = CreateTestProbe();
        Save(probe, "a", 3, "three");
        Save(probe, "a", 5, "five");
        Save(probe, "ab", 9, "another's");
        Assert.Equal(new TestEvent("five"), Load(probe, "a")!.Snapshot);
        Assert.Equal(new TestEvent("three"), Load(probe, "a", new SnapshotSelectionCriteria(4))!.Snapshot);
        Assert.Equal(new TestEvent("three"), Load(probe, "a", to: 4)!.Snapshot);
        Assert.Null(Load(probe, "a", new SnapshotSelectionCriteria(2)));
        Assert.Null(Load(probe, "a", SnapshotSelectionCriteria.None));
        Assert.Equal(3, Load(probe, "a", to: 4)!.Metadata.SequenceNr);
    }

    // Two are kept (keep = 2); deletes take what they name.
    [Fact]
    public void Old_ones_go_and_named_ones_are_deleted()
    {
        var probe = CreateTestProbe();
        foreach (var number in new[] { 1, 2, 3 })
            Save(probe, "a", number, "s" + number);
        Assert.Null(Load(probe, "a", to: 1));
        Store.Tell(new DeleteSnapshot(new SnapshotMetadata("a", 3, DateTime.MinValue)), probe.Ref);
        probe.ExpectMsg<DeleteSnapshotSuccess>();
        Assert.Equal(2, Load(probe, "a")!.Metadata.SequenceNr);
        Store.Tell(new DeleteSnapshots("a", SnapshotSelectionCriteria.Latest), probe.Ref);
        probe.ExpectMsg<DeleteSnapshotsSuccess>();
        Assert.Null(Load(probe, "a"));
    }

    // One bit of the newest flips: the older one is loaded. Both damaged: with all events there the log makes up for it.
    [Fact]
    public void A_damaged_one_gives_way_to_an_older_one()
    {
        var probe = CreateTestProbe();
        Write(Journal, probe, "a", "e1", "e2", "e3");
        Save(probe, "a", 2, "two");
        Save(probe, "a", 3, "three");
        Files.Damage("/data/journal/a/00000000000000000003.checkpoint", 40);
        Assert.Equal(new TestEvent("two"), Load(probe, "a")!.Snapshot);
        Files.Damage("/data/journal/a/00000000000000000002.checkpoint", 40);
        Assert.Null(Load(probe, "a"));
        // Without the first event there is nothing to make up for it: loading fails.
        Journal.Tell(new DeleteMessagesTo("a", 1, probe.Ref), probe.Ref);
        probe.ExpectMsg<DeleteMessagesSuccess>();
        Store.Tell(new LoadSnapshot("a", SnapshotSelectionCriteria.Latest, long.MaxValue), probe.Ref);
        Assert.Contains("checksum", probe.ExpectMsg<LoadSnapshotFailed>().Cause.Message, StringComparison.Ordinal);
    }

    // The log lost its tail (it ends at 2): a snapshot of what was in it would bring it back.
    [Fact]
    public void A_snapshot_beyond_the_logs_end_is_left_aside()
    {
        var probe = CreateTestProbe();
        Write(Journal, probe, "a", "e1", "e2");
        Save(probe, "a", 1, "one");
        Save(probe, "a", 3, "three");
        Assert.Equal(new TestEvent("one"), Load(probe, "a")!.Snapshot);
    }

    // A topic's log with its high watermark at 1: the snapshot at 1 stays, whatever is saved or deleted.
    [Fact]
    public void One_at_or_below_the_high_watermark_is_always_kept()
    {
        Files.CreateDirectory("/data/t-0");
        using var log = PartitionLog.Open(Files, "/data/t-0", new TopicPartition("t", 0), LogOptions, TimeProvider.System, LogRecoveryInfo.Unknown);
        JournalLogs.For(Sys).Register("t-0", new JournalLog(log, JournalLogContent.RecordBatches, () => new Offset(1)));
        var probe = CreateTestProbe();
        foreach (var number in new[] { 1, 2, 3, 4 })
        {
            Store.Tell(new SaveSnapshot(new SnapshotMetadata("t-0", number, DateTime.UnixEpoch), PartitionSnapshot.Empty), probe.Ref);
            probe.ExpectMsg<SaveSnapshotSuccess>();
        }

        var files = new CheckpointFiles(Files, "/data/t-0");
        Assert.Equal([4L, 3L, 1L], files.List());
        Store.Tell(new DeleteSnapshots("t-0", SnapshotSelectionCriteria.Latest), probe.Ref);
        probe.ExpectMsg<DeleteSnapshotsSuccess>();
        Assert.Equal([1L], files.List());
        // Kafka's own file.
        Assert.True(Files.FileExists("/data/t-0/00000000000000000001.snapshot"));
    }

    [Fact]
    public void A_saved_snapshot_survives_a_power_loss()
    {
        var probe = CreateTestProbe();
        Save(probe, "a", 1, "one");
        Files.Crash();
        Assert.Equal([1L], new CheckpointFiles(Files, "/data/journal/a").List());
    }

    [Fact]
    public void A_save_that_fails_says_so()
    {
        var probe = CreateTestProbe();
        Save(probe, "a", 1, "one");
        Files.FailNext(FileOperation.Write, ".checkpoint");
        Store.Tell(new SaveSnapshot(new SnapshotMetadata("a", 2, DateTime.UnixEpoch), new TestEvent("two")), probe.Ref);
        probe.ExpectMsg<SaveSnapshotFailure>();
        Assert.Equal(new TestEvent("one"), Load(probe, "a")!.Snapshot);
    }

    private void Save(Akka.TestKit.TestProbe probe, string id, long number, string name)
    {
        Store.Tell(new SaveSnapshot(new SnapshotMetadata(id, number, DateTime.UnixEpoch), new TestEvent(name)), probe.Ref);
        Assert.Equal(number, probe.ExpectMsg<SaveSnapshotSuccess>(TimeSpan.FromSeconds(20)).Metadata.SequenceNr);
    }

    private SelectedSnapshot? Load(Akka.TestKit.TestProbe probe, string id, SnapshotSelectionCriteria? criteria = null, long to = long.MaxValue)
    {
        Store.Tell(new LoadSnapshot(id, criteria ?? SnapshotSelectionCriteria.Latest, to), probe.Ref);
        return probe.ExpectMsg<LoadSnapshotResult>(TimeSpan.FromSeconds(20)).Snapshot;
    }
}
