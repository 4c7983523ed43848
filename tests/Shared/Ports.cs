using System.Net;
using System.Net.Sockets;

namespace Tests.Shared;

/// <summary>
/// Ports of 127.0.0.1 that stay free until a test binds them, and while the node that bound them is down: below the range that
/// the system itself hands out, and each given once. A process takes them from blocks of its own, which it holds by listening
/// on a block's first port, so test processes side by side never get the same.
/// </summary>
internal static class Ports
{
    private const int First = 11_000;
    private const int Last = 32_000;
    private const int BlockSize = 500;
    private static readonly Lock Gate = new();
    private static readonly List<TcpListener> Held = [];
    private static readonly Queue<int> Free = [];

    public static int Next()
    {
        lock (Gate)
        {
            while (true)
            {
                if (Free.Count == 0) TakeBlock();
                if (Free.Dequeue() is var port && IsFree(port)) return port;
            }
        }
    }

    /// <summary>The first of so many in a row, each of which has so many more a hundred further on: what <c>dev</c> is started with.</summary>
    public static int NextInARow(int count)
    {
        lock (Gate)
        {
            while (true)
            {
                var first = Next();
                var row = Enumerable.Range(first, count).Concat(Enumerable.Range(first + 100, count)).ToHashSet();
                if (row.All(port => port == first || (Free.Contains(port) && IsFree(port))))
                {
                    var left = Free.Where(port => !row.Contains(port)).ToList();
                    Free.Clear();
                    left.ForEach(Free.Enqueue);
                    return first;
                }
            }
        }
    }

    private static void TakeBlock()
    {
        for (var first = First; first + BlockSize <= Last; first += BlockSize)
        {
            if (TryListen(first) is not { } holder) continue;
            Held.Add(holder);
            for (var port = first + 1; port < first + BlockSize; port++) Free.Enqueue(port);
            return;
        }

        throw new InvalidOperationException($"Every block of ports from {First} to {Last} is held.");
    }

    private static bool IsFree(int port)
    {
        using var listener = TryListen(port);
        return listener is not null;
    }

    private static TcpListener? TryListen(int port)
    {
        var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return listener;
        }
        catch (SocketException)
        {
            listener.Dispose();
            return null;
        }
    }
}
