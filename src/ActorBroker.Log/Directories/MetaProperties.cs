using System.Globalization;
using System.Text;

namespace ActorBroker.Log;

/// <summary>
/// The file meta.properties: whose data folder this is. Version 1, Kafka's: <c>version, cluster.id, node.id, directory.id</c>.
/// A folder whose node no cluster has accepted yet has no <c>cluster.id</c>.
/// </summary>
internal sealed record MetaProperties(ClusterId? ClusterId, BrokerId NodeId, DirectoryId DirectoryId)
{
    public const string FileName = "meta.properties";
    private const int Version = 1;

    public static MetaProperties Parse(string path, string text)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (line[0] is '#' or '!' || equals <= 0)
                continue;
            values[line[..equals].Trim()] = line[(equals + 1)..].Trim().Replace("\\", "", StringComparison.Ordinal);
        }

        if (!int.TryParse(values.GetValueOrDefault("version"), NumberStyles.None, CultureInfo.InvariantCulture, out var version))
            throw Unreadable(path, "version");
        if (version > Version)
            throw new LogDirectoryException(LogDirectoryFault.NewerVersion, path, $"{path}: written by a newer release (version {version}, this one reads up to {Version}); start this folder with that release or a later one.");
        var cluster = values.GetValueOrDefault("cluster.id");
        if (cluster is { Length: 0 })
            throw Unreadable(path, "cluster.id");
        var nodeText = values.GetValueOrDefault("node.id") ?? values.GetValueOrDefault("broker.id");
        if (!int.TryParse(nodeText, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var node))
            throw Unreadable(path, "node.id");
        if (!DirectoryId.TryParse(values.GetValueOrDefault("directory.id"), out var directory))
            throw Unreadable(path, "directory.id");
        return new MetaProperties(cluster is null ? null : new ClusterId(cluster), new BrokerId(node), directory);
    }

    public string Format() => new StringBuilder()
        .Append(CultureInfo.InvariantCulture, $"version={Version}\n")
        .Append(ClusterId is { } cluster ? $"cluster.id={cluster}\n" : "")
        .Append(CultureInfo.InvariantCulture, $"node.id={NodeId}\n")
        .Append(CultureInfo.InvariantCulture, $"directory.id={DirectoryId}\n")
        .ToString();

    public void RequireSame(string path, LogDirectoryIdentity identity)
    {
        if (NodeId != identity.NodeId)
            throw new LogDirectoryException(LogDirectoryFault.WrongNode, path, $"{path}: this folder belongs to node {NodeId}, not {identity.NodeId}; start node {NodeId} with it, or give node {identity.NodeId} a folder of its own.");
        if (identity.ClusterId is { } cluster && ClusterId is { } own && cluster != own)
            throw new LogDirectoryException(LogDirectoryFault.WrongCluster, path, $"{path}: this folder belongs to cluster {own}, not {cluster}; join that cluster, or use an empty folder.");
    }

    private static LogDirectoryException Unreadable(string path, string key) =>
        new(LogDirectoryFault.Unreadable, path, $"{path}: '{key}' is missing or malformed; restore the file from a backup, it names the cluster and node that this folder belongs to.");
}
