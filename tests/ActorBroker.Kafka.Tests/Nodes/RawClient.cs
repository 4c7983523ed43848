using System.Buffers.Binary;
using System.Net.Sockets;
using ActorBroker.Protocol;

namespace ActorBroker.Kafka.Tests.Nodes;

/// <summary>A connection whose every byte the test chooses.</summary>
internal sealed class RawClient : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private readonly TcpClient _client;

    private RawClient(TcpClient client) => _client = client;

    public Socket Socket => _client.Client;

    public static Task<RawClient> ConnectAsync(KafkaNode node) => ConnectAsync(node.Port);

    public static async Task<RawClient> ConnectAsync(int port)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync("127.0.0.1", port);
        return new RawClient(client);
    }

    /// <summary>A request as it goes over the wire.</summary>
    public static byte[] Encode(IRequest request, short version, int correlationId, short? claimedVersion = null)
    {
        var header = new RequestHeader(request.ApiKey, version, correlationId, "raw");
        var measure = ProtocolWriter.Measure();
        header.Write(ref measure);
        request.Write(ref measure, version);
        var bytes = new byte[4 + measure.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, measure.Length);
        var writer = new ProtocolWriter(bytes.AsSpan(4));
        header.Write(ref writer);
        request.Write(ref writer, version);
        if (claimedVersion is { } claimed) BinaryPrimitives.WriteInt16BigEndian(bytes.AsSpan(6), claimed);
        return bytes;
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes) => await _client.GetStream().WriteAsync(bytes);

    public Task SendAsync(IRequest request, short version, int correlationId) => SendAsync(Encode(request, version, correlationId));

    /// <summary>The next response's bytes; null at the end of the connection.</summary>
    public async Task<byte[]?> ReceiveFrameAsync()
    {
        var prefix = new byte[4];
        if (!await TryReadAsync(prefix)) return null;
        var frame = new byte[BinaryPrimitives.ReadInt32BigEndian(prefix)];
        return await TryReadAsync(frame) ? frame : null;
    }

    public async Task<(int CorrelationId, TResponse Body)> ReceiveAsync<TResponse>(ApiKey key, short version)
        where TResponse : IResponse
    {
        var frame = await ReceiveFrameAsync() ?? throw new EndOfStreamException("The broker closed the connection.");
        return Read<TResponse>(frame, key, version);
    }

    public async Task<TResponse> AskAsync<TResponse>(IRequest request, short version)
        where TResponse : IResponse
    {
        await SendAsync(request, version, 7);
        var (id, body) = await ReceiveAsync<TResponse>(request.ApiKey, version);
        Assert.Equal(7, id);
        return body;
    }

    /// <summary>Returns once the broker has closed the connection.</summary>
    public async Task ClosedAsync()
    {
        var rest = new byte[4096];
        try
        {
            while (await _client.GetStream().ReadAsync(rest).AsTask().WaitAsync(Deadline) > 0)
            {
            }
        }
        catch (IOException)
        {
            // Reset: closed as well.
        }
    }

    public void Dispose() => _client.Dispose();

    private static (int, TResponse) Read<TResponse>(byte[] frame, ApiKey key, short version)
        where TResponse : IResponse
    {
        var reader = new ProtocolReader(frame);
        var header = ResponseHeader.Read(ref reader, ApiRegistry.ResponseHeaderVersion(key, version));
        var body = (TResponse)ApiRegistry.ReadResponse(key, version, ref reader);
        reader.ExpectEnd("response");
        return (header.CorrelationId, body);
    }

    private async Task<bool> TryReadAsync(Memory<byte> target)
    {
        try
        {
            await _client.GetStream().ReadExactlyAsync(target).AsTask().WaitAsync(Deadline);
            return true;
        }
        catch (Exception e) when (e is EndOfStreamException or IOException)
        {
            return false;
        }
    }
}
