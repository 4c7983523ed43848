using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Event;

namespace Akka.Remote.Transport;

/// <summary>Listener and dialer for TCP, with or without TLS.</summary>
internal sealed class TcpTransport(TcpSettings settings, ILoggingAdapter log) : ITransport
{
    private readonly ConcurrentDictionary<TcpConnection, byte> _connections = new();
    private readonly CancellationTokenSource _stopped = new();
    private Socket? _listener;

    public string Protocol => settings.Certificate is null ? "akka.tcp" : "akka.ssl.tcp";

    public async Task<Address> Listen(string systemName)
    {
        try
        {
            var address = await Resolve(settings.Hostname);
            var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            _listener = listener;
            listener.Bind(new IPEndPoint(address, settings.Port));
            listener.Listen(settings.Backlog);
            var bound = (IPEndPoint)listener.LocalEndPoint!;
            var host = settings.PublicHostname.Length > 0 ? settings.PublicHostname
                : settings.Hostname == IPAddress.Any.ToString() ? bound.Address.ToString() : settings.Hostname;
            return new Address(Protocol, systemName, Bracketed(host), settings.PublicPort > 0 ? settings.PublicPort : bound.Port);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            _listener?.Dispose();
            throw new RemoteTransportException(
                $"Can't listen on {settings.Hostname}:{settings.Port}: {e.Message}. The address comes from {TcpSettings.Path}.hostname and .port.", e);
        }
    }

    public void Accept(Action<ITransportConnection> accept) => _ = AcceptLoop(_listener!, accept);

    public async Task<ITransportConnection> Connect(Address remote)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stopped.Token);
        timeout.CancelAfter(settings.ConnectionTimeout);
        Socket? socket = null;
        try
        {
            var address = await Resolve(remote.Host!.Trim('[', ']'));
            socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            Tune(socket);
            await socket.ConnectAsync(new IPEndPoint(address, remote.Port!.Value), timeout.Token);
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (settings.Certificate is { } certificate)
                stream = await SecureClient(stream, certificate, timeout.Token);
            return Register(socket, stream);
        }
        catch (OperationCanceledException e) when (!_stopped.IsCancellationRequested)
        {
            socket?.Dispose();
            throw new RemoteTransportException($"No connection to {remote} within {settings.ConnectionTimeout.TotalSeconds:0.###} s", e);
        }
        catch
        {
            socket?.Dispose();
            throw;
        }
    }

    public Task Shutdown()
    {
        _stopped.Cancel();
        _listener?.Dispose();
        foreach (var connection in _connections.Keys)
            connection.Abort();
        return Task.CompletedTask;
    }

    private async Task AcceptLoop(Socket listener, Action<ITransportConnection> accept)
    {
        while (!_stopped.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await listener.AcceptAsync(_stopped.Token);
            }
            catch (Exception e) when (_stopped.IsCancellationRequested || e is ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e)
            {
                // One connection that failed before it was accepted, or no file handles left: neither may stop the listener.
                log.Warning("Accepting a connection failed: {0}", e.Message);
                await Task.Delay(TimeSpan.FromMilliseconds(100), CancellationToken.None);
                continue;
            }

            _ = Accepted(socket, accept);
        }
    }

    private async Task Accepted(Socket socket, Action<ITransportConnection> accept)
    {
        try
        {
            Tune(socket);
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (settings.Certificate is { } certificate)
            {
                using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stopped.Token);
                timeout.CancelAfter(settings.ConnectionTimeout);
                var secure = new SslStream(stream);
                await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, timeout.Token);
                stream = secure;
            }

            accept(Register(socket, stream));
        }
        catch (Exception e)
        {
            log.Warning("A connection from {0} was refused: {1}", SafeEndPoint(socket), e.Message);
            socket.Dispose();
        }
    }

    private async Task<Stream> SecureClient(Stream stream, X509Certificate2 certificate, CancellationToken cancel)
    {
        var secure = settings.SuppressValidation ? new SslStream(stream, false, static (_, _, _, _) => true) : new SslStream(stream);
        var options = new SslClientAuthenticationOptions
        {
            // As on the official engine, all nodes share one certificate, and its name is the one to expect.
            TargetHost = certificate.GetNameInfo(X509NameType.DnsName, false),
            ClientCertificates = [certificate],
        };
        await secure.AuthenticateAsClientAsync(options, cancel);
        return secure;
    }

    private TcpConnection Register(Socket socket, Stream stream)
    {
        var connection = new TcpConnection(socket, stream, c => _connections.TryRemove(c, out _));
        _connections.TryAdd(connection, 0);
        if (_stopped.IsCancellationRequested)
            connection.Abort();
        return connection;
    }

    private void Tune(Socket socket)
    {
        socket.NoDelay = settings.NoDelay;
        if (settings.KeepAlive)
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        if (settings.SendBufferBytes > 0)
            socket.SendBufferSize = settings.SendBufferBytes;
        if (settings.ReceiveBufferBytes > 0)
            socket.ReceiveBufferSize = settings.ReceiveBufferBytes;
    }

    private async Task<IPAddress> Resolve(string host)
    {
        if (IPAddress.TryParse(host, out var literal))
            return literal;
        var family = settings.UseIpv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        var found = await Dns.GetHostAddressesAsync(host, family, _stopped.Token);
        return found.Length > 0 ? found[0] : throw new SocketException((int)SocketError.HostNotFound);
    }

    private static string Bracketed(string host)
        => IPAddress.TryParse(host, out var ip) && ip.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{ip}]" : host;

    private static string SafeEndPoint(Socket socket)
    {
        try
        {
            return socket.RemoteEndPoint?.ToString() ?? "unknown";
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return "unknown";
        }
    }
}
