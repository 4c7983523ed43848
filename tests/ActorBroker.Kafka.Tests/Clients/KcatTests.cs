using ActorBroker.Kafka.Tests.Nodes;
using ActorBroker.Log;

namespace ActorBroker.Kafka.Tests.Clients;

/// <summary>kcat (librdkafka): what it writes it reads again, in every codec and with every kind of acknowledgement, alone and in a group.</summary>
public class KcatTests(KafkaNode node) : IClassFixture<KafkaNode>
{
    private const string Records = "LH400:delayed\nLH401:boarding\nLH402:\nLH403:landed\n";

    [SkippableTheory]
    [InlineData("none")]
    [InlineData("gzip")]
    [InlineData("snappy")]
    [InlineData("lz4")]
    [InlineData("zstd")]
    public async Task Keyed_records_come_back_in_each_codec(string codec)
    {
        Skip.If(codec == "zstd" && !CompressionCodecs.Default.TryGet(CompressionType.Zstd, out _), "this build has no zstd (-p:Zstd=true)");
        var topic = $"codec-{codec}";
        var input = string.Concat(Enumerable.Repeat(Records, 100));
        (await ClientTool.Kcat.FeedAsync(input, "-b", node.Bootstrap, "-P", "-t", topic, "-K", ":", "-z", codec, "-H", "origin=FRA")).Succeeded();
        var read = (await ClientTool.Kcat.RunAsync("-b", node.Bootstrap, "-C", "-t", topic, "-e", "-q", "-o", "beginning", "-f", "%k:%s %h\n")).Succeeded();
        Assert.Equal(input.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => $"{line} origin=FRA"), read.Lines);
    }

    [SkippableTheory]
    [InlineData("acks=0")]
    [InlineData("acks=1")]
    [InlineData("acks=all")]
    [InlineData("enable.idempotence=true")]
    public async Task Unkeyed_records_come_back_however_they_are_acknowledged(string setting)
    {
        var topic = $"flights-{setting.Replace('=', '-')}";
        // acks=0 says nothing of a topic that is still being made.
        await ClientTool.Kcat.FeedAsync("first\n", "-b", node.Bootstrap, "-P", "-t", topic);
        var input = string.Join('\n', Enumerable.Range(0, 1000));
        (await ClientTool.Kcat.FeedAsync(input, "-b", node.Bootstrap, "-P", "-t", topic, "-X", setting)).Succeeded();
        var read = (await ClientTool.Kcat.RunAsync("-b", node.Bootstrap, "-C", "-t", topic, "-c", "1001", "-q", "-o", "beginning")).Succeeded();
        Assert.Equal(["first", .. Enumerable.Range(0, 1000).Select(i => $"{i}")], read.Lines);
    }

    [SkippableFact]
    public async Task A_group_goes_on_where_it_was()
    {
        await ClientTool.Kcat.FeedAsync("one\ntwo\n", "-b", node.Bootstrap, "-P", "-t", "grouped");
        Assert.Equal(["one", "two"], (await Read()).Succeeded().Lines);
        await ClientTool.Kcat.FeedAsync("three\n", "-b", node.Bootstrap, "-P", "-t", "grouped");
        Assert.Equal(["three"], (await Read()).Succeeded().Lines);

        Task<ClientResult> Read() => ClientTool.Kcat.RunAsync(
            "-b", node.Bootstrap, "-G", "readers", "grouped", "-e", "-q", "-X", "auto.offset.reset=earliest", "-X", "session.timeout.ms=6000");
    }

    [SkippableFact]
    public async Task It_lists_the_cluster_and_finds_offsets_by_time()
    {
        (await ClientTool.Kcat.FeedAsync("one\ntwo\n", "-b", node.Bootstrap, "-P", "-t", "timed")).Succeeded();
        var listed = (await ClientTool.Kcat.RunAsync("-b", node.Bootstrap, "-L", "-t", "timed")).Succeeded();
        Assert.Contains($"broker 1 at 127.0.0.1:{node.Port} (controller)", listed.Output, StringComparison.Ordinal);
        Assert.Contains("partition 0, leader 1, replicas: 1, isrs: 1", listed.Output, StringComparison.Ordinal);
        var queried = (await ClientTool.Kcat.RunAsync("-b", node.Bootstrap, "-Q", "-t", "timed:0:1000")).Succeeded();
        Assert.Contains("timed [0] offset 0", queried.Output, StringComparison.Ordinal);
    }
}
