using ActorBroker.Protocol;

namespace ActorBroker.Kafka;

/// <summary>
/// A connection's fetch session (KIP-227): the broker remembers which partitions the client reads and where, so that a fetch
/// names only what changed, and its answer only what is new.
/// <code>
/// id 0, epoch -1   every partition is named, nothing is remembered
/// any,  epoch  0   every partition is named, and remembered: the answer tells the session's id
/// id n, epoch -1   the session ends, and the partitions named are fetched
/// id n, epoch  k   what changed; k counts the session's fetches from 1 on
/// </code>
/// It lives and dies with its connection, one at a time: a client that connects again is told that its session is
/// unknown, and begins another. Clients fetch on one connection to each broker, so none is missed.
/// Invariant: one fetch at a time is between <see cref="Begin"/> and <see cref="End"/>.
/// </summary>
/// <param name="newId">Of a session: positive, different each time.</param>
internal sealed class FetchSession(Func<int> newId)
{
    /// <summary>A client that reads more is asked to name them all each time.</summary>
    public const int MostPartitions = 20_000;

    private readonly LinkedList<Entry> _order = [];
    private readonly Dictionary<Key, LinkedListNode<Entry>> _entries = [];

    /// <summary>0: there is none.</summary>
    private int _id;
    private int _nextEpoch;
    private bool _byId;
    private Answer _answer;

    /// <summary>How the fetch under way is to be answered.</summary>
    private enum Answer
    {
        Alone,
        Opening,
        Incremental,
    }

    private readonly record struct Key(string Topic, Guid TopicId, int Partition);

    /// <summary>The fetch with all its partitions, for a handler that knows of no sessions; null where it is refused.</summary>
    /// <param name="byId">This version of the request names topics by their ids.</param>
    public FetchRequest? Begin(FetchRequest request, bool byId, out ErrorCode refusal)
    {
        refusal = ErrorCode.None;
        _answer = Answer.Alone;
        if (request.SessionEpoch > 0)
        {
            refusal = Continue(request, byId);
            return refusal == ErrorCode.None ? Alone(request) with { Topics = Remembered() } : null;
        }

        if (request.SessionEpoch == 0) Open(request, byId);
        else if (request.SessionId == _id) Close();
        return Alone(request);
    }

    public FetchResponse End(FetchResponse response)
    {
        if (_answer == Answer.Alone || response.ErrorCode != ErrorCode.None) return response;
        var topics = new List<FetchResponse.FetchableTopicResponse>(response.Responses.Count);
        var node = _order.First;
        foreach (var topic in response.Responses)
        {
            var kept = new List<FetchResponse.PartitionData>(topic.Partitions.Count);
            foreach (var partition in topic.Partitions)
            {
                var current = node!;
                node = current.Next;
                if (current.Value.TakesNote(partition) || _answer == Answer.Opening) kept.Add(partition);
                if (partition.Records.GetValueOrDefault().Length > 0) MoveToEnd(current);
            }

            if (kept.Count > 0) topics.Add(topic with { Partitions = kept });
        }

        return response with { SessionId = _id, Responses = topics };
    }

    private static FetchRequest Alone(FetchRequest request) => request with { SessionId = 0, SessionEpoch = -1, ForgottenTopicsData = [] };

    private ErrorCode Continue(FetchRequest request, bool byId)
    {
        if (_id == 0 || request.SessionId != _id) return ErrorCode.FetchSessionIdNotFound;
        if (request.SessionEpoch != _nextEpoch) return ErrorCode.InvalidFetchSessionEpoch;
        if (byId != _byId) return ErrorCode.FetchSessionTopicIdError;
        foreach (var topic in request.ForgottenTopicsData)
            foreach (var partition in topic.Partitions)
                if (_entries.Remove(new Key(topic.Topic, topic.TopicId, partition), out var forgotten))
                    _order.Remove(forgotten);
        foreach (var topic in request.Topics)
            foreach (var partition in topic.Partitions)
                Remember(topic, partition);
        if (_entries.Count > MostPartitions)
        {
            Close();
            return ErrorCode.FetchSessionIdNotFound;
        }

        _nextEpoch = _nextEpoch == int.MaxValue ? 1 : _nextEpoch + 1;
        _answer = Answer.Incremental;
        return ErrorCode.None;
    }

    /// <summary>A request that names a partition twice, or too many, gets no session: its answer says so by the id 0.</summary>
    private void Open(FetchRequest request, bool byId)
    {
        Close();
        var named = 0;
        foreach (var topic in request.Topics)
        {
            named += topic.Partitions.Count;
            if (named > MostPartitions) break;
            foreach (var partition in topic.Partitions) Remember(topic, partition);
        }

        if (named != _entries.Count)
        {
            Close();
            return;
        }

        _id = newId();
        _nextEpoch = 1;
        _byId = byId;
        _answer = Answer.Opening;
    }

    private void Close()
    {
        _id = 0;
        _order.Clear();
        _entries.Clear();
    }

    private void Remember(FetchRequest.FetchTopic topic, FetchRequest.FetchPartition partition)
    {
        var key = new Key(topic.Topic, topic.TopicId, partition.Partition);
        if (_entries.TryGetValue(key, out var known)) known.Value.Request = partition;
        else _entries.Add(key, _order.AddLast(new Entry(topic, partition)));
    }

    /// <summary>Who got records comes last in the next fetch, so that none starves where not all fits into one answer.</summary>
    private void MoveToEnd(LinkedListNode<Entry> node)
    {
        _order.Remove(node);
        _order.AddLast(node);
    }

    /// <summary>Neighbours of one topic together, in their order.</summary>
    private List<FetchRequest.FetchTopic> Remembered()
    {
        var topics = new List<FetchRequest.FetchTopic>();
        var partitions = new List<FetchRequest.FetchPartition>();
        for (var node = _order.First; node is not null; node = node.Next)
        {
            partitions.Add(node.Value.Request);
            if (node.Next is { } next && next.Value.IsOf(node.Value.Topic)) continue;
            topics.Add(node.Value.Topic with { Partitions = partitions });
            partitions = [];
        }

        return topics;
    }

    private sealed class Entry(FetchRequest.FetchTopic topic, FetchRequest.FetchPartition request)
    {
        private const long NotTold = -2;

        private long _highWatermark = NotTold;
        private long _logStart = NotTold;

        public FetchRequest.FetchTopic Topic => topic;

        public FetchRequest.FetchPartition Request { get; set; } = request;

        public bool IsOf(FetchRequest.FetchTopic other) => topic.TopicId == other.TopicId && string.Equals(topic.Topic, other.Topic, StringComparison.Ordinal);

        /// <summary>Whether the client must hear of it. Once an error is over, it must too.</summary>
        public bool TakesNote(FetchResponse.PartitionData partition)
        {
            var isError = partition.ErrorCode != ErrorCode.None;
            var isNew = isError || partition.Records.GetValueOrDefault().Length > 0
                || partition.HighWatermark != _highWatermark || partition.LogStartOffset != _logStart;
            _highWatermark = isError ? NotTold : partition.HighWatermark;
            _logStart = isError ? NotTold : partition.LogStartOffset;
            return isNew;
        }
    }
}
