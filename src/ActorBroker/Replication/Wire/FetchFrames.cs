using System.Buffers;
using System.Runtime.InteropServices;
using ActorBroker.Protocol;

namespace ActorBroker.Replication.Wire;

/// <summary>Fetch requests and answers as frames: an int32 length, Kafka's header, the body in version 16.</summary>
internal static class FetchFrames
{
    public const short Version = 16;

    /// <summary>What one request may take in memory once decoded; so many bytes say more than any node has partitions.</summary>
    private const int MemoryBudget = 64 << 20;

    private static readonly short ResponseHeaderVersion = ApiRegistry.ResponseHeaderVersion(ApiKey.Fetch, Version);

    public static byte[] Request(FetchRequest request, int number)
    {
        var header = new RequestHeader(ApiKey.Fetch, Version, number, ClientId: null);
        var measure = ProtocolWriter.Measure();
        header.Write(ref measure);
        request.Write(ref measure, Version);
        var frame = new byte[4 + measure.Length];
        var writer = new ProtocolWriter(frame);
        writer.WriteInt32(measure.Length);
        header.Write(ref writer);
        request.Write(ref writer, Version);
        return frame;
    }

    /// <exception cref="ProtocolException">The bytes are no such request.</exception>
    public static (int Number, FetchRequest Request) ReadRequest(ReadOnlyMemory<byte> frame)
    {
        var reader = new ProtocolReader(frame, MemoryBudget);
        var header = RequestHeader.Read(ref reader);
        if (header.ApiKey != ApiKey.Fetch || header.ApiVersion != Version)
            throw new ProtocolException(ProtocolFault.UnsupportedVersion, $"{header.ApiKey} version {header.ApiVersion} on a connection for Fetch version {Version}");
        var request = (FetchRequest)ApiRegistry.ReadRequest(ApiKey.Fetch, Version, ref reader);
        reader.ExpectEnd("FetchRequest");
        return (header.CorrelationId, request);
    }

    /// <summary>The frame in pieces: rented bytes and, between them, the records from where they are.</summary>
    /// <param name="rented">Give it back once the pieces are sent.</param>
    public static List<ArraySegment<byte>> Response(FetchResponse response, int number, out byte[] rented)
    {
        var header = new ResponseHeader(number);
        var measure = ProtocolWriter.Measure();
        header.Write(ref measure, ResponseHeaderVersion);
        response.Write(ref measure, Version);
        var apart = new List<RecordSegment>();
        var own = 4 + measure.Length - measure.RecordBytes;
        rented = ArrayPool<byte>.Shared.Rent(own);
        var writer = new ProtocolWriter(rented.AsSpan(0, own), apart);
        writer.WriteInt32(measure.Length);
        header.Write(ref writer, ResponseHeaderVersion);
        response.Write(ref writer, Version);
        var pieces = new List<ArraySegment<byte>>((2 * apart.Count) + 1);
        var at = 0;
        foreach (var records in apart)
        {
            if (records.Position > at) pieces.Add(new ArraySegment<byte>(rented, at, records.Position - at));
            at = records.Position;
            Invariant.Check(MemoryMarshal.TryGetArray(records.Bytes, out var segment), "records come in arrays");
            if (segment.Count > 0) pieces.Add(segment);
        }

        if (own > at) pieces.Add(new ArraySegment<byte>(rented, at, own - at));
        return pieces;
    }

    /// <summary>Record bytes are slices of the frame.</summary>
    /// <exception cref="ProtocolException">The bytes are no such answer.</exception>
    public static (int Number, FetchResponse Response) ReadResponse(ReadOnlyMemory<byte> frame)
    {
        var reader = new ProtocolReader(frame, MemoryBudget);
        var header = ResponseHeader.Read(ref reader, ResponseHeaderVersion);
        return (header.CorrelationId, (FetchResponse)ApiRegistry.ReadResponse(ApiKey.Fetch, Version, ref reader));
    }
}
