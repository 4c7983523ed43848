namespace Akka.Remote.Delivery;

/// <summary>
/// Brings the system messages of one peer incarnation back into order, each exactly once. Not thread safe.
/// Invariant: everything held has a number above <see cref="LastDelivered"/>.
/// </summary>
internal sealed class SystemReceiveBuffer<T>(int window)
{
    private readonly SortedDictionary<long, T> _held = [];
    private long _highest = -1;

    public long LastDelivered { get; private set; } = -1;

    /// <summary>
    /// Takes a message in; <paramref name="deliver"/> gets what is next in line now. False: the number lies further ahead than
    /// the peer may have in flight, so it is refused.
    /// </summary>
    public bool Receive(long sequence, T message, List<T> deliver)
    {
        if (sequence < 0 || sequence > LastDelivered + window)
            return false;
        _highest = Math.Max(_highest, sequence);
        if (sequence <= LastDelivered)
            return true;
        if (sequence == LastDelivered + 1)
        {
            deliver.Add(message);
            LastDelivered = sequence;
            while (_held.Remove(LastDelivered + 1, out var next))
            {
                deliver.Add(next);
                LastDelivered++;
            }
        }
        else
        {
            _held.TryAdd(sequence, message);
        }

        return true;
    }

    /// <summary>What to tell the sender.</summary>
    public Ack CurrentAck()
    {
        if (_held.Count == 0)
            return new Ack(_highest, Ack.NoNacks);
        var missing = new List<long>();
        var expected = LastDelivered + 1;
        foreach (var sequence in _held.Keys)
        {
            for (; expected < sequence; expected++)
                missing.Add(expected);
            expected = sequence + 1;
        }

        return new Ack(_highest, [.. missing]);
    }
}
