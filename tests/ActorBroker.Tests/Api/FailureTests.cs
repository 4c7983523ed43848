using ActorBroker.Log;
using ActorBroker.Protocol;
using ActorBroker.Replication;
using Akka.TestKit.Xunit2;

namespace ActorBroker.Tests.Api;

/// <summary>Disks that fail or fill up, and nodes that stop or crash: nothing acknowledged is lost, and service comes back by itself.</summary>
public sealed class FailureTests : TestKit
{
    private readonly DataPath _node;

    public FailureTests() : base(DataPath.Config) => _node = new DataPath(this);

    [Theory]
    [InlineData(FileOperation.Write)]
    [InlineData(FileOperation.Flush)]
    public void After_a_failed_write_the_partition_is_reopened_and_keeps_what_it_acknowledged(FileOperation operation)
    {
        _node.CreateTopic("flights", 1, ("flush.messages", "1"));
        var acknowledged = new List<(long Offset, string Value)>();
        for (var i = 0; i < 20; i++)
        {
            if (i % 5 == 3) _node.Files.FailNext(operation, ".log");
            ProduceUntilAcknowledged($"{i}", acknowledged);
        }

        Assert.Subset(_node.ReadAll("flights").ToHashSet(), acknowledged.ToHashSet());
        Assert.Equal(20, acknowledged.Count);
    }

    [Fact]
    public void A_failed_write_is_answered_with_a_retriable_storage_error()
    {
        _node.CreateTopic("flights");
        _node.Files.FailNext(FileOperation.Write, ".log");
        var outcome = _node.AskProduce("flights", _node.Batch("a"));
        Assert.Equal(ErrorCode.KafkaStorageError, outcome.ErrorCode);
        Assert.Contains("flights-0", outcome.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public void On_a_full_disk_writes_are_refused_reads_go_on_and_writes_resume_by_themselves()
    {
        _node.CreateTopic("flights");
        _node.AskProduce("flights", _node.Batch("before"));
        _node.Files.CapacityBytes = _node.Files.UsedBytes + 50;
        // A budget was measured while there was room; writes draw on it until it is used up or the disk says no.
        AwaitCondition(() => _node.AskProduce("flights", _node.Batch(new string('x', 1000))).ErrorCode == ErrorCode.KafkaStorageError, TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(20));
        var refused = _node.AskProduce("flights", _node.Batch(new string('x', 1000)));
        Assert.Equal(ErrorCode.KafkaStorageError, refused.ErrorCode);
        Assert.Contains("disk", refused.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal((0L, "before"), _node.ReadAll("flights")[0]);

        _node.Files.CapacityBytes = long.MaxValue;
        _node.Time.Advance(TimeSpan.FromSeconds(2));
        var acknowledged = new List<(long Offset, string Value)>();
        ProduceUntilAcknowledged("after", acknowledged);
        Assert.Contains(acknowledged[0], _node.ReadAll("flights"));
    }

    [Fact]
    public void A_node_that_was_stopped_cleanly_starts_where_it_was_without_reading_its_logs()
    {
        _node.CreateTopic("flights", partitions: 3);
        for (var i = 0; i < 30; i++) _node.AskProduce("flights", _node.Batch($"{i}"), partition: i % 3);
        Assert.True(_node.StopCleanly());
        _node.Start();

        Assert.True(_node.Directory.WasClean);
        Assert.All(_node.Partitions.All, handle => Assert.True(handle.Log.Recovery.WasClean));
        Assert.All(_node.Partitions.All, handle => Assert.Equal(0, handle.View.AppliedBytes)); // nothing was replayed: the snapshot is at the end
        Assert.Equal(Enumerable.Range(0, 10).Select(i => ((long)i, $"{3 * i}")), _node.ReadAll("flights"));
        Assert.Equal(10, _node.AskProduce("flights", _node.Batch("next")).BaseOffset);
    }

    [Fact]
    public void Killed_without_warning_everything_acknowledged_is_there_at_its_offset()
    {
        _node.CreateTopic("flights");
        var acknowledged = new List<(long Offset, string Value)>();
        for (var round = 0; round < 5; round++)
        {
            for (var i = 0; i < 10; i++) ProduceUntilAcknowledged($"{round}.{i}", acknowledged);
            _node.Crash();
            _node.Start();
            Assert.Equal(acknowledged, _node.ReadAll("flights"));
        }
    }

    [Theory]
    [InlineData(CrashMode.LoseAll)]
    [InlineData(CrashMode.KeepPrefix)]
    [InlineData(CrashMode.KeepAnyPages)]
    public void With_flush_messages_1_the_same_holds_for_a_power_failure(CrashMode mode)
    {
        _node.CreateTopic("flights", 1, ("flush.messages", "1"), ("segment.bytes", "1048576"));
        var acknowledged = new List<(long Offset, string Value)>();
        for (var round = 0; round < 5; round++)
        {
            for (var i = 0; i < 10; i++) ProduceUntilAcknowledged($"{round}.{i}", acknowledged);
            _node.Send(DataPath.Produce("flights", 0, _node.Batch("unacknowledged"), acks: 0));
            _node.Crash(mode);
            _node.Start();
            Assert.Subset(_node.ReadAll("flights").ToHashSet(), acknowledged.ToHashSet());
        }
    }

    /// <summary>Segments of 1 MiB: each roll leaves a snapshot, so recovery replays the last segment only.</summary>
    [Fact]
    public void After_rolls_recovery_replays_only_what_follows_the_newest_snapshot()
    {
        _node.CreateTopic("flights", 1, ("segment.bytes", "1048576"), ("max.message.bytes", "400000"));
        for (var i = 0; i < 12; i++) _node.AskProduce("flights", _node.Batch(new string('x', 300_000)));
        AwaitCondition(() => _node.Files.ListFiles($"{DataPath.Folder}/flights-0").Any(file => file.Name.EndsWith(".snapshot", StringComparison.Ordinal)), TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(20));
        _node.Crash();
        _node.Start();
        var view = _node.Partitions.Find(_node.Image.FindTopic("flights")!.Id, 0)!.View;
        Assert.Equal(new Offset(12), view.LogEnd);
        Assert.True(view.AppliedBytes < 2_000_000, $"{view.AppliedBytes} bytes were replayed");
        Assert.Equal(12, _node.ReadAll("flights").Count);
    }

    private void ProduceUntilAcknowledged(string value, List<(long Offset, string Value)> acknowledged)
    {
        AwaitCondition(
            () =>
            {
                var outcome = _node.AskProduce("flights", _node.Batch(value));
                if (outcome.ErrorCode == ErrorCode.None) acknowledged.Add((outcome.BaseOffset, value));
                else Assert.True(outcome.ErrorCode.IsRetriable(), $"{outcome.ErrorCode}");
                return outcome.ErrorCode == ErrorCode.None;
            },
            TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(20));
    }
}
