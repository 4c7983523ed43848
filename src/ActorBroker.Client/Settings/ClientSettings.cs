using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Client;

/// <summary>What producer, consumer and admin share: <c>actorbroker.client</c>. The meaning of each stands in reference.conf.</summary>
public sealed record ClientSettings
{
    internal const string Section = "actorbroker.client";

    private ClientSettings()
    {
    }

    /// <summary>HOST:PORT or NAME@HOST:PORT; "local" is a broker in the client's own ActorSystem.</summary>
    public required ImmutableArray<string> Bootstrap { get; init; }

    public required string ClientId { get; init; }

    public required TimeSpan RequestTimeout { get; init; }

    public required TimeSpan BootstrapTimeout { get; init; }

    public required TimeSpan MetadataMaxAge { get; init; }

    public required TimeSpan UnknownTopicTimeout { get; init; }

    public required TimeSpan RetryBackoff { get; init; }

    public required TimeSpan RetryBackoffMax { get; init; }

    public required TimeSpan DefaultApiTimeout { get; init; }

    /// <exception cref="ClientSettingsException">A value can't be read or is out of range.</exception>
    public static ClientSettings Create(ActorSystem system) => Create(system.Settings.Config);

    public static ClientSettings Create(Config config)
    {
        var settings = SettingsReader.Read(config, Section, From);
        settings.Validate();
        return settings;
    }

    public ClientSettings WithBootstrap(params ImmutableArray<string> addresses) => this with { Bootstrap = addresses };

    public ClientSettings WithClientId(string clientId) => this with { ClientId = clientId };

    internal static ClientSettings From(SettingsReader reader) => new()
    {
        Bootstrap = reader.List("bootstrap.servers"),
        ClientId = reader.Text("client.id"),
        RequestTimeout = reader.Milliseconds("request.timeout.ms"),
        BootstrapTimeout = reader.Milliseconds("bootstrap.timeout.ms"),
        MetadataMaxAge = reader.Milliseconds("metadata.max.age.ms"),
        UnknownTopicTimeout = reader.Milliseconds("unknown.topic.timeout.ms"),
        RetryBackoff = reader.Milliseconds("retry.backoff.ms"),
        RetryBackoffMax = reader.Milliseconds("retry.backoff.max.ms"),
        DefaultApiTimeout = reader.Milliseconds("default.api.timeout.ms"),
    };

    internal void Validate()
    {
        var faults = new FaultList();
        Check(faults);
        faults.ThrowIfAny();
    }

    internal void Check(FaultList faults)
    {
        faults.Require(!Bootstrap.IsDefaultOrEmpty, "bootstrap.servers names no address");
        faults.Require(RequestTimeout > TimeSpan.Zero, "request.timeout.ms must be above 0");
        faults.Require(BootstrapTimeout > TimeSpan.Zero, "bootstrap.timeout.ms must be above 0");
        faults.Require(MetadataMaxAge > TimeSpan.Zero, "metadata.max.age.ms must be above 0");
        faults.Require(UnknownTopicTimeout >= TimeSpan.Zero, "unknown.topic.timeout.ms must not be negative");
        faults.Require(RetryBackoff >= TimeSpan.FromMilliseconds(1), "retry.backoff.ms must be at least 1");
        faults.Require(RetryBackoffMax >= RetryBackoff, "retry.backoff.max.ms must not be below retry.backoff.ms");
        faults.Require(DefaultApiTimeout > TimeSpan.Zero, "default.api.timeout.ms must be above 0");
        if (Bootstrap.IsDefault)
            return;
        foreach (var address in Bootstrap)
        {
            if (BootstrapAddresses.FaultOf(address) is { } fault)
                faults.Require(holds: false, $"bootstrap.servers: {fault}");
        }
    }
}
