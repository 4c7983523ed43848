using ActorBroker.Hosting;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;

namespace ActorBroker.Journal;

/// <summary>
/// <c>actorbroker.snapshot.checkpoint</c>: an Akka.Persistence snapshot store of files beside the commit logs. It speaks the
/// public snapshot messages and shares the ids out to a few workers, each of which keeps the order of its ids.
/// </summary>
internal sealed class CheckpointStore : ActorBase
{
    private const int Workers = 4;

    private readonly IActorRef[] _workers = new IActorRef[Workers];

    public CheckpointStore(Config config)
    {
        var reader = new OptionsReader(config, "actorbroker.snapshot.checkpoint");
        var keep = Keep(reader);
        reader.ThrowIfFaulty();
        var props = Props.Create(() => new CheckpointWorker(keep)).WithDispatcher("actorbroker.io-dispatcher");
        for (var i = 0; i < Workers; i++)
            _workers[i] = Context.ActorOf(props);
    }

    /// <summary>So many of the newest stay.</summary>
    public static int Keep(OptionsReader reader) => reader.Int("keep", 1);

    protected override bool Receive(object message)
    {
        var id = message switch
        {
            LoadSnapshot load => load.PersistenceId,
            SaveSnapshot save => save.Metadata.PersistenceId,
            DeleteSnapshot delete => delete.Metadata.PersistenceId,
            DeleteSnapshots delete => delete.PersistenceId,
            _ => null,
        };
        if (id is null) return false;
        _workers[(uint)string.GetHashCode(id, StringComparison.Ordinal) % Workers].Forward(message);
        return true;
    }
}
