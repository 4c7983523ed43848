using System.Net.Sockets;

namespace ActorBroker.Replication.Wire;

internal static class Sockets
{
    /// <summary>Sends all segments, in order. One send at a time.</summary>
    public static async Task SendAllAsync(this Socket socket, List<ArraySegment<byte>> segments)
    {
        var left = 0L;
        foreach (var segment in segments) left += segment.Count;
        while (left > 0)
        {
            var sent = await socket.SendAsync(segments, SocketFlags.None);
            left -= sent;
            if (left > 0) Drop(segments, sent);
        }
    }

    private static void Drop(List<ArraySegment<byte>> segments, int sent)
    {
        var whole = 0;
        while (sent >= segments[whole].Count) sent -= segments[whole++].Count;
        segments.RemoveRange(0, whole);
        segments[0] = segments[0][sent..];
    }

    /// <summary>What a broken connection, or one that is being closed under a reader or writer, throws.</summary>
    public static bool IsConnectionFault(Exception cause) =>
        cause is SocketException or ObjectDisposedException or OperationCanceledException or Protocol.ProtocolException;
}
