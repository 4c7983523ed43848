using ActorBroker.Log;
using Akka.Actor;
using Akka.Event;

namespace ActorBroker.Journal.Quorum;

/// <summary>
/// <c>/system/actorbroker-voter</c>: serves this node's voters to the writers of other nodes, whether or not a writer runs
/// here. A request that fails has no answer; the writer asks again.
/// </summary>
internal sealed class VoterEndpoint(JournalLogs logs) : UntypedActor
{
    public const string Name = "actorbroker-voter";

    private readonly VoterFrameReader _frames = new();
    private readonly HashSet<string> _served = new(StringComparer.Ordinal);
    private readonly HashSet<string> _failing = new(StringComparer.Ordinal);
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private long _number;

    public static ActorPath PathAt(Address address) => new RootActorPath(address) / "system" / Name;

    protected override void OnReceive(object message)
    {
        if (message is not VoterFrame frame)
        {
            Unhandled(message);
            return;
        }

        var persistenceId = "";
        try
        {
            if (_frames.OnFrame(frame, Sender) is not { } request) return;
            persistenceId = request.PersistenceId;
            var answer = request with { Content = Answer(request) };
            var sender = Sender;
            VoterFrame.Send(answer, logs.Quorum.Self.Broker, ++_number, piece => sender.Tell(piece, Self));
            if (_failing.Remove(persistenceId)) _log.Info("The voter of [{0}] answers again.", persistenceId);
        }
        catch (Exception cause) when (cause is not InvariantException)
        {
            if (_failing.Add(persistenceId)) _log.Error(cause, "A request of voter {0} for [{1}] failed.", frame.From, persistenceId);
        }
    }

    protected override void PostStop()
    {
        foreach (var persistenceId in _served)
            logs.Voter(persistenceId).CloseUnlessWriting();
    }

    private object Answer(VoterMessage request)
    {
        _served.Add(request.PersistenceId);
        var voter = logs.Voter(request.PersistenceId);
        return request.Content switch
        {
            VoterRequest vote => voter.Step(vote),
            ReadEntries read => new EntriesRead(read.Epoch, read.To, read.From, voter.Read(read.From, read.Through, QuorumWriterCore.MaxRequestBytes)),
            ReadIndex read => new IndexRead(read.Epoch, voter.Index()),
            _ => throw new IOException($"{request.Content.GetType().Name} is no request"),
        };
    }
}

/// <summary>The voters of other nodes, by Akka.Remote. For one writer, which gets the answers.</summary>
internal sealed class RemoteVoters(string persistenceId, QuorumIdentity quorum, ActorSystem system, IActorRef writer) : IVoterTransport
{
    private readonly Dictionary<Address, ActorSelection> _systems = [];

    private long _number;

    public void Send(BrokerId to, VoterRequest request) => Tell(to, request);

    public void Read(LeaderEpoch epoch, WriterEffect read) =>
        Tell(read.Source, read.To == BrokerId.None ? new ReadIndex(epoch) : new ReadEntries(epoch, read.To, read.From, read.Through));

    private void Tell(BrokerId to, object request)
    {
        if (quorum.AddressOf(to) is not { } address) return; // It is asked again, and may be known by then.
        if (!_systems.TryGetValue(address, out var voter))
            _systems[address] = voter = system.ActorSelection(VoterEndpoint.PathAt(address).ToString());
        VoterFrame.Send(new VoterMessage(persistenceId, request), quorum.Self.Broker, ++_number, piece => voter.Tell(piece, writer));
    }
}
