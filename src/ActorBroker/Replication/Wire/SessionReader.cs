using ActorBroker.Api;
using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Replication.Wire;

/// <summary>Makes one answer of what a session has to say, reading records from the logs. The buffers are its own until it is disposed.</summary>
internal sealed class SessionReader : IDisposable
{
    /// <summary>Partitions with records in one answer: each takes two pieces of a gathered send, of which systems take 1,024.</summary>
    private const int MostPartitions = 256;

    private readonly List<LogReadResult> _reads = [];
    private readonly Dictionary<Guid, List<FetchResponse.PartitionData>> _topics = [];

    private readonly List<(SessionPartition Partition, PartitionProtocol.FollowerAnswer Answer)> _taken = [];
    private bool _hasOtherNews;

    /// <summary>Bytes of records found.</summary>
    public int Found { get; private set; }

    /// <summary>Something but records is always worth an answer.</summary>
    public bool IsWorth(int minBytes) => _hasOtherNews || Found >= minBytes;

    /// <summary>Takes from <paramref name="session"/> what is ready, as far as it fits; what a later request than <paramref name="number"/> named waits for that one's answer.</summary>
    public void ReadReady(FollowerSession session, int number, int maxBytes)
    {
        for (var left = session.Ready.Count; left > 0 && _reads.Count < MostPartitions; left--)
        {
            var partition = session.Ready.Peek();
            if (partition.Answer is not null && partition.NamedIn > number)
            {
                session.Ready.Enqueue(session.Ready.Dequeue());
                continue;
            }

            // Forgotten or named again since, then it comes again; or taken already.
            if (partition.Answer is { } answer && !TryTell(partition, answer, maxBytes)) return;
            if (partition.Answer is { } taken) _taken.Add((partition, taken));
            partition.Answer = null;
            session.Ready.Dequeue();
        }
    }

    /// <summary>Nothing of it is sent: what was taken is as if it had not been.</summary>
    public void GiveBack(FollowerSession session)
    {
        foreach (var (partition, answer) in _taken)
        {
            partition.Answer = answer;
            session.Ready.Enqueue(partition);
        }
    }

    /// <summary>Marks that changed without records; a partition whose incarnation is gone has that to say.</summary>
    public void ReadMarks(FollowerSession session, int number, PartitionDirectory partitions)
    {
        foreach (var partition in session.All)
        {
            if (partition.Call == 0 || partition.NamedIn > number || partition.Handle is not { } handle) continue; // it speaks for itself
            if (!ReferenceEquals(partitions.Find(handle.TopicId, partition.Index), handle))
            {
                session.Fail(partition, PartitionError.NotLeader);
                continue;
            }

            var view = handle.View;
            if (!view.IsLeader || view.LeaderEpoch.Value != partition.AgreedEpoch) continue;
            if (view.HighWatermark == partition.ToldHighWatermark && view.LogStart == partition.ToldLogStart) continue;
            Add(partition, Marks(partition, view));
        }
    }

    public FetchResponse ToResponse(int sessionId)
    {
        var topics = new List<FetchResponse.FetchableTopicResponse>(_topics.Count);
        foreach (var (id, partitions) in _topics) topics.Add(new FetchResponse.FetchableTopicResponse { TopicId = id, Partitions = partitions });
        return new FetchResponse { SessionId = sessionId, Responses = topics };
    }

    public void Dispose()
    {
        foreach (var read in _reads) read.Dispose();
        _reads.Clear();
    }

    /// <summary>False when its records do not fit into this answer.</summary>
    private bool TryTell(SessionPartition partition, PartitionProtocol.FollowerAnswer answer, int maxBytes)
    {
        var view = partition.Handle?.View;
        if (answer.Error == PartitionError.Diverging)
        {
            Add(partition, Failure(partition, view, ErrorCode.None) with
            {
                DivergingEpoch = new FetchResponse.EpochEndOffset { Epoch = answer.Epoch.Value, EndOffset = answer.Offset.Value },
            });
            return true;
        }

        if (answer.Error != PartitionError.None || view is null)
        {
            Add(partition, Failure(partition, view, PartitionErrors.Code(answer.Error)));
            return true;
        }

        return TryRead(partition, view, maxBytes);
    }

    private bool TryRead(SessionPartition partition, PartitionView view, int maxBytes)
    {
        var budget = Math.Min(partition.Request.PartitionMaxBytes, maxBytes - Found);
        if (budget <= 0 && Found > 0) return false;
        if (!view.IsLeader || view.LeaderEpoch.Value != partition.Request.CurrentLeaderEpoch)
        {
            Add(partition, Failure(partition, view, ErrorCode.NotLeaderOrFollower));
            return true;
        }

        try
        {
            var from = Offset.MaxOf(new Offset(partition.Request.FetchOffset), view.LogStart);
            var read = partition.Handle!.Log.Read(from, Math.Max(budget, 0), view.LogEnd, minOneBatch: Found == 0);
            _reads.Add(read);
            if (read.Status == LogReadStatus.OutOfRange)
            {
                Add(partition, Failure(partition, view, ErrorCode.OffsetOutOfRange));
                return true;
            }

            if (read.Batches.IsEmpty) return false;
            Found += read.Batches.Length;
            Add(partition, Marks(partition, view) with { Records = read.Batches });
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException)
        {
            // Damaged or closing under the reader; the partition's own actor finds out and says so in the log.
            Add(partition, Failure(partition, view, ErrorCode.KafkaStorageError));
        }

        return true;
    }

    private static FetchResponse.PartitionData Marks(SessionPartition partition, PartitionView view)
    {
        partition.AgreedEpoch = partition.Request.CurrentLeaderEpoch;
        partition.ToldHighWatermark = view.HighWatermark;
        partition.ToldLogStart = view.LogStart;
        return Failure(partition, view, ErrorCode.None);
    }

    private static FetchResponse.PartitionData Failure(SessionPartition partition, PartitionView? view, ErrorCode error) => new()
    {
        PartitionIndex = partition.Index,
        ErrorCode = error,
        HighWatermark = view?.HighWatermark.Value ?? -1,
        LogStartOffset = view?.LogStart.Value ?? -1,
        CurrentLeader = error == ErrorCode.None ? new() : new() { LeaderEpoch = view?.LeaderEpoch.Value ?? -1 },
    };

    private void Add(SessionPartition partition, FetchResponse.PartitionData data)
    {
        if (!_topics.TryGetValue(partition.Topic, out var partitions)) _topics.Add(partition.Topic, partitions = []);
        partitions.Add(data);
        _hasOtherNews |= data.Records is not { IsEmpty: false };
    }
}
