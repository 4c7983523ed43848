using System.Net;
using ActorBroker.Api;
using ActorBroker.Hosting;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Event;
using Microsoft.AspNetCore.Connections;

namespace ActorBroker.Kafka;

/// <summary>A request on its way to the connection's session.</summary>
/// <param name="Id">Counts the connection's requests.</param>
/// <param name="Bytes">Memory that the connection holds for it.</param>
internal sealed record KafkaRequest(long Id, PendingResponse Pending, IRequest Body, long Bytes);

/// <summary>
/// One client's connection: reads requests and hands them to the session, writes what comes back. It reads no further while
/// too many responses have not left, so a client that does not read stops being read.
/// </summary>
internal sealed class KafkaConnection
{
    /// <summary>What a request may take decoded, beside its bytes: many times those, and never much where they are few.</summary>
    private const int LeastDecoded = 64 * 1024;

    private readonly ConnectionContext _transport;
    private readonly KafkaServer _server;
    private readonly ResponseQueue _responses;
    private readonly SemaphoreSlim _window;

    /// <summary>Fetches are the requests whose answers are large: as in Kafka, one is worked on at a time.</summary>
    private readonly SemaphoreSlim _fetchWindow = new(1);

    private readonly CancellationTokenSource _closing = new();
    private long _requests;
    private volatile bool _isOver;

    public KafkaConnection(ConnectionContext transport, KafkaServer server)
    {
        _transport = transport;
        _server = server;
        _window = new SemaphoreSlim(server.Options.MaxPipelined);
        Memory = new ConnectionMemory(server.Memory);
        _responses = new ResponseQueue(transport.Transport.Output, OnWritten, OnUnwritable);
        Address = (transport.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
    }

    public IPAddress Address { get; }

    public EndPoint? Remote => _transport.RemoteEndPoint;

    public ConnectionMemory Memory { get; }

    /// <summary>Serves until either side ends it. Never faults.</summary>
    public async Task RunAsync(IActorRef session)
    {
        try
        {
            await ReadAsync(session);
        }
        catch (Exception e) when (e is ProtocolException or ConnectionFaultException)
        {
            _server.Log.Warning("The connection of {0} is closed: {1}", Remote, e.Message);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client is gone, or the session has ended.
        }
        catch (Exception e)
        {
            _server.Log.Error(e, "The connection of {0} is closed by a fault of the broker", Remote);
        }
        finally
        {
            await EndAsync();
        }
    }

    /// <summary>In place of <see cref="RunAsync"/>: it is one too many.</summary>
    public Task RefuseAsync() => DisposeAsync();

    /// <summary>Ends it from this side, whatever it is doing.</summary>
    public void Close()
    {
        if (!_isOver) _closing.Cancel();
    }

    public void Complete(PendingResponse pending, IResponse? response) => _responses.Complete(pending, response);

    private async Task ReadAsync(IActorRef session)
    {
        var frames = new FrameReader(_transport.Transport.Input, Memory, _server.Options.MaxRequestBytes);
        while (await frames.ReadAsync(_closing.Token) is { } frame)
        {
            await _window.WaitAsync(_closing.Token);
            var request = Decode(frame);
            if (request is null) continue;
            if (request.Body is FetchRequest) await _fetchWindow.WaitAsync(_closing.Token);
            _responses.Enqueue(request.Pending);
            session.Tell(request, ActorRefs.NoSender);
        }
    }

    /// <summary>Null where the request needs no session.</summary>
    private KafkaRequest? Decode(Frame frame)
    {
        var reader = new ProtocolReader(frame.Bytes, (int)Math.Min(LeastDecoded + (32L * frame.Bytes.Length), ProtocolReader.DefaultMemoryBudget));
        var header = RequestHeader.Read(ref reader);
        var pending = new PendingResponse(header);
        if (header.ApiKey == ApiKey.ApiVersions)
        {
            AnswerVersions(pending, ref reader);
            Memory.Give(frame.Charged);
            return null;
        }

        if (!_server.Versions.Serves(header.ApiKey, header.ApiVersion))
            throw new ConnectionFaultException($"version {header.ApiVersion} of {header.ApiKey} is not served (client '{header.ClientId}')");
        var body = ApiRegistry.ReadRequest(header.ApiKey, header.ApiVersion, ref reader);
        reader.ExpectEnd(header.ApiKey.ToString());
        return new KafkaRequest(++_requests, pending, body, frame.Charged);
    }

    /// <summary>In a version unknown here nothing is known of the body, but the answer is (KIP-511).</summary>
    private void AnswerVersions(PendingResponse pending, ref ProtocolReader reader)
    {
        var asked = pending.Header.ApiVersion;
        if (_server.Versions.Serves(ApiKey.ApiVersions, asked))
        {
            ApiRegistry.ReadRequest(ApiKey.ApiVersions, asked, ref reader);
            reader.ExpectEnd(nameof(ApiKey.ApiVersions));
        }

        (var answer, pending.BodyVersion) = _server.Versions.AnswerIn(asked);
        _responses.Enqueue(pending);
        _responses.Complete(pending, answer);
    }

    private void OnWritten(PendingResponse pending)
    {
        if (pending.Header.ApiKey == ApiKey.Fetch) _fetchWindow.Release();
        _window.Release();
    }

    private void OnUnwritable(Exception? fault)
    {
        if (fault is not null) _server.Log.Error(fault, "A response to {0} can't be written; its connection is closed", Remote);
        Close();
    }

    /// <summary>In order, unless a response is on its way to a client that takes nothing.</summary>
    private async Task EndAsync()
    {
        Close();
        var ended = _responses.EndAsync();
        if (!ended.IsCompleted) _transport.Abort();
        await ended;
        await DisposeAsync();
    }

    private async Task DisposeAsync()
    {
        _isOver = true;
        await _transport.Transport.Input.CompleteAsync();
        await _transport.Transport.Output.CompleteAsync();
        await _transport.DisposeAsync();
        Memory.Close();
    }
}
