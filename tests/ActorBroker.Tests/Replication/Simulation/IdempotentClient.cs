namespace ActorBroker.Tests.Replication.Simulation;

/// <summary>
/// An idempotent producer as a broker sees it at its worst: up to five batches of one record without an answer, sent again in any
/// order, to anybody, as often as it likes, until they are acknowledged. Its first batch is acknowledged before the second is
/// sent, since a partition that knows nothing of a producer takes what comes first for its beginning (KIP-360).
/// </summary>
internal sealed class IdempotentClient
{
    private const int MostInFlight = 5;

    private readonly SortedSet<int> _unacknowledged = [];

    public int Sent { get; private set; }

    public int SentAgain { get; private set; }

    public int Acknowledged => Sent - _unacknowledged.Count;

    public bool IsDone => _unacknowledged.Count == 0;

    public IReadOnlyList<int> Unacknowledged => [.. _unacknowledged];

    /// <summary>Told from the values of the other clients.</summary>
    public static int ValueOf(int sequence) => 1_000_000 + sequence;

    /// <summary>The sequence to send next: a new one, or one again.</summary>
    public int Next(Random random)
    {
        // The oldest without an answer bounds what may be sent: so Kafka's producers keep to the five that a broker remembers.
        var oldest = IsDone ? Sent : _unacknowledged.Min;
        if (IsDone || (Sent > 1 && Sent < oldest + MostInFlight && random.Next(2) == 0))
        {
            _unacknowledged.Add(Sent);
            return Sent++;
        }

        SentAgain++;
        return _unacknowledged.ElementAt(random.Next(_unacknowledged.Count));
    }

    public void OnAcknowledged(int sequence) => _unacknowledged.Remove(sequence);
}
