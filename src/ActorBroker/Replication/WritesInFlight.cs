namespace ActorBroker.Replication;

/// <summary>Who is to hear of a write. Without a key: what was fetched, of which nobody does.</summary>
internal readonly record struct Writer(RequestKey? Key, Acks Acks);

/// <summary>
/// What a partition is writing, oldest first (persisting keeps order), and the duplicates of it that came meanwhile: they are
/// answered as the first one is.
/// Invariant: the log rejects together whatever was begun before it was known that it rejected something.
/// </summary>
internal sealed class WritesInFlight
{
    private readonly Queue<(Writer Writer, int Rejections)> _writes = new();

    /// <summary>By the ticket of the write that they repeat.</summary>
    private readonly Dictionary<long, List<Writer>> _duplicates = [];

    public int Count => _writes.Count;

    /// <summary>Of the write that is begun next; tickets count all that ever were.</summary>
    public long NextTicket { get; private set; }

    /// <summary>Times that the log rejected something. What was begun before the last of them will be rejected too.</summary>
    public int Rejections { get; private set; }

    public void Begin(Writer writer)
    {
        _writes.Enqueue((writer, Rejections));
        NextTicket++;
    }

    public void Repeat(long ticket, Writer writer)
    {
        if (!_duplicates.TryGetValue(ticket, out var writers)) _duplicates.Add(ticket, writers = []);
        writers.Add(writer);
    }

    /// <param name="duplicates">Null: there are none.</param>
    public Writer TakeWritten(out List<Writer>? duplicates)
    {
        Invariant.Check(_writes.Peek().Rejections == Rejections, "written behind what was rejected");
        return TakeOldest(out duplicates);
    }

    /// <param name="isNews">Whether this is the first that is heard of it, so that all in flight counts for nothing from here on.</param>
    public Writer TakeRejected(out List<Writer>? duplicates, out bool isNews)
    {
        isNews = _writes.Peek().Rejections == Rejections;
        if (isNews) Rejections++;
        return TakeOldest(out duplicates);
    }

    /// <summary>Nobody knows whether it was written.</summary>
    public Writer TakeOldest(out List<Writer>? duplicates)
    {
        duplicates = null;
        if (_duplicates.Count > 0) _duplicates.Remove(NextTicket - _writes.Count, out duplicates);
        return _writes.Dequeue().Writer;
    }
}
