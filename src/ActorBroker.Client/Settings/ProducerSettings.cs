using System.Collections.Immutable;
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

    public required KeylessPartitioner Partitioner { get; init; }

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
        faults.ThrowIfAny();
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
            "partitioner", ("sticky", KeylessPartitioner.Sticky), ("round-robin", KeylessPartitioner.RoundRobin)),
    };
}
