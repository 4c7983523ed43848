namespace ActorBroker.Log;

/// <summary>The file partition.metadata: which topic's partition this folder is, whatever its name.</summary>
internal static class PartitionMetadata
{
    public const string FileName = "partition.metadata";

    /// <summary>Null when there is none; <see cref="LogCorruptException"/> when it can't be understood.</summary>
    public static TopicId? Read(IFileSystem files, string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (AtomicFile.ReadText(files, path) is not { } text)
            return null;
        string? version = null, id = null;
        foreach (var line in text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var value = colon < 0 ? "" : line[(colon + 1)..].Trim();
            if (line.StartsWith("version", StringComparison.Ordinal))
                version = value;
            else if (line.StartsWith("topic_id", StringComparison.Ordinal))
                id = value;
        }

        if (version != "0")
            throw new LogCorruptException(path, 0, version is null ? "it has no version" : $"its version is {version}, not 0");
        return ActorBroker.Log.TopicId.TryParse(id, out var topicId) ? topicId : throw new LogCorruptException(path, 0, "it has no topic id");
    }

    public static void Write(IFileSystem files, string directory, TopicId id, bool durable) =>
        AtomicFile.WriteText(files, Path.Combine(directory, FileName), $"version: 0\ntopic_id: {id}", durable);
}
