using System.Globalization;

namespace ActorBroker.Hosting;

/// <summary>An address as <c>listeners</c> names it.</summary>
/// <param name="Host">Null: the one of Akka.Remote.</param>
internal sealed record ListenerAddress(string? Host, int Port)
{
    /// <summary>Name of the one listener that there may be, which is also how the broker registers it.</summary>
    public const string Name = "KAFKA";

    private const string Scheme = Name + "://";

    /// <summary>Null with a reason where the text is no address; null without one where it is empty.</summary>
    public static ListenerAddress? Parse(string text, bool needsHost, out string? fault)
    {
        fault = null;
        if (text.Length == 0) return null;
        fault = $"must be {Scheme}{(needsHost ? "HOST:PORT" : "HOST:PORT, or without HOST to bind the node's own")}";
        if (!text.StartsWith(Scheme, StringComparison.Ordinal)) return null;
        var rest = text.AsSpan(Scheme.Length);
        var colon = rest.LastIndexOf(':');
        if (colon < 0 || !ushort.TryParse(rest[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port)) return null;
        var host = rest[..colon].Trim("[]").ToString();
        if (needsHost && (host.Length == 0 || port == 0)) return null;
        fault = null;
        return new ListenerAddress(host.Length == 0 ? null : host, port);
    }
}

/// <summary>The listener of Kafka's protocol, and what its clients may take of this node.</summary>
/// <param name="Bind">Null: there is none. Port 0: any free one.</param>
/// <param name="Advertised">What clients are told; null: what was bound, at the host that Akka.Remote advertises.</param>
/// <param name="MaxRequestBytes"><c>socket.request.max.bytes</c>.</param>
/// <param name="MaxQueuedBytes"><c>queued.max.request.bytes</c>, of all connections together.</param>
/// <param name="MaxPipelined">Requests of one connection whose responses have not left.</param>
/// <param name="MaxFetchBytes"><c>fetch.max.bytes</c>.</param>
internal sealed record ListenerOptions(
    ListenerAddress? Bind,
    ListenerAddress? Advertised,
    int MaxRequestBytes,
    long MaxQueuedBytes,
    int MaxPipelined,
    int MaxFetchBytes,
    int MaxConnections,
    int MaxConnectionsPerAddress,
    TimeSpan MaxIdle)
{
    public static ListenerOptions Read(OptionsReader reader) => new(
        ReadAddress(reader, "listeners", needsHost: false),
        ReadAddress(reader, "advertised.listeners", needsHost: true),
        reader.Int("socket.request.max.bytes", least: 1024, most: Array.MaxLength),
        reader.Long("queued.max.request.bytes", least: 1024 * 1024),
        reader.Int("queued.max.requests.per.connection", least: 1),
        reader.Int("fetch.max.bytes", least: 1024),
        reader.Int("max.connections.total", least: 1),
        reader.Int("max.connections.per.ip", least: 1),
        reader.Milliseconds("connections.max.idle.ms", least: 1));

    private static ListenerAddress? ReadAddress(OptionsReader reader, string key, bool needsHost)
    {
        ListenerAddress? address = null;
        reader.Check(key, text =>
        {
            address = ListenerAddress.Parse(text, needsHost, out var fault);
            return fault;
        });
        return address;
    }
}
