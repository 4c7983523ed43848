namespace ActorBroker.Log.Tests;

/// <summary>A log on a simulated disk that can be closed, crashed and opened again.</summary>
internal sealed class LogFixture(int seed = 1)
{
    public static readonly TopicPartition Partition = new("t", 0);

    public TestTime Time { get; } = new();

    public SimulatedFileSystem Disk { get; private set; } = null!;

    public string Directory { get; } = Path.Combine("data", "t-0");

    public LogOptions Options { get; set; } = new() { IndexIntervalBytes = 100 };

    public PartitionLog Open(LogRecoveryInfo? recovery = null)
    {
        if (Disk is null)
        {
            Disk = new SimulatedFileSystem(seed, Time);
            Disk.CreateDirectory("data");
            Disk.FlushDirectory("");
        }

        return PartitionLog.Open(Disk, Directory, Partition, Options, Time, recovery ?? LogRecoveryInfo.Unknown);
    }

    public PartitionLog OpenClean(PartitionLog closed) =>
        Open(new LogRecoveryInfo(closed.RecoveryPoint, closed.LogStartOffset, WasClean: true));

    public string FilePath(string name) => Path.Combine(Directory, name);

    public string Segment(long baseOffset, string suffix = ".log") => FilePath($"{baseOffset:D20}{suffix}");

    public byte[] ReadFile(string path)
    {
        using var file = Disk.Open(path, FileOpenMode.Read);
        var bytes = new byte[file.Length];
        file.Read(bytes, 0);
        return bytes;
    }

    public void WriteFile(string path, byte[] bytes)
    {
        using var file = Disk.Open(path, FileOpenMode.Truncate);
        file.Write(bytes, 0);
        file.Flush();
    }
}
