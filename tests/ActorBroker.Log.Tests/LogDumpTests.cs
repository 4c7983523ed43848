namespace ActorBroker.Log.Tests;

/// <summary>The core of `log dump`, on what Kafka wrote and on damage.</summary>
public sealed class LogDumpTests
{
    private static string Fixture(params string[] parts) => Path.Combine([AppContext.BaseDirectory, "Data", "kafka-4.3.1", .. parts]);

    private static List<DumpLine> Dump(string path, bool records = false) => new LogDump(RealFileSystem.Instance).Read(path, records).ToList();

    [Fact]
    public void Every_file_of_a_Kafka_folder_is_told()
    {
        var log = Dump(Fixture("fixture-0", "00000000000000000040.log"), records: true);
        Assert.All(log, l => Assert.True(l.IsSound, l.Fault));
        Assert.Equal(20, log.Count(l => l.Level == 1));
        Assert.StartsWith("baseOffset: 40 ", log[0].Text, StringComparison.Ordinal);
        Assert.Contains("key: key-41 value: value number 41 headers: []", log[1].Text, StringComparison.Ordinal);
        Assert.Equal(6, Dump(Fixture("fixture-0", "00000000000000000040.index")).Count(l => l.IsSound));
        Assert.Equal(2, Dump(Fixture("fixture-0", "00000000000000000040.timeindex")).Count(l => l.IsSound));
        Assert.Equal(3, Dump(Fixture("fixture-0", "00000000000000000070.snapshot")).Count(l => l.IsSound));
        Assert.Equal("epoch: 0 startOffset: 0", Assert.Single(Dump(Fixture("fixture-0", "leader-epoch-checkpoint"))).Text);
        Assert.Equal("topic: fixture partition: 0 offset: 70", Assert.Single(Dump(Fixture("recovery-point-offset-checkpoint"))).Text);
        Assert.Contains(Dump(Fixture("fixture-0", "partition.metadata")), l => l.Text == "topic_id: Cffy9_JoTaW8oe1_LhBwJg");
        Assert.Contains(Dump(Fixture("meta.properties")), l => l.Text == "node.id=1");
        Assert.False(Assert.Single(Dump(Fixture("nonsense.txt"))).IsSound);
    }

    [Fact]
    public void Damage_is_told_where_it_is()
    {
        var fixture = new LogFixture();
        using (var log = fixture.Open())
        {
            log.Append(Batches.Of("a"));
            log.Append(Batches.Of("b"));
            log.CloseCleanly();
        }

        var dump = new LogDump(fixture.Disk);
        var size = Batches.Of("a").Length;
        var whole = fixture.ReadFile(fixture.Segment(0));
        fixture.WriteFile(fixture.Segment(0), whole[..^1]);
        var torn = dump.Read(fixture.Segment(0)).ToList();
        Assert.Equal((true, false, (long)size), (torn[0].IsSound, torn[1].IsSound, torn[1].Position));
        fixture.WriteFile(fixture.Segment(0), whole);
        fixture.Disk.Damage(fixture.Segment(0), size + 65);
        Assert.Equal("the checksum does not match", dump.Read(fixture.Segment(0)).Last().Fault);
        fixture.WriteFile(fixture.Segment(0, ".index"), new byte[20]);
        Assert.Equal([null, "does not ascend", "not a whole entry"], dump.Read(fixture.Segment(0, ".index")).Select(l => l.Fault));
    }
}
