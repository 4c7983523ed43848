using System.Collections.Immutable;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Client;

/// <summary>Who must have a record before it counts as delivered; the value is the one on the wire.</summary>
public enum Acks : short
{
    /// <summary>Nobody: reported as soon as it is sent, with offset -1.</summary>
    None = 0,

    /// <summary>The partition's leader.</summary>
    Leader = 1,

    /// <summary>Every in-sync replica.</summary>
    All = -1,
}

/// <summary>Where a record without key and partition goes.</summary>
public enum KeylessPartitioner
{
    /// <summary>One partition until a batch's worth of bytes went there, then another one at random.</summary>
    Sticky,

    /// <summary>The next partition for each record.</summary>
    RoundRobin,
}

/// <summary>A producer's settings: <c>actorbroker.producer</c>. The meaning of each stands in reference.conf.</summary>
public sealed record ProducerSettings
{
    internal const string Section = "actorbroker.producer";

    private ProducerSettings()
    {
    }

    public required ClientSettings Client { get; init; }

    public required Acks Acks { get; init; }

    /// <summary>In bytes.</summary>
    public required int BatchSize { get; init; }

    public required TimeSpan Linger { get; init; }

    /// <summary>In bytes.</summary>
    public required long BufferMemory { get; init; }

    public required TimeSpan MaxBlock { get; init; }

    /// <summary>In bytes.</summary>
    public required int MaxRequestSize { get; init; }

    public required int MaxInFlightRequestsPerConnection { get; init; }

    public required int Retries { get; init; }

    public required TimeSpan DeliveryTimeout { get; init; }

    /// <summary>
    /// True asks for it, and other settings that contradict it are faults; null, the default, is true unless they do.
    /// See <see cref="WithIdempotence"/>.
    /// </summary>
    public required bool? EnableIdempotence { get; init; }

    public required CompressionType CompressionType { get; init; }

    public required KeylessPartitioner Partitioner { get; init; }

    public required bool PartitionerAdaptivePartitioningEnable { get; init; }

    /// <summary>Zero never counts a broker out.</summary>
    public required TimeSpan PartitionerAvailabilityTimeout { get; init; }

    public required bool PartitionerIgnoreKeys { get; init; }

    /// <summary>Whether the producer numbers its batches.</summary>
    internal bool IsIdempotent => EnableIdempotence ?? ContradictionsToIdempotence().Count == 0;

    /// <exception cref="ClientSettingsException">A value can't be read or is out of range.</exception>
    public static ProducerSettings Create(ActorSystem system) => Create(system.Settings.Config);

    public static ProducerSettings Create(Config config)
    {
        var settings = SettingsReader.Read(config, Section, From);
        settings.Validate();
        return settings;
    }

    public ProducerSettings WithBootstrap(params ImmutableArray<string> addresses) =>
        this with { Client = Client.WithBootstrap(addresses) };

    public ProducerSettings WithClientId(string clientId) => this with { Client = Client.WithClientId(clientId) };

    public ProducerSettings WithAcks(Acks acks) => this with { Acks = acks };

    public ProducerSettings WithLinger(TimeSpan linger) => this with { Linger = linger };

    public ProducerSettings WithBatchSize(int bytes) => this with { BatchSize = bytes };

    public ProducerSettings WithCompression(CompressionType type) => this with { CompressionType = type };

    /// <summary>Asks for idempotence, so that settings which contradict it are refused instead of switching it off; or does without.</summary>
    public ProducerSettings WithIdempotence(bool enabled = true) => this with { EnableIdempotence = enabled };

    internal void Validate()
    {
        var faults = new FaultList();
        Client.Check(faults);
        faults.Require(BatchSize > 0, "batch.size must be above 0");
        faults.Require(Linger >= TimeSpan.Zero, "linger.ms must not be negative");
        faults.Require(BufferMemory >= BatchSize, "buffer.memory must not be below batch.size");
        faults.Require(MaxBlock >= TimeSpan.Zero, "max.block.ms must not be negative");
        faults.Require(MaxRequestSize > 0, "max.request.size must be above 0");
        faults.Require(MaxInFlightRequestsPerConnection > 0, "max.in.flight.requests.per.connection must be above 0");
        faults.Require(Retries >= 0, "retries must not be negative");
        faults.Require(
            DeliveryTimeout >= Linger + Client.RequestTimeout,
            "delivery.timeout.ms must not be below linger.ms + request.timeout.ms");
        faults.Require(PartitionerAvailabilityTimeout >= TimeSpan.Zero, "partitioner.availability.timeout.ms must not be negative");
        faults.Require(
            CompressionType == CompressionType.None || CompressionCodecs.Default.TryGet(CompressionType, out _),
            $"compression.type = {CompressionType.ToString().ToLowerInvariant()} has no codec in this build (zstd: build with -p:Zstd=true)");
        foreach (var contradiction in EnableIdempotence == true ? ContradictionsToIdempotence() : [])
            faults.Require(holds: false, $"enable.idempotence = true needs {contradiction}");
        faults.ThrowIfAny();
    }

    /// <summary>KIP-679's rules.</summary>
    private List<string> ContradictionsToIdempotence()
    {
        var needs = new List<string>();
        if (Acks != Acks.All)
            needs.Add("acks = all");
        if (Retries == 0)
            needs.Add("retries above 0");
        if (MaxInFlightRequestsPerConnection > PartitionSequences.MaxUnresolved)
            needs.Add($"max.in.flight.requests.per.connection of at most {PartitionSequences.MaxUnresolved}");
        return needs;
    }

    private static ProducerSettings From(SettingsReader reader) => new()
    {
        Client = ClientSettings.From(reader.At(ClientSettings.Section)),
        Acks = reader.Choice("acks", ("all", Acks.All), ("-1", Acks.All), ("1", Acks.Leader), ("0", Acks.None)),
        BatchSize = reader.Number("batch.size"),
        Linger = reader.Milliseconds("linger.ms"),
        BufferMemory = reader.LongNumber("buffer.memory"),
        MaxBlock = reader.Milliseconds("max.block.ms"),
        MaxRequestSize = reader.Number("max.request.size"),
        MaxInFlightRequestsPerConnection = reader.Number("max.in.flight.requests.per.connection"),
        Retries = reader.Number("retries"),
        DeliveryTimeout = reader.Milliseconds("delivery.timeout.ms"),
        Partitioner = reader.Choice(
            "partitioner.class", ("sticky", KeylessPartitioner.Sticky), ("round-robin", KeylessPartitioner.RoundRobin)),
        PartitionerAdaptivePartitioningEnable = reader.Flag("partitioner.adaptive.partitioning.enable"),
        PartitionerAvailabilityTimeout = reader.Milliseconds("partitioner.availability.timeout.ms"),
        PartitionerIgnoreKeys = reader.Flag("partitioner.ignore.keys"),
        CompressionType = reader.Choice(
            "compression.type", ("none", CompressionType.None), ("gzip", CompressionType.Gzip), ("snappy", CompressionType.Snappy),
            ("lz4", CompressionType.Lz4), ("zstd", CompressionType.Zstd)),
        EnableIdempotence = Idempotence(reader),
    };

    private static bool? Idempotence(SettingsReader reader)
    {
        var enabled = reader.Flag("enable.idempotence");
        return enabled && !reader.IsGiven("enable.idempotence") ? null : enabled;
    }
}
