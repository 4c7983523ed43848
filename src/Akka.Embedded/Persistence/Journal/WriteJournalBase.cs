using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Persistence.Journal;

/// <summary>The least that a journal is: an actor that takes journal messages, with the event adapters of its configuration.</summary>
public abstract class WriteJournalBase : ActorBase
{
    private readonly EventAdapters _adapters;

    protected WriteJournalBase() => _adapters = Persistence.Instance.Apply(Context.System).AdaptersFor(Self);

    /// <summary>The atomic writes of a batch, with payloads adapted and senders taken off; the rest is left out.</summary>
    protected IEnumerable<AtomicWrite> PreparePersistentBatch(IEnumerable<IPersistentEnvelope> resequenceables)
    {
        foreach (var envelope in resequenceables)
        {
            if (envelope is not AtomicWrite write) continue;
            var events = (IImmutableList<IPersistentRepresentation>)write.Payload;
            var prepared = ImmutableArray.CreateBuilder<IPersistentRepresentation>(events.Count);
            foreach (var e in events)
                prepared.Add(AdaptToJournal(e.Update(e.SequenceNr, e.PersistenceId, e.IsDeleted, ActorRefs.NoSender, e.WriterGuid)));
            yield return new AtomicWrite(prepared.MoveToImmutable());
        }
    }

    protected IEnumerable<IPersistentRepresentation> AdaptFromJournal(IPersistentRepresentation representation)
    {
        var adapter = _adapters.Get(representation.Payload.GetType());
        if (ReferenceEquals(adapter, IdentityEventAdapter.Instance)) return [representation];
        return adapter.FromJournal(representation.Payload, representation.Manifest).Events.Select(representation.WithPayload);
    }

    protected IPersistentRepresentation AdaptToJournal(IPersistentRepresentation representation)
    {
        var payload = representation.Payload;
        var adapter = _adapters.Get(payload.GetType());
        // Without a writing adapter the manifest stays, whoever set it.
        return ReferenceEquals(adapter, IdentityEventAdapter.Instance) || adapter is ReadOnlyAdapter
            ? representation
            : representation.WithPayload(adapter.ToJournal(payload)).WithManifest(adapter.Manifest(payload));
    }
}
