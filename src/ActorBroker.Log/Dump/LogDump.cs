using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace ActorBroker.Log;

/// <summary>One thing found in a file of a partition, for people to read.</summary>
/// <param name="Position">The byte it starts at; -1 for lines of a text file.</param>
/// <param name="Text">What it is, as <c>name: value</c> pairs.</param>
/// <param name="Fault">Why it is unsound; null when it is sound.</param>
/// <param name="Level">0 for an entry, 1 for what is inside it (a batch's records).</param>
public readonly record struct DumpLine(long Position, string Text, string? Fault = null, int Level = 0)
{
    public bool IsSound => Fault is null;
}

/// <summary>
/// Tells what is in a file of a data folder, told by its name: .log, .index, .timeindex, .snapshot, checkpoints, partition.metadata and
/// meta.properties. Only reads. Goes on as long as it makes sense and says where it stops.
/// </summary>
public sealed class LogDump(IFileSystem files, CompressionCodecs? codecs = null)
{
    private const int LongestValueShown = 200;

    /// <summary>The contents, read as they are asked for. With <paramref name="records"/> a log's records too, not only its batches.</summary>
    public IEnumerable<DumpLine> Read(string path, bool records = false)
    {
        var name = Path.GetFileName(path);
        if (name.EndsWith(SegmentFiles.Log, StringComparison.Ordinal))
            return ReadLog(path, records);
        if (name.EndsWith(SegmentFiles.OffsetIndex, StringComparison.Ordinal))
            return ReadEntries(path, OffsetIndex.EntrySize, ReadOffsetEntry);
        if (name.EndsWith(SegmentFiles.TimeIndex, StringComparison.Ordinal))
            return ReadEntries(path, TimeIndex.EntrySize, ReadTimeEntry);
        if (name.EndsWith(SegmentFiles.Snapshot, StringComparison.Ordinal))
            return ReadSnapshot(path);
        if (name is LeaderEpochCache.FileName)
            return ReadCheckpoint(path, 2, static f => $"epoch: {f[0]} startOffset: {f[1]}");
        if (name.EndsWith("-checkpoint", StringComparison.Ordinal))
            return ReadCheckpoint(path, 3, static f => $"topic: {f[0]} partition: {f[1]} offset: {f[2]}");
        if (name is PartitionMetadata.FileName or MetaProperties.FileName)
            return ReadLines(path);
        return [new DumpLine(-1, path, "not a kind of file that is known here")];
    }

    private IEnumerable<DumpLine> ReadLog(string path, bool records)
    {
        using var file = files.Open(path, FileOpenMode.Read);
        var end = file.Length;
        using var scanner = new BatchScanner(file, 0, end);
        var next = Offset.None;
        while (scanner.TryNext())
        {
            var header = scanner.Header;
            var fault = scanner.ChecksumHolds() ? null : "the checksum does not match";
            if (fault is null && header.BaseOffset < next)
                fault = $"the base offset is below {next}, where the batch before ends";
            next = header.NextOffset;
            yield return new DumpLine(scanner.Position, Describe(header), fault);
            if (fault is not null)
                yield break;
            if (!records)
                continue;
            foreach (var line in Records(scanner.ReadBatch(), scanner.Position))
                yield return line;
        }

        if (scanner.Fault != BatchFault.None)
            yield return new DumpLine(scanner.Position, $"{end - scanner.Position} bytes", $"no batch ({scanner.Fault})");
    }

    private static string Describe(in RecordBatchHeader h) => string.Create(
        CultureInfo.InvariantCulture,
        $"baseOffset: {h.BaseOffset} lastOffset: {h.LastOffset} count: {h.RecordCount} baseSequence: {h.BaseSequence} lastSequence: {h.LastSequence} producerId: {h.ProducerId} producerEpoch: {h.ProducerEpoch} partitionLeaderEpoch: {h.PartitionLeaderEpoch} isTransactional: {h.IsTransactional} isControl: {h.IsControl} {h.TimestampType}: {h.MaxTimestamp} size: {h.SizeInBytes} magic: {h.Magic} compression: {h.Compression} crc: {h.Crc}");

