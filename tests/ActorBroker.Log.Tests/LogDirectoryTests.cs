using System.Text;

namespace ActorBroker.Log.Tests;

/// <summary>A node's data folder: whose it is, who uses it, what it remembers, and how full its disk may get.</summary>
public sealed class LogDirectoryTests
{
    private static readonly LogDirectoryIdentity _identity = new(
        ClusterId.From(new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)), new BrokerId(3), new DirectoryId(new Guid(9, 9, 9, 1, 1, 1, 1, 1, 1, 1, 1)));

    private static readonly TopicPartition _t0 = new("t", 0);
    private static readonly TopicPartition _t1 = new("t", 1);

    private readonly TestTime _time = new();
    private readonly SimulatedFileSystem _disk;

    public LogDirectoryTests() => _disk = new SimulatedFileSystem(1, _time);

    private LogDirectory Open(LogDirectoryIdentity? identity = null) => LogDirectory.Open(_disk, "data", identity ?? _identity, _time, reserveBytes: 0);

    private string Text(string name) => Encoding.UTF8.GetString(Bytes(name));

    private byte[] Bytes(string name)
    {
        using var file = _disk.Open(Path.Combine("data", name), FileOpenMode.Read);
        var bytes = new byte[file.Length];
        file.Read(bytes, 0);
        return bytes;
    }

    private void Write(string name, string text)
    {
        using var file = _disk.Open(Path.Combine("data", name), FileOpenMode.Truncate);
        file.Write(Encoding.UTF8.GetBytes(text), 0);
        file.Flush();
    }

    [Fact]
    public void A_new_folder_gets_its_identity_and_keeps_it()
    {
        using (var directory = Open())
            Assert.Equal(_identity.NewDirectoryId, directory.Id);
        Assert.Equal($"version=1\ncluster.id={_identity.ClusterId}\nnode.id=3\ndirectory.id={_identity.NewDirectoryId}\n", Text("meta.properties"));
        _disk.Crash();
        using var again = Open(_identity with { NewDirectoryId = default });
        Assert.Equal(_identity.NewDirectoryId, again.Id);
        Assert.False(again.WasClean);
    }

    [Fact]
    public void A_folder_of_another_node_cluster_or_release_is_refused_by_name()
    {
        Open().Dispose();
        Refused(LogDirectoryFault.WrongNode, _identity with { NodeId = new BrokerId(4) }, "node 3");
        Refused(LogDirectoryFault.WrongCluster, _identity with { ClusterId = new ClusterId("other") }, "other");
        Write("meta.properties", "version=2\nnode.id=3\n");
        Refused(LogDirectoryFault.NewerVersion, _identity, "newer release");
        Write("meta.properties", "version=1\nnode.id=3\n");
        Refused(LogDirectoryFault.Unreadable, _identity, "directory.id");
        Write("meta.properties", "version=1\ncluster.id=\nnode.id=3\n");
        Refused(LogDirectoryFault.Unreadable, _identity, "cluster.id");
        _disk.CreateDirectory("data/t-0");
        _disk.DeleteFile("data/meta.properties");
        Refused(LogDirectoryFault.Unreadable, _identity, "t-0");

        void Refused(LogDirectoryFault fault, LogDirectoryIdentity identity, string says)
        {
            var e = Assert.Throws<LogDirectoryException>(() => Open(identity));
            Assert.Equal(fault, e.Fault);
            Assert.Contains("meta.properties", e.Message, StringComparison.Ordinal);
            Assert.Contains(says, e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_folder_without_a_cluster_is_given_to_the_first_that_accepts_its_node_and_to_no_other()
    {
        var first = new ClusterId("first");
        using (var directory = Open(_identity with { ClusterId = null }))
        {
            Assert.Null(directory.ClusterId);
            Assert.DoesNotContain("cluster.id", Text("meta.properties"), StringComparison.Ordinal);
        }

        using (var directory = Open(_identity with { ClusterId = null, NewDirectoryId = default }))
        {
            Assert.Equal((null, _identity.NewDirectoryId), (directory.ClusterId, directory.Id));
            directory.AdoptCluster(first);
            directory.AdoptCluster(first);
            Assert.Throws<InvalidOperationException>(() => directory.AdoptCluster(new ClusterId("second")));
        }

        _disk.Crash();
        using (var directory = Open(_identity with { ClusterId = null }))
            Assert.Equal((first, _identity.NewDirectoryId), (directory.ClusterId, directory.Id));
        var e = Assert.Throws<LogDirectoryException>(() => Open(_identity with { ClusterId = new ClusterId("second") }));
        Assert.Equal(LogDirectoryFault.WrongCluster, e.Fault);

        Write("meta.properties", $"version=1\nnode.id=3\ndirectory.id={_identity.NewDirectoryId}\n");
        _disk.CreateDirectory("data/t-0");
        e = Assert.Throws<LogDirectoryException>(() => Open());
        Assert.Equal(LogDirectoryFault.Unreadable, e.Fault);
        Assert.Contains("cluster.id", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_in_use_is_refused_until_it_is_let_go()
    {
        var first = Open();
        Assert.Equal(LogDirectoryFault.InUse, Assert.Throws<LogDirectoryException>(() => Open()).Fault);
        first.Dispose();
        Open().Dispose();
    }

    [Fact]
    public void A_clean_shutdown_is_remembered_once_and_a_crash_afterwards_is_a_crash()
    {
        using (var directory = Open())
        {
            directory.OpenLog(_t0, LogOptions.Default).Append(Batches.Of("a", "b"));
            directory.CloseCleanly();
        }

        Assert.Equal("0\n1\nt 0 2\n", Text("recovery-point-offset-checkpoint"));
        _disk.Crash();
        using (var clean = Open())
        {
            Assert.True(clean.WasClean);
            Assert.Equal([_t0], clean.ListPartitions());
            var log = clean.OpenLog(_t0, LogOptions.Default);
            Assert.True(log.Recovery.WasClean);
            log.Append(Batches.Of("c"));
        }

        _disk.Crash();
        using var crashed = Open();
        Assert.False(crashed.WasClean);
        var recovered = crashed.OpenLog(_t0, LogOptions.Default);
        Assert.Equal((1, 2L, 0L), (recovered.Recovery.SegmentsScanned, recovered.LogEndOffset.Value, recovered.Recovery.BytesCut));
    }

    [Fact]
    public void Checkpoints_are_Kafkas_text_and_survive_crashes()
    {
        using (var directory = Open())
        {
            var log = directory.OpenLog(_t0, LogOptions.Default);
            log.Append(Batches.Of("a", "b", "c"));
            log.AdvanceLogStartOffset(new Offset(1));
            directory.WriteHighWatermarks(new Dictionary<TopicPartition, Offset> { [_t0] = new(2), [_t1] = new(7) });
            directory.WriteCheckpoints();
            Assert.Equal("0\n1\nt 0 0\n", Text("recovery-point-offset-checkpoint"));
            log.Flush();
            directory.WriteCheckpoints();
        }

        _disk.Crash();
        Assert.Equal("0\n1\nt 0 3\n", Text("recovery-point-offset-checkpoint"));
        Assert.Equal("0\n1\nt 0 1\n", Text("log-start-offset-checkpoint"));
        using var again = Open();
        Assert.Equal((2L, 7L), (again.HighWatermark(_t0).Value, again.HighWatermark(_t1).Value));
        Assert.Equal(1, again.OpenLog(_t0, LogOptions.Default).LogStartOffset.Value);
    }

    [Fact]
    public void A_garbled_checkpoint_is_written_anew_said_so_and_no_close_is_believed_clean()
    {
        using (var directory = Open())
        {
            directory.OpenLog(_t0, LogOptions.Default).Append(Batches.Of("a"));
            directory.CloseCleanly();
        }

        Write("recovery-point-offset-checkpoint", "0\n2\nt 0 1\n");
        using var again = Open();
        Assert.Contains("recovery-point-offset-checkpoint", Assert.Single(again.Notes), StringComparison.Ordinal);
        Assert.Equal(1, again.OpenLog(_t0, LogOptions.Default).Recovery.SegmentsScanned);
    }

    [Fact]
    public void A_cut_lowers_the_stored_recovery_point_before_anything_is_written_over()
    {
        // Otherwise the records appended behind the cut, never flushed, would be taken for flushed after a crash.
        using (var directory = Open())
        {
            var log = directory.OpenLog(_t0, new LogOptions { SegmentBytes = 200 });
            for (var i = 0; i < 10; i++)
                log.Append(Batches.Of(new string('a', 50)));
            log.Flush();
            directory.WriteCheckpoints();
            log.TruncateTo(new Offset(1));
            Assert.Equal("0\n1\nt 0 1\n", Text("recovery-point-offset-checkpoint"));
            for (var i = 0; i < 12; i++)
                log.Append(Batches.Of(new string('b', 50)));
        }

        _disk.Crash(CrashMode.KeepAnyPages);
        using var again = Open();
        var recovered = again.OpenLog(_t0, new LogOptions { SegmentBytes = 200 });
        Assert.Equal(recovered.LogEndOffset.Value, Batches.ReadAll(recovered).Count);
        Assert.True(recovered.LogEndOffset.Value >= 1);
    }

    [Fact]
    public void A_deleted_partition_never_comes_back()
    {
        using (var directory = Open())
        {
            directory.OpenLog(_t0, LogOptions.Default).Append(Batches.Of("a"));
            directory.OpenLog(_t1, LogOptions.Default).Append(Batches.Of("b"));
            directory.WriteHighWatermarks(new Dictionary<TopicPartition, Offset> { [_t0] = new(1) });
            _disk.FailNext(FileOperation.Delete, "-delete");
            Assert.Throws<IOException>(() => directory.DeleteLog(_t0, new Guid(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)));
            Assert.Equal([_t1], directory.ListPartitions());
        }

        _disk.Crash();
        using var again = Open();
        Assert.DoesNotContain(_disk.ListDirectories("data"), n => n.EndsWith("-delete", StringComparison.Ordinal));
        Assert.Equal(0, again.OpenLog(_t0, LogOptions.Default).LogEndOffset.Value);
        Assert.Throws<InvalidOperationException>(() => again.OpenLog(_t0, LogOptions.Default));
    }

    [Fact]
    public void A_failed_log_is_recovered_by_opening_it_anew_and_no_shutdown_is_clean_without_that()
    {
        using (var directory = Open())
        {
            var log = directory.OpenLog(_t0, LogOptions.Default);
            log.Append(Batches.Of("kept"));
            directory.OpenLog(_t1, LogOptions.Default).Append(Batches.Of("other"));
            _disk.FailNext(FileOperation.Write, "t-0");
            Assert.Throws<LogFailedException>(() => log.Append(Batches.Of("lost")));
            directory.AbandonLog(_t0);
            log = directory.OpenLog(_t0, LogOptions.Default);
            Assert.Equal((1, 1L), (log.Recovery.SegmentsScanned, log.LogEndOffset.Value));
            log.Append(Batches.Of("maybe"));
            _disk.FailNext(FileOperation.Flush, "t-0");
            Assert.Throws<LogFailedException>(() => log.Flush());
            Assert.False(directory.CloseCleanly());
        }

        using var again = Open();
        Assert.False(again.WasClean);
        Assert.Equal(1, again.OpenLog(_t1, LogOptions.Default).LogEndOffset.Value);
    }

    [Fact]
    public void Below_the_reserve_writes_are_refused_reads_go_on_and_writes_resume_by_themselves()
    {
        using var directory = LogDirectory.Open(_disk, "data", _identity, _time, reserveBytes: 10_000);
        _disk.CapacityBytes = 30_000;
        var log = directory.OpenLog(_t0, new LogOptions { SegmentBytes = 1_000, RetentionBytes = 1_000 });
        var appended = 0;
        while (log.Append(Batches.Of(new string('x', 400))).IsOk)
            appended++;
        Assert.InRange(_disk.FreeBytes("data"), 10_000, 15_000);
        Assert.True(directory.Reserve.IsExhausted);
        Assert.Equal(appended, Batches.ReadAll(log).Count);
        log.Flush();
        Assert.True(log.DeleteOldSegments(log.LogEndOffset).Segments > 0);
        Assert.Equal(AppendStatus.DiskFull, log.Append(Batches.Of("too soon")).Status);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(log.Append(Batches.Of("fits")).IsOk);
        Assert.False(directory.Reserve.IsExhausted);
    }

    [Fact]
    public void A_folder_written_by_Kafka_opens_clean_and_reads_whole()
    {
        var directory = Directory.CreateTempSubdirectory("actorbroker-log-").FullName;
        try
        {
            CopyFolder(Path.Combine(AppContext.BaseDirectory, "Data", "kafka-4.3.1"), directory);
            var identity = new LogDirectoryIdentity(new ClusterId("ActorBrokerPeersAAAAAA"), new BrokerId(1), default);
            using (var folder = LogDirectory.Open(RealFileSystem.Instance, directory, identity, TimeProvider.System))
            {
                Assert.Equal("pqBAlkv5x_VipC3b1JNt2g", folder.Id.ToString());
                var fixture = Assert.Single(folder.ListPartitions());
                var log = folder.OpenLog(fixture, new LogOptions { IndexIntervalBytes = 200, RetentionTime = null });
                AssertIsKafkasFixture(log);
                log.Append(Batches.Of("ours"));
                folder.CloseCleanly();
            }

            File.Delete(Path.Combine(directory, ".kafka_cleanshutdown"));
            foreach (var index in Directory.EnumerateFiles(Path.Combine(directory, "fixture-0"), "*index"))
                File.WriteAllBytes(index, new byte[4_000]);
            using var crashed = LogDirectory.Open(RealFileSystem.Instance, directory, identity, TimeProvider.System);
            var again = crashed.OpenLog(new TopicPartition("fixture", 0), LogOptions.Default);
            Assert.Equal((71L, 0L), (again.LogEndOffset.Value, again.Recovery.BytesCut));
            Assert.Equal("70=ours", Batches.ReadAll(again)[^1]);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static void AssertIsKafkasFixture(PartitionLog log)
    {
        Assert.True(log.Recovery.WasClean);
        Assert.False(log.Recovery.IsRemarkable);
        Assert.Equal("Cffy9_JoTaW8oe1_LhBwJg", log.TopicId.ToString());
        Assert.Equal([0, 40, 60], log.Segments.Select(s => s.BaseOffset.Value));
        Assert.Equal([new EpochEntry(default, Offset.Zero)], log.Epochs);
        Assert.Equal(Enumerable.Range(0, 70).Select(i => $"{i}=value number {i + 1}"), Batches.ReadAll(log, 300));
        for (var i = 0; i < 70; i++)
        {
            using var read = log.Read(new Offset(i), 1, Offset.Max, minOneBatch: true);
            Assert.Contains($"{i}=value number {i + 1}", Batches.Values(read.Batches));
            var time = FirstTimestamp(read.Batches, i);
            Assert.True(log.OffsetForTimestamp(time)?.Offset.Value <= i);
        }

        var snapshot = log.ReadLatestProducerSnapshot();
        Assert.Equal(70, snapshot?.Offset.Value);
        Assert.Equal([39L, 59L, 69L], snapshot!.Value.Producers.Select(p => p.LastOffset.Value).Order());
        Assert.Equal(0, log.Segments.Count(s => s.NextOffset > log.LogEndOffset));
    }

    private static long FirstTimestamp(ReadOnlyMemory<byte> batch, long offset)
    {
        foreach (var record in new RecordEnumerator(batch.Span))
        {
            if (record.Offset.Value == offset)
                return record.Timestamp;
        }

        throw new InvalidOperationException("not there");
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (var child in Directory.EnumerateDirectories(from))
            CopyFolder(child, Path.Combine(to, Path.GetFileName(child)));
    }
}
