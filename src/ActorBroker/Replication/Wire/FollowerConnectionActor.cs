using System.Buffers;
using System.Net.Sockets;
using ActorBroker.Log;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Event;

namespace ActorBroker.Replication.Wire;

/// <summary>
/// The leader's end of a connection: one other node's followers, all of them. Passes their fetches to the partitions, and
/// answers when one of those has something to say, when the wait is over, or when the next request comes.
/// Invariant: one answer is on its way at a time, and no more requests are read than <see cref="MostRequests"/> unanswered.
/// </summary>
internal sealed class FollowerConnectionActor : ReceiveActor, IWithTimers
{
    private const int SessionId = 1;
    private const int MostRequests = 2;
    private const int LongestRequest = 16 << 20;
    private const int TrustedBytes = 64 << 10;
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MarksInterval = TimeSpan.FromMilliseconds(200);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Socket _socket;
    private readonly ReplicationServerSetup _setup;
    private readonly FollowerSession _session = new();
    private readonly Queue<(int Number, FetchRequest Request, long DueMs)> _requests = new();
    private readonly SemaphoreSlim _room = new(MostRequests);
    private readonly CancellationTokenSource _closed = new();
    private Handshake? _follower;
    private bool _isSending;
    private long _marksDueMs;
    private long _idleFromMs;

    public FollowerConnectionActor(Socket socket, ReplicationServerSetup setup)
    {
        _socket = socket;
        _setup = setup;
        Receive<Handshake>(OnHandshake);
        Receive<Asked>(OnAsked);
        Receive<PartitionProtocol.FollowerAnswer>(OnAnswer);
        Receive<PartitionProtocol.FollowerAccepted>(accepted => _session.OnAccepted(accepted.Call));
        Receive<Sent>(OnSent);
        Receive<Tick>(_ => OnTick());
        Receive<Ended>(OnEnded);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private long NowMs => (long)_setup.Time.GetElapsedTime(0).TotalMilliseconds;

    /// <summary>To the server: who it is that came. An earlier connection of the same broker is over.</summary>
    public sealed record Identified(BrokerId Follower);

    private sealed record Asked(int Number, FetchRequest Request);

    private sealed record Sent(SessionReader Read, byte[] Rented);

    private sealed record Ended(Exception? Cause);

    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }

    public static Props Props(Socket socket, ReplicationServerSetup setup) =>
        Akka.Actor.Props.Create(() => new FollowerConnectionActor(socket, setup)).WithDispatcher("actorbroker.api-dispatcher");

    protected override void PreStart()
    {
        _idleFromMs = NowMs;
        Timers.StartPeriodicTimer(Tick.Instance, Tick.Instance, TickInterval);
        _ = ServeAsync(Self);
    }

    protected override void PostStop()
    {
        _closed.Cancel();
        _socket.Dispose();
        foreach (var partition in _session.All)
            if (partition.Call != 0) partition.Handle?.Actor.Tell(new PartitionProtocol.FollowerGone(new RequestKey(Self, partition.Call, 0)));
    }

    private async Task ServeAsync(IActorRef self)
    {
        Exception? end = null;
        try
        {
            await ReadAllAsync(self);
        }
        catch (Exception cause) when (Sockets.IsConnectionFault(cause))
        {
            end = cause;
        }

        if (!_closed.IsCancellationRequested) self.Tell(new Ended(end), ActorRefs.NoSender);
    }

