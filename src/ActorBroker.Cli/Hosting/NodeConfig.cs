using System.Globalization;
using System.Text;
using ActorBroker.Cli.Commands;
using Akka.Configuration;

namespace ActorBroker.Cli.Hosting;

/// <summary>What the user said on the command line; null where nothing was said.</summary>
internal sealed record StartSettings
{
    public string? ConfigFile { get; init; }

    public int? NodeId { get; init; }

    public string? Host { get; init; }

    public int? Port { get; init; }

    public string? AdvertisedHost { get; init; }

    public string? DataDirectory { get; init; }

    public string? ClusterId { get; init; }

    /// <summary><c>ID@HOST:PORT</c>, separated by commas.</summary>
    public string? Voters { get; init; }

    /// <summary><c>HOST:PORT</c>, separated by commas.</summary>
    public string? Seeds { get; init; }

    public int? ReplicationPort { get; init; }

    /// <summary>A port, or <see cref="KafkaPortOption.Off"/>.</summary>
    public string? KafkaPort { get; init; }

    /// <summary><c>HOST:PORT</c>.</summary>
    public string? AdvertisedKafka { get; init; }

    public string? Rack { get; init; }

    /// <summary>The end of standard input is a request to stop: a parent that dies takes its nodes with it.</summary>
    public bool StopsWithInput { get; init; }
}

/// <summary>Builds a node's configuration: options over file over defaults.</summary>
internal static class NodeConfig
{
    public static Config Build(StartSettings settings) =>
        ConfigurationFactory.ParseString(OptionsAsHocon(settings))
            .WithFallback(settings.ConfigFile is null ? ConfigurationFactory.Empty : ReadFile(settings.ConfigFile))
            .WithFallback(ConfigurationFactory.FromResource("node.conf", typeof(NodeConfig).Assembly));

    private static Config ReadFile(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"--config {path} can't be read: {e.Message}");
        }

        try
        {
            // Substitutions are resolved on reading: a broken one must be said now.
            var config = ConfigurationFactory.ParseString(text);
            _ = config.ToString();
            return config;
        }
        catch (Exception e) when (e is ConfigurationException or FormatException or InvalidOperationException)
        {
            throw CliException.Usage($"--config {path} is not valid HOCON: {e.Message}");
        }
    }

    private static string OptionsAsHocon(StartSettings settings)
    {
        var hocon = new StringBuilder();
        Add("actorbroker.node.id", settings.NodeId);
        Add("actorbroker.data.dir", settings.DataDirectory is null ? null : Path.GetFullPath(settings.DataDirectory));
        Add("actorbroker.cluster.id", settings.ClusterId);
        Add("actorbroker.controller.quorum.voters", settings.Voters);
        Add("actorbroker.controller.quorum.bootstrap.servers", settings.Seeds);
        Add("actorbroker.replication.port", settings.ReplicationPort);
        Add("actorbroker.listeners", settings.KafkaPort switch { null => null, KafkaPortOption.Off => "", var port => $"KAFKA://:{port}" });
        Add("actorbroker.advertised.listeners", settings.AdvertisedKafka is { } advertised ? $"KAFKA://{advertised}" : null);
        Add("actorbroker.broker.rack", settings.Rack);
        Add("akka.remote.dot-netty.tcp.hostname", settings.Host);
        Add("akka.remote.dot-netty.tcp.port", settings.Port);
        Add("akka.remote.dot-netty.tcp.public-hostname", settings.AdvertisedHost);
        return hocon.ToString();

        void Add(string key, object? value)
        {
            if (value is null) return;
            var text = Convert.ToString(value, CultureInfo.InvariantCulture)!.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
            hocon.Append(key).Append(" = \"").Append(text).Append("\"\n");
        }
    }
}
