using System.Globalization;

namespace ActorBroker.MultiNode.Tests.Network;

/// <summary>Tells which process holds the other end of a loopback connection, from /proc.</summary>
internal static class SocketOwner
{
    private static readonly char[] Blank = [' '];

    /// <summary>The one of these processes whose socket is bound to <paramref name="port"/> and connected to <paramref name="peerPort"/>; null if none is.</summary>
    public static int? Find(int port, int peerPort, IReadOnlyCollection<int> processes)
    {
        var inode = InodeOf("/proc/net/tcp", port, peerPort) ?? InodeOf("/proc/net/tcp6", port, peerPort);
        if (inode is null) return null;
        var target = $"socket:[{inode}]";
        foreach (var process in processes)
        {
            if (Holds(process, target)) return process;
        }

        return null;
    }

    private static string? InodeOf(string table, int port, int peerPort)
    {
        var local = ":" + port.ToString("X4", CultureInfo.InvariantCulture);
        var peer = ":" + peerPort.ToString("X4", CultureInfo.InvariantCulture);
        foreach (var line in File.ReadLines(table).Skip(1))
        {
            // sl local remote state queues timer retransmits uid timeout inode
            var fields = line.Split(Blank, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > 9 && fields[1].EndsWith(local, StringComparison.Ordinal) && fields[2].EndsWith(peer, StringComparison.Ordinal) && fields[9] != "0")
                return fields[9];
        }

        return null;
    }

    private static bool Holds(int process, string target)
    {
        try
        {
            foreach (var handle in Directory.EnumerateFileSystemEntries($"/proc/{process}/fd"))
            {
                if (Target(handle) == target) return true;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended meanwhile: it holds nothing.
        }

        return false;
    }

    private static string? Target(string handle)
    {
        try
        {
            return new FileInfo(handle).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
