using System.Text;
using ActorBroker.Log;

namespace ActorBroker.MultiNode.Tests.Histories;

/// <summary>One batch as it lies on a node's disk.</summary>
internal sealed record StoredBatch(long BaseOffset, long NextOffset, int LeaderEpoch, uint Crc, byte[] Bytes)
{
    /// <summary>Values of its records.</summary>
    public IReadOnlyList<string> Values()
    {
        var values = new List<string>();
        using var records = new RecordEnumerator(Bytes);
        while (records.TryMoveNext()) values.Add(Encoding.UTF8.GetString(records.Current.Value));
        if (records.Fault != BatchFault.None) throw new InvalidDataException($"The batch at {BaseOffset}: {records.Fault}.");
        return values;
    }
}

/// <summary>A partition's log as a stopped node left it: the batches of all its segments, each one checked.</summary>
internal sealed record ReplicaLog(int Broker, IReadOnlyList<StoredBatch> Batches)
{
    public static ReplicaLog Read(int broker, string folder)
    {
        var batches = new List<StoredBatch>();
        foreach (var file in Directory.GetFiles(folder, "*.log").Order(StringComparer.Ordinal))
        {
            ReadOnlySpan<byte> rest = File.ReadAllBytes(file);
            while (!rest.IsEmpty)
            {
                var fault = RecordBatchValidator.CheckChecksum(rest, out var header);
                if (fault != BatchFault.None || header.SizeInBytes > rest.Length)
                {
                    // A kill tears the last batch: the next start cuts it off.
                    break;
                }

                var size = (int)header.SizeInBytes;
                batches.Add(new StoredBatch(header.BaseOffset.Value, header.NextOffset.Value, header.PartitionLeaderEpoch.Value, header.Crc, rest[..size].ToArray()));
                rest = rest[size..];
            }
        }

        return new ReplicaLog(broker, batches);
    }
}
