using System.Net;
using System.Security.Cryptography.X509Certificates;
using Akka.Configuration;

namespace Akka.Remote.Transport;

/// <summary>The keys of <c>akka.remote.dot-netty.tcp</c>, validated together.</summary>
internal sealed record TcpSettings
{
    public const string Path = "akka.remote.dot-netty.tcp";

    public required string Hostname { get; init; }

    public required int Port { get; init; }

    /// <summary>Empty: the hostname is what others are told.</summary>
    public required string PublicHostname { get; init; }

    /// <summary>0: the port listened on is what others are told.</summary>
    public required int PublicPort { get; init; }

    public required TimeSpan ConnectionTimeout { get; init; }

    public required int SendBufferBytes { get; init; }

    public required int ReceiveBufferBytes { get; init; }

    /// <summary>Bytes of the largest frame, its 4-byte length included.</summary>
    public required int MaximumFrameBytes { get; init; }

    public required int Backlog { get; init; }

    public required bool NoDelay { get; init; }

    public required bool KeepAlive { get; init; }

    public required bool UseIpv6 { get; init; }

    /// <summary>Null: no TLS.</summary>
    public required X509Certificate2? Certificate { get; init; }

    public required bool SuppressValidation { get; init; }

    public static TcpSettings Create(Config config)
    {
        var faults = new List<string>();
        var settings = new TcpSettings
        {
            Hostname = config.GetString("hostname", "") is { Length: > 0 } host ? host : IPAddress.Any.ToString(),
            Port = PortOf(config, "port", faults),
            PublicHostname = config.GetString("public-hostname", "") ?? "",
            PublicPort = PortOf(config, "public-port", faults),
            ConnectionTimeout = config.GetTimeSpan("connection-timeout", null, allowInfinite: false),
            SendBufferBytes = Bytes(config, "send-buffer-size", 0, faults),
            ReceiveBufferBytes = Bytes(config, "receive-buffer-size", 0, faults),
            MaximumFrameBytes = Bytes(config, "maximum-frame-size", 32_000, faults),
            Backlog = config.GetInt("backlog", 0),
            NoDelay = config.GetBoolean("tcp-nodelay", true),
            KeepAlive = config.GetBoolean("tcp-keepalive", true),
            UseIpv6 = config.GetBoolean("dns-use-ipv6", false),
            Certificate = config.GetBoolean("enable-ssl", false) ? Load(config.GetConfig("ssl.certificate"), faults) : null,
            SuppressValidation = config.GetBoolean("ssl.suppress-validation", false),
        };
        return faults.Count == 0 ? settings : throw new ConfigurationException(string.Join("; ", faults));
    }

    private static int PortOf(Config config, string key, List<string> faults)
    {
        var port = config.GetInt(key, 0);
        if (port is < 0 or > 65535)
            faults.Add($"{Path}.{key} must lie in 0..65535 but is {port}");
        return port;
    }

    private static int Bytes(Config config, string key, int least, List<string> faults)
    {
        var bytes = config.GetByteSize(key, null) ?? 0;
        if (bytes >= least && bytes <= Array.MaxLength / 2)
            return (int)bytes;
        faults.Add($"{Path}.{key} must lie in {least}..{Array.MaxLength / 2} bytes but is {bytes}");
        return least;
    }

    private static X509Certificate2? Load(Config config, List<string> faults)
    {
        var path = config.GetString("path", "") ?? "";
        if (config.GetBoolean("use-thumbprint-over-file", false))
            return FromStore(config, faults);
        try
        {
            return X509CertificateLoader.LoadPkcs12FromFile(path, config.GetString("password", ""));
        }
        catch (Exception e) when (e is IOException or System.Security.Cryptography.CryptographicException or ArgumentException or UnauthorizedAccessException)
        {
            faults.Add($"{Path}.ssl.certificate.path '{path}' can't be loaded: {e.Message}");
            return null;
        }
    }

    private static X509Certificate2? FromStore(Config config, List<string> faults)
    {
        var thumbprint = config.GetString("thumbprint", "") ?? "";
        var location = config.GetString("store-location", "") == "local-machine" ? StoreLocation.LocalMachine : StoreLocation.CurrentUser;
        using var store = new X509Store(config.GetString("store-name", "") is { Length: > 0 } name ? name : "My", location);
        store.Open(OpenFlags.ReadOnly);
        var found = store.Certificates.Find(X509FindType.FindByThumbprint, thumbprint, validOnly: false);
        if (found.Count > 0)
            return found[0];
        faults.Add($"{Path}.ssl.certificate.thumbprint '{thumbprint}' is not in the store {store.Name} of {location}");
        return null;
    }
}
