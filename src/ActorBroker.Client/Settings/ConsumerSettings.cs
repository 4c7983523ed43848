using System.Collections.Immutable;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Client;

/// <summary>What a consumer does without a valid position: <c>auto.offset.reset</c>.</summary>
public enum AutoOffsetReset
{
    Latest,
    Earliest,

    /// <summary>The partition stops and says so.</summary>
    None,
}

/// <summary>A consumer's settings: <c>actorbroker.consumer</c>, and what to read. The meaning of each stands in reference.conf.</summary>
public sealed record ConsumerSettings
{
    internal const string Section = "actorbroker.consumer";

    private ConsumerSettings()
    {
    }

    public required ClientSettings Client { get; init; }

    public required AutoOffsetReset AutoOffsetReset { get; init; }

    /// <summary>In bytes.</summary>
    public required int FetchMinBytes { get; init; }

    public required TimeSpan FetchMaxWait { get; init; }

    /// <summary>In bytes.</summary>
    public required int FetchMaxBytes { get; init; }

    /// <summary>In bytes.</summary>
    public required int MaxPartitionFetchBytes { get; init; }

    public required int MaxPollRecords { get; init; }

    public required bool CheckCrcs { get; init; }

    /// <summary>Topics of which every partition is read, those added later included.</summary>
    public ImmutableArray<string> Topics { get; init; } = [];

    /// <summary>Single partitions to read, besides <see cref="Topics"/>.</summary>
    public ImmutableArray<TopicPartition> Partitions { get; init; } = [];

    /// <summary>Where partitions without a place of their own in <see cref="StartOffsets"/> begin; null goes by <see cref="AutoOffsetReset"/>.</summary>
    public StartPosition? Start { get; init; }

    public ImmutableDictionary<TopicPartition, StartPosition> StartOffsets { get; init; } =
        ImmutableDictionary<TopicPartition, StartPosition>.Empty;

    /// <exception cref="ClientSettingsException">A value can't be read or is out of range.</exception>
    public static ConsumerSettings Create(ActorSystem system) => Create(system.Settings.Config);

    public static ConsumerSettings Create(Config config)
    {
        var settings = SettingsReader.Read(config, Section, From);
        settings.Validate();
        return settings;
    }

    public ConsumerSettings WithBootstrap(params ImmutableArray<string> addresses) =>
        this with { Client = Client.WithBootstrap(addresses) };

    public ConsumerSettings WithClientId(string clientId) => this with { Client = Client.WithClientId(clientId) };

    /// <summary>Reads all partitions of these topics.</summary>
    public ConsumerSettings Subscribe(params ImmutableArray<string> topics) => this with { Topics = topics };

    /// <summary>Reads exactly these partitions.</summary>
    public ConsumerSettings Assign(params ImmutableArray<TopicPartition> partitions) => this with { Partitions = partitions };

    public ConsumerSettings StartAt(StartPosition start) => this with { Start = start };

    public ConsumerSettings StartAt(TopicPartition partition, StartPosition start) =>
        this with { StartOffsets = StartOffsets.SetItem(partition, start) };

    internal void Validate()
    {
        var faults = new FaultList();
        Client.Check(faults);
        faults.Require(FetchMinBytes >= 0, "fetch.min.bytes must not be negative");
        faults.Require(FetchMaxWait >= TimeSpan.Zero, "fetch.max.wait.ms must not be negative");
        faults.Require(FetchMaxWait < Client.RequestTimeout, "fetch.max.wait.ms must be below request.timeout.ms");
        faults.Require(FetchMaxBytes > 0, "fetch.max.bytes must be above 0");
        faults.Require(MaxPartitionFetchBytes > 0, "max.partition.fetch.bytes must be above 0");
        faults.Require(MaxPollRecords > 0, "max.poll.records must be above 0");
        faults.ThrowIfAny();
    }

    private static ConsumerSettings From(SettingsReader reader) => new()
    {
        Client = ClientSettings.From(reader.At(ClientSettings.Section)),
        AutoOffsetReset = reader.Choice(
            "auto.offset.reset",
            ("latest", AutoOffsetReset.Latest), ("earliest", AutoOffsetReset.Earliest), ("none", AutoOffsetReset.None)),
        FetchMinBytes = reader.Number("fetch.min.bytes"),
        FetchMaxWait = reader.Milliseconds("fetch.max.wait.ms"),
        FetchMaxBytes = reader.Number("fetch.max.bytes"),
        MaxPartitionFetchBytes = reader.Number("max.partition.fetch.bytes"),
        MaxPollRecords = reader.Number("max.poll.records"),
        CheckCrcs = reader.Flag("check.crcs"),
    };
}
