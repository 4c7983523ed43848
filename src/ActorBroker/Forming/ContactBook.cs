using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using ActorBroker.Log;
using ActorBroker.Messaging;

namespace ActorBroker.Forming;

/// <summary>
/// The file cluster-contacts of the data folder: where the cluster's nodes were when this one last heard. A node that finds its
/// cluster by it needs no list of voters in its configuration: one that started alone, and got company later. Text:
/// <c>version=1</c>, then a line <c>ID@HOST:PORT</c> for each node. Losing it loses nothing but that.
/// Written by one actor; read from any thread.
/// </summary>
internal sealed class ContactBook
{
    public const string FileName = "cluster-contacts";
    private const string Version = "version=1";

    private readonly IFileSystem _files;
    private readonly string _path;
    private volatile ImmutableSortedDictionary<BrokerId, BrokerAddress> _nodes = ImmutableSortedDictionary<BrokerId, BrokerAddress>.Empty;

    private ContactBook(IFileSystem files, string path)
    {
        _files = files;
        _path = path;
    }

    public ImmutableSortedDictionary<BrokerId, BrokerAddress> Nodes => _nodes;

    /// <summary>Why the file could not be used, though there is one; null when all is well.</summary>
    public string? Fault { get; private init; }

    public static ContactBook Load(IFileSystem files, string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (AtomicFile.ReadText(files, path) is not { } text) return new ContactBook(files, path);
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0 || lines[0] != Version)
            return new ContactBook(files, path) { Fault = $"{path} is damaged, or of a newer release, and is written anew once this node is in its cluster" };
        var nodes = ClusterContacts.ParseVoters(string.Join(',', lines[1..]), out var faults, anyNumber: true);
        return new ContactBook(files, path)
        {
            _nodes = nodes,
            Fault = faults.Count == 0 ? null : $"{path}: {string.Join("; ", faults)}",
        };
    }

    /// <summary>Writes what has changed, if anything has.</summary>
    public void Update(ImmutableSortedDictionary<BrokerId, BrokerAddress> nodes)
    {
        if (nodes.SequenceEqual(_nodes)) return;
        var text = new StringBuilder(Version).Append('\n');
        foreach (var (id, address) in nodes)
            text.Append(CultureInfo.InvariantCulture, $"{id}@{address.Host}:{address.Port}\n");
        AtomicFile.WriteText(_files, _path, text.ToString());
        _nodes = nodes;
    }
}
