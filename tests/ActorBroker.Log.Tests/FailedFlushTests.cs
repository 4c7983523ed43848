namespace ActorBroker.Log.Tests;

/// <summary>
/// A flush fails, and as on a real system the bytes can still be read though they will never be saved. What is appended
/// after the log was opened again, and flushed, must survive a power loss; so the bytes before it must too.
/// </summary>
public sealed class FailedFlushTests
{
    private static readonly TopicPartition Partition = new("flights", 0);

    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(long.MaxValue, false)]
    public void What_follows_a_failed_flush_does_not_stand_on_bytes_that_are_lost(long flushMessages, bool processDies)
    {
        var files = new SimulatedFileSystem(1);
        var options = LogOptions.Default with { FlushMessages = flushMessages };
        var directory = Open(files);
        var log = directory.OpenLog(Partition, options);
        Append(log);
        files.FailNext(FileOperation.Flush, ".log");
        Assert.Throws<LogFailedException>(() => log.Flush());
        if (processDies)
        {
            directory.Dispose();
            directory = Open(files);
        }
        else
        {
            directory.AbandonLog(Partition);
        }

        log = directory.OpenLog(Partition, options);
        Assert.Equal(new Offset(1), log.LogEndOffset);
        Append(log);
        log.Flush();
        directory.Dispose();
        files.Crash(CrashMode.LoseAll);
        Assert.Equal(new Offset(2), Open(files).OpenLog(Partition, options).LogEndOffset);
    }

    private static LogDirectory Open(IFileSystem files) => LogDirectory.Open(
        files, "/data", new LogDirectoryIdentity(new ClusterId("test"), new BrokerId(1), new DirectoryId(new Guid(1, 2, 3, new byte[8]))), TimeProvider.System, reserveBytes: 0);

    private static void Append(PartitionLog log)
    {
        using var builder = new RecordBatchBuilder(1000);
        Assert.True(builder.TryAppend(1000, null, new byte[10]));
        Assert.True(log.Append([builder.Build()], new LeaderEpoch(0), new AppendedBatch[1]).IsOk);
    }
}
