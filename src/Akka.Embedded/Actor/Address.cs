using System.Globalization;

namespace Akka.Actor;

/// <summary>
/// Where an ActorSystem lives: <c>protocol://system</c> for this process only, <c>protocol://system@host:port</c> for the network.
/// </summary>
public sealed class Address : IEquatable<Address>, IComparable<Address>
{
    public static readonly Address AllSystems = new("akka", "all-systems");
    public static readonly IComparer<Address> Comparer = Comparer<Address>.Create(static (a, b) => a is null ? (b is null ? 0 : -1) : a.CompareTo(b));

    private string? _text;
    private readonly int _hash;

    public Address(string protocol, string system, string? host = null, int? port = null)
    {
        Protocol = protocol;
        System = system;
        Host = host?.ToLowerInvariant();
        Port = port;
        _hash = HashCode.Combine(Protocol, System, Host, Port);
    }

    public string Protocol { get; }
    public string System { get; }
    public string? Host { get; }
    public int? Port { get; }

    public bool HasLocalScope => string.IsNullOrEmpty(Host);
    public bool HasGlobalScope => !string.IsNullOrEmpty(Host);

    public Address WithProtocol(string protocol) => new(protocol, System, Host, Port);
    public Address WithSystem(string system) => new(Protocol, system, Host, Port);
    public Address WithHost(string? host = null) => new(Protocol, System, host, Port);
    public Address WithPort(int? port = null) => new(Protocol, System, Host, port);

    /// <summary>The text after <c>://</c>.</summary>
    public string HostPort() => ToString()[(Protocol.Length + 3)..];

    public static Address Parse(string address)
        => TryParse(address, out var parsed) ? parsed! : throw new UriFormatException($"Can't parse an address: {address}");

    public static bool TryParse(string path, out Address? address) => TryParse(path.AsSpan(), out address, out _);

    public static bool TryParse(string path, out Address? address, out string? absolutUri)
    {
        var ok = TryParse(path.AsSpan(), out address, out var rest);
        absolutUri = ok ? rest.ToString() : null;
        return ok;
    }

    public static bool TryParse(ReadOnlySpan<char> span, out Address? address) => TryParse(span, out address, out _);

    /// <param name="absolutUri">what follows the address, from its first slash on; <c>/</c> when nothing follows</param>
    public static bool TryParse(ReadOnlySpan<char> span, out Address? address, out ReadOnlySpan<char> absolutUri)
    {
        address = null;
        absolutUri = default;
        var scheme = span.IndexOf("://", StringComparison.Ordinal);
        if (scheme <= 0)
            return false;
        var protocol = span[..scheme];
        if (!protocol.StartsWith("akka", StringComparison.OrdinalIgnoreCase))
            return false;
        var authority = span[(scheme + 3)..];
        var slash = authority.IndexOf('/');
        absolutUri = slash < 0 ? "/" : authority[slash..];
        if (slash >= 0)
            authority = authority[..slash];
        if (authority.IsEmpty)
            return false;

        var at = authority.IndexOf('@');
        if (at < 0)
        {
            address = new Address(protocol.ToString(), authority.ToString());
            return true;
        }
        if (at == 0 || !TryParseHostPort(authority[(at + 1)..], out var host, out var port))
            return false;
        address = new Address(protocol.ToString(), authority[..at].ToString(), host, port);
        return true;
    }

    private static bool TryParseHostPort(ReadOnlySpan<char> text, out string host, out int? port)
    {
        host = "";
        port = null;
        var bracket = text.StartsWith("[") ? text.IndexOf(']') : -1;
        var colon = text[(bracket + 1)..].IndexOf(':');
        var hostText = colon < 0 ? text : text[..(bracket + 1 + colon)];
        if (hostText.IsEmpty)
            return false;
        host = hostText.ToString();
        if (colon < 0)
            return true;
        if (!int.TryParse(text[(bracket + 2 + colon)..], NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number > 65535)
            return false;
        port = number;
        return true;
    }

    public bool Equals(Address? other)
        => ReferenceEquals(this, other)
           || (other is not null && _hash == other._hash && Port == other.Port && Host == other.Host && System == other.System && Protocol == other.Protocol);

    public override bool Equals(object? obj) => Equals(obj as Address);
    public override int GetHashCode() => _hash;

    public int CompareTo(Address? other)
    {
        if (other is null)
            return 1;
        var c = string.CompareOrdinal(Protocol, other.Protocol);
        if (c == 0)
            c = string.CompareOrdinal(System, other.System);
        if (c == 0)
            c = string.CompareOrdinal(Host, other.Host);
        return c != 0 ? c : Nullable.Compare(Port, other.Port);
    }

    public override string ToString()
        => _text ??= Host is null ? $"{Protocol}://{System}"
            : Port is { } port ? string.Create(CultureInfo.InvariantCulture, $"{Protocol}://{System}@{Host}:{port}")
            : $"{Protocol}://{System}@{Host}";

    public static bool operator ==(Address? left, Address? right) => left is null ? right is null : left.Equals(right);
    public static bool operator !=(Address? left, Address? right) => !(left == right);
}
