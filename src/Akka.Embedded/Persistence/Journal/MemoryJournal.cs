using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Persistence.Journal;

/// <summary>Keeps events in the journal's own memory: they are gone with the actor system.</summary>
public class MemoryJournal : AsyncWriteJournal
{
    private readonly Dictionary<string, Stream> _streams = new(StringComparer.Ordinal);

    public override Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr)
    {
        lock (_streams) return Task.FromResult(_streams.TryGetValue(persistenceId, out var stream) ? stream.Highest : 0);
    }

    public override Task ReplayMessagesAsync(IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback)
    {
        lock (_streams)
        {
            if (!_streams.TryGetValue(persistenceId, out var stream)) return Task.CompletedTask;
            foreach (var (number, e) in stream.Events)
            {
                if (number < fromSequenceNr) continue;
                if (number > toSequenceNr || max-- <= 0) break;
                recoveryCallback(e);
            }
        }

        return Task.CompletedTask;
    }

    protected override Task<IImmutableList<Exception?>?> WriteMessagesAsync(IEnumerable<AtomicWrite> messages)
    {
        var now = Context.System.Scheduler.Now.UtcTicks;
        lock (_streams)
        {
            foreach (var write in messages)
            {
                if (!_streams.TryGetValue(write.PersistenceId, out var stream))
                    _streams[write.PersistenceId] = stream = new Stream();
                foreach (var e in (IImmutableList<IPersistentRepresentation>)write.Payload)
                    stream.Add(e.WithTimestamp(now));
            }
        }

        return Task.FromResult<IImmutableList<Exception?>?>(null);
    }

    protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr)
    {
        lock (_streams)
        {
            if (_streams.TryGetValue(persistenceId, out var stream)) stream.DeleteTo(toSequenceNr);
        }

        return Task.CompletedTask;
    }

    private sealed class Stream
    {
        public SortedList<long, IPersistentRepresentation> Events { get; } = [];

        public long Highest { get; private set; }

        public void Add(IPersistentRepresentation e)
        {
            Events[e.SequenceNr] = e;
            Highest = Math.Max(Highest, e.SequenceNr);
        }

        public void DeleteTo(long sequenceNr)
        {
            var kept = new List<IPersistentRepresentation>();
            foreach (var (number, e) in Events)
            {
                if (number > sequenceNr) kept.Add(e);
            }

            Events.Clear();
            foreach (var e in kept)
                Events.Add(e.SequenceNr, e);
        }
    }
}
