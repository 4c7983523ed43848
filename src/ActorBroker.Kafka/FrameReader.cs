using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;

namespace ActorBroker.Kafka;

/// <summary>The client does something that ends its connection; the message is for the log.</summary>
internal sealed class ConnectionFaultException(string message) : Exception(message);

/// <summary>One request's bytes, without the length before them.</summary>
/// <param name="Charged">Memory that the connection holds for it.</param>
internal readonly record struct Frame(ReadOnlyMemory<byte> Bytes, long Charged);

/// <summary>
/// Cuts a connection's bytes into requests: int32 length, then so many bytes. A length is a claim: memory is taken as the
/// bytes arrive, so that a large claim costs its sender as much as it costs us.
/// </summary>
internal sealed class FrameReader(PipeReader input, ConnectionMemory memory, int maxBytes)
{
    /// <summary>Key, version and correlation id, which every request has.</summary>
    private const int LeastBytes = 8;

    private const int FirstPiece = 64 * 1024;

    /// <summary>About what a request takes beside its bytes.</summary>
    private const int Overhead = 1024;

    /// <summary>Null at the end of the connection.</summary>
    /// <exception cref="ConnectionFaultException">What comes is no request.</exception>
    public async ValueTask<Frame?> ReadAsync(CancellationToken cancellation)
    {
        if (await ReadLengthAsync(cancellation) is not { } length) return null;
        var buffer = Array.Empty<byte>();
        var charged = 0L;
        var filled = 0;
        while (filled < length)
        {
            var read = await input.ReadAsync(cancellation);
            var piece = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, length - filled));
            var needed = filled + (int)piece.Length;
            if (needed > buffer.Length)
            {
                var size = (int)Math.Min(length, Math.Max(Math.Max(needed, FirstPiece), 2L * buffer.Length));
                var charge = size - buffer.Length + (buffer.Length == 0 ? Overhead : 0);
                if (!await memory.TryTakeAsync(charge, cancellation))
                    throw new ConnectionFaultException("the requests of all clients together take all the memory they may (queued.max.request.bytes)");
                charged += charge;
                var larger = GC.AllocateUninitializedArray<byte>(size);
                buffer.AsSpan(0, filled).CopyTo(larger);
                buffer = larger;
            }

            piece.CopyTo(buffer.AsSpan(filled));
            filled = needed;
            input.AdvanceTo(piece.End);
            if (filled < length && read.IsCompleted) return null;
        }

        return new Frame(buffer.AsMemory(0, length), charged);
    }

    private async ValueTask<int?> ReadLengthAsync(CancellationToken cancellation)
    {
        var read = await input.ReadAtLeastAsync(sizeof(int), cancellation);
        if (read.Buffer.Length < sizeof(int)) return null;
        var length = Length(read.Buffer);
        input.AdvanceTo(read.Buffer.GetPosition(sizeof(int)));
        if (length < LeastBytes || length > maxBytes)
            throw new ConnectionFaultException($"a request of {length} bytes is announced; from {LeastBytes} to {maxBytes} are taken (socket.request.max.bytes)");
        return length;
    }

    private static int Length(in ReadOnlySequence<byte> buffer)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        buffer.Slice(0, sizeof(int)).CopyTo(bytes);
        return BinaryPrimitives.ReadInt32BigEndian(bytes);
    }
}
