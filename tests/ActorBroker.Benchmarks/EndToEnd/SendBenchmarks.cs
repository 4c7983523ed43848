using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ActorBroker.Benchmarks;

/// <summary>
/// From a segment's pages to a plain connection, in pieces as fetches ask for them: through a pooled buffer; by sendfile, which copies
/// nothing into the process; and as the listener does it, through an array of its own and the connection's pipe.
/// </summary>
internal static partial class SendBenchmarks
{
    private const int FileBytes = 256 << 20;
    private const int Passes = 4;

    public static async Task RunAsync(int rounds)
    {
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(path, new byte[FileBytes]);
            using var file = File.OpenHandle(path);
            foreach (var piece in (int[])[64 << 10, 1 << 20])
            {
                await Comparison.RunAsync(
                    $"send {piece >> 10} KiB of a file at a time",
                    "MB/s",
                    rounds,
                    ("pooled buffer", () => MeasureAsync(socket => SendPooled(file, socket, piece))),
                    ("sendfile", () => MeasureAsync(socket => SendFile(file, socket, piece))),
                    ("array, small blocks of a pipe", () => MeasureAsync(socket => SendPiped(file, socket, piece, block: 4 << 10))),
                    ("array, one block of a pipe", () => MeasureAsync(socket => SendPiped(file, socket, piece, block: piece))));
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static async Task<Sample> MeasureAsync(Action<Socket> send)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using var server = await listener.AcceptSocketAsync();
        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        var started = Stopwatch.GetTimestamp();
        var receiving = Task.Run(() => Receive(client.Client));
        for (var pass = 0; pass < Passes; pass++) send(server);
        await receiving;
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        process.Refresh();
        return new Sample((long)FileBytes * Passes / seconds / 1e6, (process.TotalProcessorTime - before).TotalSeconds);
    }

    private static void Receive(Socket socket)
    {
        var buffer = new byte[256 << 10];
        for (var left = (long)FileBytes * Passes; left > 0;)
        {
            var received = socket.Receive(buffer);
            if (received == 0) throw new IOException("The connection was closed early.");
            left -= received;
        }
    }

    private static void SendPooled(SafeFileHandle file, Socket socket, int piece)
    {
        for (var at = 0; at < FileBytes; at += piece)
        {
            var buffer = ArrayPool<byte>.Shared.Rent(piece);
            RandomAccess.Read(file, buffer.AsSpan(0, piece), at);
            socket.Send(buffer.AsSpan(0, piece));
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void SendFile(SafeFileHandle file, Socket socket, int piece)
    {
        for (long at = 0; at < FileBytes;)
        {
            if (SendFile((int)socket.Handle, file, ref at, Math.Min(piece, (nint)(FileBytes - at))) <= 0)
                throw new IOException($"sendfile failed with {Marshal.GetLastPInvokeError()}.");
        }
    }

    private static void SendPiped(SafeFileHandle file, Socket socket, int piece, int block)
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));
        var segments = new List<ArraySegment<byte>>();
        for (var at = 0; at < FileBytes; at += piece)
        {
            var bytes = new byte[piece];
            RandomAccess.Read(file, bytes, at);
            for (var from = 0; from < piece; from += block)
            {
                bytes.AsSpan(from, block).CopyTo(pipe.Writer.GetSpan(block));
                pipe.Writer.Advance(block);
            }

            pipe.Writer.FlushAsync().GetAwaiter().GetResult();
            pipe.Reader.TryRead(out var read);
            segments.Clear();
            foreach (var memory in read.Buffer)
            {
                MemoryMarshal.TryGetArray(memory, out var segment);
                segments.Add(segment);
            }

            socket.Send(segments);
            pipe.Reader.AdvanceTo(read.Buffer.End);
        }
    }

    [LibraryImport("libc", EntryPoint = "sendfile64", SetLastError = true)]
    private static partial nint SendFile(int target, SafeFileHandle source, ref long offset, nint count);
}
