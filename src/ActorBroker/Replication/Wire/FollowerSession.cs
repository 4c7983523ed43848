using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Replication.Wire;

/// <summary>One partition that the follower asks for.</summary>
internal sealed class SessionPartition(Guid topic, int index)
{
    public Guid Topic => topic;

    public int Index => index;

    /// <summary>As last named.</summary>
    public FetchRequest.FetchPartition Request { get; set; } = null!;

    /// <summary>Number of the request that last named it: answers to earlier ones say nothing of it, since the follower would drop that.</summary>
    public int NamedIn { get; set; }

    /// <summary>The incarnation that was asked; null where there is none here.</summary>
    public PartitionHandle? Handle { get; set; }

    /// <summary>Names the question put to the partition; 0 while none is open.</summary>
    public long Call { get; set; }

    public PartitionProtocol.FollowerAnswer? Answer { get; set; }

    /// <summary>The leader epoch at which the logs were found to agree: only then do marks mean something to the follower.</summary>
    public int AgreedEpoch { get; set; } = -1;

    /// <summary>Marks that the follower was last told.</summary>
    public Offset ToldHighWatermark { get; set; } = Offset.None;

    public Offset ToldLogStart { get; set; } = Offset.None;
}

/// <summary>
/// What one follower's node fetches over one connection (KIP-227, but the session lives and dies with the connection).
/// A partition is named, and then rests with the leader until there is something to say; once it was answered with records
/// or an error it is left alone until it is named again, since only then does the leader know how far the follower is.
/// Marks (high watermark, log start) travel for every partition whose marks changed.
/// </summary>
internal sealed class FollowerSession
{
    private readonly Dictionary<(Guid Topic, int Index), SessionPartition> _partitions = [];
    private readonly Dictionary<long, SessionPartition> _calls = [];
    private readonly Queue<SessionPartition> _ready = new();
    private int _nextEpoch;
    private long _nextCall;

    /// <summary>Those with something to say, in the order in which they had it. Some may have been named again since.</summary>
    public Queue<SessionPartition> Ready => _ready;

    public IEnumerable<SessionPartition> All => _partitions.Values;

    /// <summary>The partitions that the request names, each with a new <see cref="SessionPartition.Call"/> to ask its actor with.</summary>
    /// <exception cref="ProtocolException">Requests of a session are numbered, and this is not the next.</exception>
    public List<SessionPartition> Take(FetchRequest request)
    {
        if (request.SessionEpoch != _nextEpoch)
            throw new ProtocolException(ProtocolFault.Malformed, $"request {request.SessionEpoch} of the session came instead of {_nextEpoch}");
        _nextEpoch++;
        foreach (var topic in request.ForgottenTopicsData)
            foreach (var index in topic.Partitions) Forget(topic.TopicId, index);
        var named = new List<SessionPartition>();
        foreach (var topic in request.Topics)
            foreach (var partition in topic.Partitions) named.Add(Name(topic.TopicId, partition, request.SessionEpoch));
        return named;
    }

    /// <summary>An answer to a question that is no longer open is dropped.</summary>
    public void OnAnswer(PartitionProtocol.FollowerAnswer answer)
    {
        if (!_calls.Remove(answer.Call, out var partition)) return;
        partition.Call = 0;
        partition.Answer = answer;
        _ready.Enqueue(partition);
    }

    public void OnAccepted(long call)
    {
        if (_calls.TryGetValue(call, out var partition)) partition.AgreedEpoch = partition.Request.CurrentLeaderEpoch;
    }

    /// <summary>Nobody is there to answer.</summary>
    public void Fail(SessionPartition partition, PartitionError error) =>
        OnAnswer(new PartitionProtocol.FollowerAnswer(partition.Call, error, LeaderEpoch.None, Offset.None));

    private SessionPartition Name(Guid topic, FetchRequest.FetchPartition request, int number)
    {
        if (!_partitions.TryGetValue((topic, request.Partition), out var partition))
            _partitions.Add((topic, request.Partition), partition = new SessionPartition(topic, request.Partition));
        _calls.Remove(partition.Call);
        (partition.Request, partition.NamedIn) = (request, number);
        partition.Answer = null;
        partition.Call = ++_nextCall;
        _calls.Add(partition.Call, partition);
        return partition;
    }

    private void Forget(Guid topic, int index)
    {
        if (!_partitions.Remove((topic, index), out var partition)) return;
        _calls.Remove(partition.Call);
        partition.Answer = null;
    }
}
