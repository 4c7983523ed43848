using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;

namespace ActorBroker.Messaging;

/// <summary>
/// Where a broker is reached: <c>HOST:PORT</c> or <c>NAME@HOST:PORT</c>. NAME is that of the broker's ActorSystem; HOST a
/// name, an IPv4 address, or an IPv6 address in brackets.
/// </summary>
/// <param name="SystemName">The name of the broker's ActorSystem.</param>
/// <param name="Host">As Akka writes it: an IPv6 address stands in brackets.</param>
/// <param name="Port">1 to 65535.</param>
public sealed record BrokerAddress(string SystemName, string Host, int Port)
{
    public const string DefaultSystemName = "actorbroker";

    public const int DefaultPort = 4053;

    /// <summary>The scheme of Akka's remoting over plain TCP.</summary>
    public const string DefaultProtocol = "akka.tcp";

    /// <exception cref="FormatException">The text is no such address; the message lists all that is wrong with it.</exception>
    public static BrokerAddress Parse(string text) =>
        TryParse(text, out var address, out var error) ? address : throw new FormatException(error);

    /// <summary>Several addresses, separated by commas.</summary>
    /// <exception cref="FormatException">One is no such address, or there is none; the message lists all that is wrong.</exception>
    public static IReadOnlyList<BrokerAddress> ParseList(string text)
    {
        var addresses = new List<BrokerAddress>();
        var errors = new List<string>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (TryParse(part, out var address, out var error))
                addresses.Add(address);
            else
                errors.Add(error);
        }

        if (addresses.Count + errors.Count == 0)
            errors.Add($"No broker address is given: write HOST:PORT, such as localhost:{DefaultPort}.");
        return errors.Count == 0 ? addresses : throw new FormatException(string.Join(Environment.NewLine, errors));
    }

    /// <param name="text">The text to read.</param>
    /// <param name="address">The address.</param>
    /// <param name="error">Otherwise one sentence with all that is wrong.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out BrokerAddress? address, [NotNullWhen(false)] out string? error)
    {
        var faults = new List<string>();
        var rest = text.Trim();
        var at = rest.LastIndexOf('@');
        var name = at < 0 ? DefaultSystemName : rest[..at];
        rest = rest[(at + 1)..];
        if (!IsSystemName(name))
            faults.Add($"'{name}' is no name of an ActorSystem (letters, digits, - and _, beginning with a letter or digit)");

        SplitPort(rest, out var hostText, out var portText);
        var host = ReadHost(hostText, faults);
        var port = ReadPort(portText, faults);
        address = faults.Count == 0 ? new BrokerAddress(name, host, port) : null;
        error = faults.Count == 0 ? null : $"'{text}' is no broker address (HOST:PORT or NAME@HOST:PORT): {string.Join("; ", faults)}.";
        return address is not null;
    }

    /// <summary>
    /// The Akka addresses to try, one after the other. Akka compares addresses by text and drops what is sent to an alias, and
    /// a broker on this machine may call itself localhost, 127.0.0.1 or ::1: so localhost stands for all three.
    /// </summary>
    public IReadOnlyList<Address> Candidates(string protocol = DefaultProtocol)
    {
        string[] hosts = string.Equals(Host, "localhost", StringComparison.OrdinalIgnoreCase) ? ["localhost", "127.0.0.1", "[::1]"] : [Host];
        return Array.ConvertAll(hosts, host => new Address(protocol, SystemName, host, Port));
    }

    public override string ToString()
    {
        var hostPort = string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");
        return SystemName == DefaultSystemName ? hostPort : $"{SystemName}@{hostPort}";
    }

    private static bool IsSystemName(string name)
    {
        if (name.Length == 0 || !char.IsAsciiLetterOrDigit(name[0]))
            return false;
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
                return false;
        }

        return true;
    }

    /// <summary>The port stands after the last colon, unless that colon is part of a bracketed address.</summary>
    private static void SplitPort(string text, out string host, out string? port)
    {
        var bracket = text.LastIndexOf(']');
        var colon = text.IndexOf(':', bracket < 0 ? 0 : bracket);
        var last = text.LastIndexOf(':');
        var bareIPv6 = bracket < 0 && colon != last;
        host = colon < 0 || bareIPv6 ? text : text[..colon];
        port = colon < 0 || bareIPv6 ? null : text[(colon + 1)..];
    }

    private static string ReadHost(string text, List<string> faults)
    {
        if (text.Length == 0)
        {
            faults.Add("the host is missing");
            return "";
        }

        if (text.StartsWith('[') && text.EndsWith(']')
            && IPAddress.TryParse(text.AsSpan(1, text.Length - 2), out var ip) && ip.AddressFamily == AddressFamily.InterNetworkV6)
            return $"[{ip}]";
        if (Uri.CheckHostName(text) is UriHostNameType.Dns or UriHostNameType.IPv4)
            return text;
        faults.Add(IPAddress.TryParse(text, out _)
            ? $"the IPv6 address '{text}' must stand in brackets: [{text}]:PORT"
            : $"'{text}' is no host name or address");
        return text;
    }

    private static int ReadPort(string? text, List<string> faults)
    {
        if (string.IsNullOrEmpty(text))
        {
            faults.Add(string.Create(CultureInfo.InvariantCulture, $"the port is missing (a broker's is {DefaultPort} unless configured)"));
            return 0;
        }

        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > IPEndPoint.MaxPort)
            faults.Add($"'{text}' is no port (1 to {IPEndPoint.MaxPort})");
        return port;
    }
}
