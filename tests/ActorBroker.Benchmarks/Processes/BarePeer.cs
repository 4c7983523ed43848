using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace ActorBroker.Benchmarks;

/// <summary>
/// The least that could do a broker's work, in a process of its own: takes bytes from a socket into a file, or sends a file
/// to a socket, by buffers of 64 KiB; each buffer taken is acknowledged with one byte.
/// A connection begins with 9 bytes: 'S' (sink) or 'R' (source), and how many bytes are to follow.
/// </summary>
internal static class BarePeer
{
    public const string Argument = "--bare-peer";
    private const int BufferBytes = 64 * 1024;
    private const int HeadBytes = 9;

    /// <summary>The child's side; runs until killed.</summary>
    public static void Serve(string folder)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Console.WriteLine(((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture));
        Span<byte> head = stackalloc byte[HeadBytes];
        var buffer = new byte[BufferBytes];
        while (true)
        {
            using var socket = listener.AcceptSocket();
            Fill(socket, head);
            var bytes = BinaryPrimitives.ReadInt64LittleEndian(head[1..]);
            if (head[0] == 'S') Take(socket, Path.Join(folder, "sink"), bytes, buffer);
            else Give(socket, Path.Join(folder, "source"), bytes, buffer);
        }
    }

    /// <summary>The measuring side: sends so many bytes and waits for all acknowledgements.</summary>
    public static void Send(int port, long bytes)
    {
        using var socket = Connect(port, 'S', bytes);
        var acknowledgements = new Thread(() =>
        {
            Span<byte> received = stackalloc byte[4096];
            for (var left = (bytes + BufferBytes - 1) / BufferBytes; left > 0;)
                left -= Some(socket.Receive(received));
        });
        acknowledgements.Start();
        var buffer = new byte[BufferBytes];
        for (var left = bytes; left > 0; left -= BufferBytes)
            socket.Send(buffer.AsSpan(0, (int)Math.Min(left, BufferBytes)));
        acknowledgements.Join();
    }

    public static void Receive(int port, long bytes)
    {
        using var socket = Connect(port, 'R', bytes);
        var buffer = new byte[BufferBytes];
        for (var left = bytes; left > 0;)
            left -= Some(socket.Receive(buffer));
    }

    private static void Take(Socket socket, string path, long bytes, byte[] buffer)
    {
        using (var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write))
        {
            for (long at = 0; at < bytes;)
            {
                var part = buffer.AsSpan(0, (int)Math.Min(bytes - at, BufferBytes));
                Fill(socket, part);
                RandomAccess.Write(file, part, at);
                at += part.Length;
                socket.Send(part[..1]);
            }
        }

        File.Delete(path);
    }

    private static void Give(Socket socket, string path, long bytes, byte[] buffer)
    {
        using var file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite);
        for (var at = RandomAccess.GetLength(file); at < bytes; at += BufferBytes)
            RandomAccess.Write(file, buffer, at);
        for (long at = 0; at < bytes;)
        {
            var read = RandomAccess.Read(file, buffer.AsSpan(0, (int)Math.Min(bytes - at, BufferBytes)), at);
            socket.Send(buffer.AsSpan(0, read));
            at += read;
        }
    }

    private static Socket Connect(int port, char kind, long bytes)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(IPAddress.Loopback, port);
        Span<byte> head = stackalloc byte[HeadBytes];
        head[0] = (byte)kind;
        BinaryPrimitives.WriteInt64LittleEndian(head[1..], bytes);
        socket.Send(head);
        return socket;
    }

    private static void Fill(Socket socket, Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
            buffer = buffer[Some(socket.Receive(buffer))..];
    }

    private static int Some(int received) => received > 0 ? received : throw new IOException("the peer closed the connection too early");
}