    private async Task ReadAllAsync(IActorRef self)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(_closed.Token);
        using var timeout = new CancellationTokenSource(HandshakeTimeout, _setup.Time);
        using var registration = timeout.Token.Register(late.Cancel);
        var frames = new FrameReader(_socket, TrustedBytes);
        var hello = await frames.ReadAsync(Handshake.MaxBytes, late.Token);
        if (hello is not { } first) return;
        self.Tell(Handshake.Read(first.Rented.AsMemory(0, first.Length)), ActorRefs.NoSender);
        ArrayPool<byte>.Shared.Return(first.Rented);
        while (true)
        {
            await _room.WaitAsync(_closed.Token);
            if (await frames.ReadAsync(LongestRequest, _closed.Token) is not { } frame) return;
            var (number, request) = FetchFrames.ReadRequest(frame.Rented.AsMemory(0, frame.Length));
            ArrayPool<byte>.Shared.Return(frame.Rented);
            self.Tell(new Asked(number, request), ActorRefs.NoSender);
        }
    }

    private void OnHandshake(Handshake hello)
    {
        var (error, reason) = Judge(hello);
        if (error == ErrorCode.None)
        {
            _follower = hello;
            Context.Parent.Tell(new Identified(hello.Follower));
        }
        else
        {
            _log.Warning("Broker {0} refused a connection of broker {1} from {2}: {3}", _setup.Self, hello.Follower, _socket.RemoteEndPoint, reason);
        }

        Send([new ArraySegment<byte>(Handshake.Answer(error, reason))], new SessionReader(), []);
    }

    private (ErrorCode Error, string Reason) Judge(Handshake hello)
    {
        if (_setup.ClusterId() is not { } cluster) return (ErrorCode.BrokerNotAvailable, $"Broker {_setup.Self} is in no cluster yet.");
        if (hello.Cluster != cluster) return (ErrorCode.InconsistentClusterId, $"Broker {_setup.Self} is in cluster {cluster}, not in {hello.Cluster}.");
        if (hello.Leader != _setup.Self) return (ErrorCode.InvalidRequest, $"This is broker {_setup.Self}, not {hello.Leader}.");
        return hello.Follower == _setup.Self ? (ErrorCode.InvalidRequest, $"Broker {_setup.Self} follows itself.") : (ErrorCode.None, "");
    }

    private void OnAsked(Asked asked)
    {
        if (_follower is not { } follower)
        {
            Context.Stop(Self);
            return;
        }

        _idleFromMs = NowMs;
        _requests.Enqueue((asked.Number, asked.Request, NowMs + asked.Request.MaxWaitMs));
        try
        {
            foreach (var partition in _session.Take(asked.Request)) Ask(partition, follower);
        }
        catch (ProtocolException fault)
        {
            OnEnded(new Ended(fault));
            return;
        }

        Answer();
    }

    private void Ask(SessionPartition partition, Handshake follower)
    {
        var request = partition.Request;
        partition.Handle = _setup.Partitions.Find(new TopicId(partition.Topic), partition.Index);
        if (partition.Handle is not { } handle)
        {
            _session.Fail(partition, PartitionError.NotLeader);
            return;
        }

        handle.Actor.Tell(new PartitionProtocol.FetchAsFollower(new FollowerFetch(
            new RequestKey(Self, partition.Call, 0),
            follower.Follower,
            follower.BrokerEpoch,
            new LeaderEpoch(request.CurrentLeaderEpoch),
            new Offset(request.FetchOffset),
            new LeaderEpoch(request.LastFetchedEpoch))));
    }

    private void OnAnswer(PartitionProtocol.FollowerAnswer answer)
    {
        _session.OnAnswer(answer);
        Answer();
    }

    private void OnSent(Sent sent)
    {
        sent.Read.Dispose();
        if (sent.Rented.Length > 0) ArrayPool<byte>.Shared.Return(sent.Rented);
        _isSending = false;
        if (_follower is null) Context.Stop(Self);
        else Answer();
    }

    private void OnTick()
    {
        // Followers ask again at once, so a silent one is gone, its machine perhaps with it.
        if (!_isSending && _requests.Count == 0 && NowMs - _idleFromMs > 2 * _setup.Options.Follower.SocketTimeout.TotalMilliseconds)
            OnEnded(new Ended(new TimeoutException("it asked nothing for too long")));
        else
            Answer();
    }

    private void Answer()
    {
        if (_isSending || !_requests.TryPeek(out var head)) return;
        var isDue = _requests.Count > 1 || NowMs >= head.DueMs;
        if (!isDue && _session.Ready.Count == 0) return;
        var read = new SessionReader();
        if (NowMs >= _marksDueMs)
        {
            read.ReadMarks(_session, head.Number, _setup.Partitions);
            _marksDueMs = NowMs + (long)MarksInterval.TotalMilliseconds;
        }

        read.ReadReady(_session, head.Number, head.Request.MaxBytes);
        if (!isDue && !read.IsWorth(head.Request.MinBytes))
        {
            read.GiveBack(_session);
            read.Dispose();
            return;
        }

        _requests.Dequeue();
        _idleFromMs = NowMs;
        Send(FetchFrames.Response(read.ToResponse(SessionId), head.Number, out var rented), read, rented);
        _room.Release();
    }

    private void Send(List<ArraySegment<byte>> pieces, SessionReader read, byte[] rented)
    {
        _isSending = true;
        _ = _socket.SendAllAsync(pieces).PipeTo(Self, ActorRefs.NoSender, success: () => new Sent(read, rented), failure: cause => new Ended(cause));
    }

    private void OnEnded(Ended ended)
    {
        if (ended.Cause is { } cause)
            _log.Warning("Broker {0} lost the connection of {1}: {2}", _setup.Self, _follower is { } known ? $"broker {known.Follower}" : "a stranger", cause.GetBaseException().Message);
        Context.Stop(Self);
    }
}
