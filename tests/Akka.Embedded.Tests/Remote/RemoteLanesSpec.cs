using System.Buffers.Binary;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote;
using Akka.Remote.Transport;
using Akka.Remote.Wire;

namespace Akka.Embedded.Tests.Remote;

/// <summary>
/// A peer that reads slowly: a queue builds up behind its connection. What is urgent must leave first once it reads again. The
/// transport is one whose writes stay pending until the test lets them go, so the order seen is the order of the queue.
/// </summary>
public sealed class RemoteLanesSpec : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private static readonly Address Peer = new("akka.tcp", "peer", "far", 1);

    private readonly string _name = nameof(RemoteLanesSpec) + Guid.NewGuid();
    private readonly StalledTransport _transport = new();
    private ActorSystem _system = null!;

    public Task InitializeAsync()
    {
        RemoteTransports.Register(_name, _ => _transport);
        _system = ActorSystem.Create("here", ConfigurationFactory.ParseString($$"""
            akka.actor.provider = remote
            akka.stdout-loglevel = OFF
            akka.loglevel = ERROR
            akka.embedded.transport = "{{_name}}"
            """));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        _transport.Release();
        await _system.Terminate().WaitAsync(Deadline);
        RemoteTransports.Remove(_name);
    }

    private IActorRef Remote(string path) => ((ExtendedActorSystem)_system).Provider.ResolveActorRef(Peer + path);

    /// <summary>Associates, then leaves a write pending and a queue behind it.</summary>
    private async Task Stall()
    {
        Remote("/user/x").Tell("opens the connection");
        var connection = await _transport.Connected.Task.WaitAsync(Deadline);
        connection.Answer(Peer, uid: 5);
        Assert.Equal("opens the connection", await connection.NextText());
        _transport.Hold();
        Remote("/user/x").Tell("in flight");
        await connection.Pending.WaitAsync(Deadline);
    }

    [Fact]
    public async Task Heartbeats_then_system_messages_overtake_a_queue_of_large_messages()
    {
        await Stall();
        for (var i = 0; i < 20; i++)
            Remote("/user/x").Tell(new byte[100_000]);
        ((IInternalActorRef)Remote("/user/x")).Stop();
        new ActorSelection(Remote(""), "system/remote-watcher").Tell(RemoteWatcher.Heartbeat.Instance, ActorRefs.NoSender);
        _transport.Release();

        var connection = await _transport.Connected.Task;
        Assert.Equal("in flight", await connection.NextText());
        Assert.Equal(6, (await connection.Next()).SerializerId);
        var system = await connection.Next();
        Assert.Equal(22, system.SerializerId);
        Assert.True(system.IsSystem);
        for (var i = 0; i < 20; i++)
            Assert.Equal(4, (await connection.Next()).SerializerId);
    }

    [Fact]
    public async Task The_notice_of_an_end_stays_behind_what_was_sent_before_it()
    {
        await Stall();
        Remote("/user/x").Tell("last words");
        ((IInternalActorRef)Remote("/user/x")).SendSystemMessage(
            new Akka.Dispatch.SysMsg.DeathWatchNotification(_system.DeadLetters, existenceConfirmed: true, addressTerminated: false));
        _transport.Release();
        var connection = await _transport.Connected.Task;
        Assert.Equal("in flight", await connection.NextText());
        Assert.Equal("last words", await connection.NextText());
        Assert.Equal(22, (await connection.Next()).SerializerId);
    }

    [Fact]
    public async Task A_large_message_does_not_fill_a_batch_with_what_is_queued_behind_it()
    {
        await Stall();
        for (var i = 0; i < 50; i++)
            Remote("/user/x").Tell(new byte[30_000]);
        _transport.Release();
        var connection = await _transport.Connected.Task;
        for (var i = 0; i < 51; i++)
            await connection.Next();
        Assert.InRange(connection.LargestSend, 1, Link.BatchBytes + 31_000);
    }

    [Fact]
    public async Task An_oversized_message_is_logged_with_the_setting_and_its_size()
    {
        var logged = new TaskCompletionSource<string>();
        var listener = _system.ActorOf(Props.Create(() => new ErrorListener(logged)));
        _system.EventStream.Subscribe(listener, typeof(Error));
        await Stall();
        _transport.Release();
        Remote("/user/x").Tell(new byte[200_000]);
        var text = await logged.Task.WaitAsync(Deadline);
        Assert.Contains("akka.remote.dot-netty.tcp.maximum-frame-size = 128000", text, StringComparison.Ordinal);
        Assert.Contains("has 200", text, StringComparison.Ordinal);
        Assert.Contains("System.Byte[]", text, StringComparison.Ordinal);
    }

    private sealed class ErrorListener(TaskCompletionSource<string> logged) : UntypedActor
    {
        protected override void OnReceive(object message) => logged.TrySetResult(((Error)message).ToString());
    }

    private sealed class StalledTransport : ITransport
    {
        private TaskCompletionSource _open = Opened();

        public TaskCompletionSource<StalledConnection> Connected { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Protocol => "akka.tcp";

        public Task Gate => Volatile.Read(ref _open).Task;

        public void Hold() => Volatile.Write(ref _open, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

        public void Release() => Volatile.Read(ref _open).TrySetResult();

        public Task<Address> Listen(string systemName) => Task.FromResult(new Address(Protocol, systemName, "near", 1));

        public void Accept(Action<ITransportConnection> accept)
        {
            // Nobody connects to this one.
        }

        public Task<ITransportConnection> Connect(Address remote)
        {
            var connection = new StalledConnection(this);
            Connected.TrySetResult(connection);
            return Task.FromResult<ITransportConnection>(connection);
        }

        public Task Shutdown() => Task.CompletedTask;

        private static TaskCompletionSource Opened()
        {
            var open = new TaskCompletionSource();
            open.SetResult();
            return open;
        }
    }

    /// <summary>What a test wants to know of a frame.</summary>
    private sealed record Sent(int SerializerId, bool IsSystem, string Text);

    private sealed class StalledConnection(StalledTransport transport) : ITransportConnection
    {
        private readonly System.Threading.Channels.Channel<Sent> _sent = System.Threading.Channels.Channel.CreateUnbounded<Sent>();
        private readonly TaskCompletionSource<IConnectionHandler> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly SemaphoreSlim _pending = new(0);

        public string Peer => "far:1";

        public int LargestSend { get; private set; }

        /// <summary>A write waits.</summary>
        public Task Pending => _pending.WaitAsync();

        public void Start(IConnectionHandler handler) => _started.SetResult(handler);

        public void Answer(Address origin, int uid)
        {
            using var frame = new OutputBuffer();
            PduEncoder.Associate(frame, origin, uid);
            _started.Task.Result.OnReceived(frame.WrittenSpan, out _);
        }

        public async ValueTask Send(ReadOnlyMemory<byte> bytes)
        {
            if (!transport.Gate.IsCompleted)
                _pending.Release();
            await transport.Gate;
            LargestSend = Math.Max(LargestSend, bytes.Length);
            Split(bytes.Span);
        }

        public void Close() => _sent.Writer.TryComplete();

        public async Task<Sent> Next() => await _sent.Reader.ReadAsync().AsTask().WaitAsync(Deadline);

        public async Task<string> NextText() => (await Next()).Text;

        private void Split(ReadOnlySpan<byte> bytes)
        {
            while (bytes.Length > 0)
            {
                var length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
                var pdu = PduDecoder.Decode(bytes.Slice(4, length));
                bytes = bytes[(4 + length)..];
                if (pdu.Kind != PduKind.Payload)
                    continue;
                var envelope = PduDecoder.DecodeEnvelope(pdu.Payload, 100);
                if (envelope.HasMessage)
                    _sent.Writer.TryWrite(new Sent(envelope.SerializerId, envelope.IsSystem, System.Text.Encoding.UTF8.GetString(envelope.Message)));
            }
        }
    }
}
