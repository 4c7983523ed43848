using System.Net;
using System.Net.Sockets;

namespace ActorBroker.MultiNode.Tests.Processes;

/// <summary>
/// Ports that stay free while a node is down: below the range from which the system serves outgoing connections, and
/// never given twice by one test process.
/// </summary>
internal static class Ports
{
    private const int First = 12_000;
    private const int Last = 31_000;
    private static int _next = First + (Environment.ProcessId * 37 % (Last - First));

    public static int Next()
    {
        for (var tries = 0; tries < Last - First; tries++)
        {
            var port = First + (Interlocked.Increment(ref _next) % (Last - First));
            if (IsFree(port)) return port;
        }

        throw new InvalidOperationException("There is no free port.");
    }

    private static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