    private List<DumpLine> Records(ReadOnlySpan<byte> batch, long position)
    {
        var lines = new List<DumpLine>();
        using var records = new RecordEnumerator(batch, codecs);
        while (records.TryMoveNext())
        {
            var record = records.Current;
            var headers = new StringBuilder();
            foreach (var header in record.Headers)
                headers.Append(headers.Length == 0 ? "" : ",").Append(Show(header.Key, true)).Append('=').Append(Show(header.Value, header.HasValue));
            lines.Add(new DumpLine(position, $"offset: {record.Offset} timestamp: {record.Timestamp} key: {Show(record.Key, record.HasKey)} value: {Show(record.Value, record.HasValue)} headers: [{headers}]", Level: 1));
        }

        if (records.Fault != BatchFault.None)
            lines.Add(new DumpLine(position, "records", $"can't be read on ({records.Fault})", Level: 1));
        return lines;
    }

    /// <summary>Text when it is UTF-8 without control characters, otherwise hexadecimal; long ones are cut.</summary>
    private static string Show(ReadOnlySpan<byte> bytes, bool isPresent)
    {
        if (!isPresent)
            return "null";
        var shown = bytes[..Math.Min(bytes.Length, LongestValueShown)];
        var more = shown.Length < bytes.Length ? $"... ({bytes.Length} bytes)" : "";
        var isText = System.Text.Unicode.Utf8.IsValid(bytes) && shown.IndexOfAnyInRange((byte)0, (byte)31) < 0;
        return (isText ? Encoding.UTF8.GetString(shown) : "0x" + Convert.ToHexStringLower(shown)) + more;
    }

    private IEnumerable<DumpLine> ReadEntries(string path, int entrySize, Func<byte[], Offset, (string Text, long Order)> read)
    {
        var baseOffset = SegmentFiles.TryParse(Path.GetFileName(path), Path.GetExtension(path), out var parsed) ? parsed : Offset.Zero;
        using var file = files.Open(path, FileOpenMode.Read);
        var entry = new byte[entrySize];
        var last = long.MinValue;
        long position = 0;
        for (; file.Read(entry, position) == entrySize; position += entrySize)
        {
            var (text, order) = read(entry, baseOffset);
            yield return new DumpLine(position, text, order <= last ? "does not ascend" : null);
            last = order;
        }

        if (file.Length > position)
            yield return new DumpLine(position, $"{file.Length - position} bytes", "not a whole entry");
    }

    private static (string Text, long Order) ReadOffsetEntry(byte[] entry, Offset baseOffset)
    {
        var offset = baseOffset + BinaryPrimitives.ReadInt32BigEndian(entry);
        return ($"offset: {offset} position: {BinaryPrimitives.ReadInt32BigEndian(entry.AsSpan(4))}", offset.Value);
    }

    private static (string Text, long Order) ReadTimeEntry(byte[] entry, Offset baseOffset)
    {
        var timestamp = BinaryPrimitives.ReadInt64BigEndian(entry);
        return ($"timestamp: {timestamp} offset: {baseOffset + BinaryPrimitives.ReadInt32BigEndian(entry.AsSpan(8))}", timestamp);
    }

    private IEnumerable<DumpLine> ReadSnapshot(string path)
    {
        if (!ProducerSnapshotFile.TryDecode(AtomicFile.Read(files, path), out var entries, out var reason))
        {
            yield return new DumpLine(0, path, reason);
            yield break;
        }

        foreach (var e in entries)
            yield return new DumpLine(0, $"producerId: {e.ProducerId} producerEpoch: {e.Epoch} coordinatorEpoch: {e.CoordinatorEpoch} currentTxnFirstOffset: {e.CurrentTransactionFirstOffset} lastTimestamp: {e.TimestampMs} lastSequence: {e.LastSequence} lastOffset: {e.LastOffset} offsetDelta: {e.OffsetDelta}");
    }

    private IEnumerable<DumpLine> ReadCheckpoint(string path, int fields, Func<string[], string> describe)
    {
        var sound = CheckpointText.TryParse(AtomicFile.ReadText(files, path) ?? "", fields, out var entries, out var reason);
        foreach (var entry in entries)
            yield return new DumpLine(-1, describe(entry));
        if (!sound)
            yield return new DumpLine(-1, path, reason);
    }

    private IEnumerable<DumpLine> ReadLines(string path)
    {
        foreach (var line in (AtomicFile.ReadText(files, path) ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            yield return new DumpLine(-1, line);
    }
}
