using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Akka.Remote;
using Akka.Remote.Serialization;
using Akka.Remote.Wire;

namespace Akka.Embedded.Tests.Remote;

/// <summary>What only this engine promises: refusals in clear words, and serializers that survive any bytes.</summary>
public sealed class RemoteSystemSpec : IAsyncLifetime
{
    private readonly ActorSystem _system = Create("one", 0);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _system.Terminate().WaitAsync(TimeSpan.FromSeconds(30));

    private static ActorSystem Create(string name, int port, string hocon = "") => ActorSystem.Create(name, ConfigurationFactory.ParseString($$"""
        {{hocon}}
        akka.actor.provider = remote
        akka.stdout-loglevel = OFF
        akka.loglevel = ERROR
        akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = {{port}} }
        """));

    private Address Address => ((ExtendedActorSystem)_system).Provider.DefaultAddress;

    [Fact]
    public void A_port_in_use_fails_the_start_with_host_and_port()
    {
        var failure = Assert.Throws<RemoteTransportException>(() => Create("two", Address.Port!.Value));
        Assert.Contains($"127.0.0.1:{Address.Port}", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("akka.remote.dot-netty.tcp.maximum-frame-size = 100b", "maximum-frame-size")]
    [InlineData("akka.remote.dot-netty.tcp.public-port = 70000", "public-port")]
    [InlineData("akka.remote.dot-netty.tcp.enable-ssl = on", "ssl.certificate.path")]
    [InlineData("akka.remote.system-message-buffer-size = 0", "system-message-buffer-size")]
    public void A_setting_out_of_range_is_named(string hocon, string key)
        => Assert.Contains(key, Assert.Throws<ConfigurationException>(() => Create("two", 0, hocon)).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_connection_that_sends_garbage_is_closed()
    {
        using var client = new TcpClient("127.0.0.1", Address.Port!.Value);
        await client.GetStream().WriteAsync(new byte[] { 255, 255, 255, 127, 0 });
        Assert.Equal(0, await client.GetStream().ReadAsync(new byte[16]).AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
    }

    /// <summary>
    /// A network that heals delivers the handshake of a connection that the peer gave up meanwhile behind that of its newer one,
    /// and so takes it for the newest. Once it has ended, the peer must not be left writing where nobody reads.
    /// </summary>
    [Fact]
    public async Task A_stale_connection_that_comes_last_leaves_no_deaf_one_behind()
    {
        var peer = new TcpListener(System.Net.IPAddress.Loopback, 0);
        peer.Start();
        var address = new Address("akka.tcp", "peer", "127.0.0.1", ((System.Net.IPEndPoint)peer.LocalEndpoint).Port);
        using var handshake = new OutputBuffer();
        PduEncoder.Associate(handshake, address, uid: 7);

        // The system has a connection of its own to write on, so it needs none of the peer's.
        _system.ActorSelection(new RootActorPath(address) / "user" / "any").Tell("x");
        using var own = await peer.AcceptTcpClientAsync().WaitAsync(TimeSpan.FromSeconds(30));
        await Associate(own);
        using var used = await Connect();
        using (await Connect())
        {
        }

        // Its heartbeats alone would go on for ever.
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var buffer = new byte[256];
        while (await used.GetStream().ReadAsync(buffer, deadline.Token) > 0)
        {
        }

        peer.Stop();

        async Task<TcpClient> Connect()
        {
            var client = new TcpClient("127.0.0.1", Address.Port!.Value);
            await Associate(client);
            return client;
        }

        async Task Associate(TcpClient client)
        {
            await client.GetStream().WriteAsync(handshake.WrittenMemory);
            Assert.NotEqual(0, await client.GetStream().ReadAsync(new byte[256]).AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
        }
    }

    [Fact]
    public void Serializers_read_or_refuse_any_bytes()
    {
        var system = (ExtendedActorSystem)_system;
        var misc = new MiscMessageSerializer(system);
        var messages = new SystemMessageSerializer(system);
        var container = new MessageContainerSerializer(system);
        object[] samples = [new Identify("x"), new ActorIdentity(1, _system.DeadLetters), _system.DeadLetters, new RemoteWatcher.HeartbeatRsp(7),
            new Status.Success("s"), new Status.Failure(new InvalidOperationException("f", new TimeoutException("inner"))), new RemoteScope(Address)];
        var random = new Random(3);
        for (var i = 0; i < 30_000; i++)
        {
            var sample = samples[random.Next(samples.Length)];
            var bytes = Mutate(misc.ToBinary(sample), random);
            Feed(() => misc.FromBinary(bytes, misc.Manifest(sample)));
            Feed(() => messages.FromBinary(bytes, "Akka.Dispatch.SysMsg.Watch, Akka"));
            Feed(() => messages.FromBinary(bytes, "Akka.Dispatch.SysMsg.DeathWatchNotification, Akka"));
            Feed(() => container.FromBinary(bytes, typeof(ActorSelectionMessage)));
        }
    }

    [Fact]
    public void Messages_nested_without_end_are_refused_before_they_take_the_stack()
    {
        var container = new MessageContainerSerializer((ExtendedActorSystem)_system);
        var bytes = container.ToBinary(new ActorSelectionMessage("x", []));
        for (var i = 0; i < 2_000; i++)
        {
            using var payload = new OutputBuffer();
            payload.Bytes(1, bytes);
            payload.Int(2, 6);
            using var selection = new OutputBuffer();
            selection.Message(1, payload.WrittenSpan);
            bytes = selection.ToArray();
        }

        Assert.Throws<WireFormatException>(() => container.FromBinary(bytes, typeof(ActorSelectionMessage)));
    }

    [Fact]
    public void An_exception_comes_back_as_a_known_type_or_as_one_that_names_it()
    {
        var misc = new MiscMessageSerializer((ExtendedActorSystem)_system);
        var known = (Status.Failure)misc.FromBinary(misc.ToBinary(new Status.Failure(new TimeoutException("late", new ArgumentException("inner")))), "STF");
        Assert.Equal("late", Assert.IsType<TimeoutException>(known.Cause).Message);
        Assert.IsType<ArgumentException>(known.Cause.InnerException);
        var unknown = (Status.Failure)misc.FromBinary(misc.ToBinary(new Status.Failure(new WireFormatException("odd"))), "STF");
        Assert.Contains(nameof(WireFormatException), unknown.Cause.Message, StringComparison.Ordinal);
    }

    private static byte[] Mutate(byte[] bytes, Random random)
    {
        if (bytes.Length == 0 || random.Next(10) == 0)
        {
            bytes = new byte[random.Next(40)];
            random.NextBytes(bytes);
        }

        for (var n = random.Next(4); n > 0 && bytes.Length > 0; n--)
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        return bytes;
    }

    private static void Feed(Action read)
    {
        try
        {
            read();
        }
        catch (Exception e) when (e is not (OutOfMemoryException or AccessViolationException or NullReferenceException or IndexOutOfRangeException))
        {
            // Refused.
        }
    }
}
