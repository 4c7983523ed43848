namespace Akka.Remote.Delivery;

internal enum AckOutcome
{
    Accepted,

    /// <summary>The peer acknowledges what was never sent, or asks for what it has acknowledged before: both sides no longer agree.</summary>
    OutOfSync,
}

/// <summary>
/// System messages sent and not yet acknowledged, in order. Numbers start at 0 for each incarnation of the peer. Not thread safe.
/// Invariants: numbers in the queue are consecutive but for acknowledged ones between; all are at most <see cref="LastSequence"/>.
/// </summary>
internal sealed class SystemSendBuffer<T>(int capacity)
{
    private readonly record struct Entry(long Sequence, T Message);

    private readonly LinkedList<Entry> _unacked = new();

    public long LastSequence { get; private set; } = -1;

    public int Count => _unacked.Count;

    public bool IsEmpty => _unacked.Count == 0;

    /// <summary>Numbers and keeps a message. False: the peer has left <c>capacity</c> messages unacknowledged.</summary>
    public bool TryAdd(T message, out long sequence)
    {
        sequence = LastSequence + 1;
        if (_unacked.Count >= capacity)
            return false;
        LastSequence = sequence;
        _unacked.AddLast(new Entry(sequence, message));
        return true;
    }

    /// <summary>Forgets what arrived; <paramref name="resend"/> gets what the peer misses.</summary>
    public AckOutcome Acknowledge(Ack ack, List<(long Sequence, T Message)> resend)
    {
        if (ack.Cumulative > LastSequence)
            return AckOutcome.OutOfSync;
        HashSet<long>? missing = ack.Nacks.Length == 0 ? null : [.. ack.Nacks];
        var found = 0;
        for (var node = _unacked.First; node is not null && (missing is not null || node.Value.Sequence <= ack.Cumulative);)
        {
            var next = node.Next;
            if (missing is not null && missing.Contains(node.Value.Sequence))
            {
                resend.Add((node.Value.Sequence, node.Value.Message));
                found++;
            }
            else if (node.Value.Sequence <= ack.Cumulative)
            {
                _unacked.Remove(node);
            }

            node = next;
        }

        return missing is not null && found < missing.Count ? AckOutcome.OutOfSync : AckOutcome.Accepted;
    }

    /// <summary>The oldest unacknowledged messages, at most <paramref name="limit"/>.</summary>
    public void CopyOldest(int limit, List<(long Sequence, T Message)> into)
    {
        for (var node = _unacked.First; node is not null && limit-- > 0; node = node.Next)
            into.Add((node.Value.Sequence, node.Value.Message));
    }

    /// <summary>A new incarnation of the peer: numbers start anew. Returns what was never acknowledged.</summary>
    public List<T> Reset()
    {
        var dropped = new List<T>(_unacked.Count);
        foreach (var entry in _unacked)
            dropped.Add(entry.Message);
        _unacked.Clear();
        LastSequence = -1;
        return dropped;
    }
}
