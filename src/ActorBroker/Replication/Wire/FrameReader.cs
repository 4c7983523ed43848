using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using ActorBroker.Protocol;

namespace ActorBroker.Replication.Wire;

/// <summary>
/// Reads frames (int32 length, then so many bytes) from a socket, one at a time. A claimed length is never trusted with
/// memory: beyond <paramref name="trusted"/> bytes a buffer grows only as bytes arrive.
/// </summary>
internal sealed class FrameReader(Socket socket, int trusted)
{
    private const int AheadBytes = 16 * 1024;

    private readonly byte[] _ahead = new byte[AheadBytes];
    private int _start;
    private int _end;

    /// <summary>Null at the end of the stream. The array is rented from the shared pool, and the caller's.</summary>
    /// <param name="longest">A longer frame is an error.</param>
    /// <exception cref="ProtocolException">A length that can't be.</exception>
    /// <exception cref="SocketException">The connection broke.</exception>
    public async ValueTask<(byte[] Rented, int Length)?> ReadAsync(int longest, CancellationToken cancel)
    {
        while (_end - _start < 4)
        {
            if (_start > 0)
            {
                _ahead.AsSpan(_start, _end - _start).CopyTo(_ahead);
                (_start, _end) = (0, _end - _start);
            }

            var read = await socket.ReceiveAsync(_ahead.AsMemory(_end), cancel);
            if (read == 0) return null;
            _end += read;
        }

        var length = BinaryPrimitives.ReadInt32BigEndian(_ahead.AsSpan(_start));
        if (length <= 0 || length > longest)
            throw new ProtocolException(ProtocolFault.TooLarge, $"a frame of {length} bytes; {longest} is the longest");
        _start += 4;
        return await ReadBodyAsync(length, cancel);
    }

    private async ValueTask<(byte[] Rented, int Length)?> ReadBodyAsync(int length, CancellationToken cancel)
    {
        var rented = ArrayPool<byte>.Shared.Rent(Math.Min(length, trusted));
        var have = Math.Min(length, _end - _start);
        _ahead.AsSpan(_start, have).CopyTo(rented);
        _start += have;
        while (have < length)
        {
            if (have == rented.Length) rented = Grow(rented, length);
            var read = await socket.ReceiveAsync(rented.AsMemory(have, Math.Min(rented.Length, length) - have), cancel);
            if (read == 0) return null;
            have += read;
        }

        return (rented, length);
    }

    private static byte[] Grow(byte[] rented, int length)
    {
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(length, rented.Length * 2L));
        rented.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(rented);
        return larger;
    }
}
