using System.Collections.Immutable;
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
    private readonly Address _self = ((ExtendedActorSystem)Context.System).Provider.DefaultAddress;
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
            if (Answer(request) is not { } content) return;
            var sender = Sender;
            VoterFrame.Send(request with { Content = content }, logs.Quorum.Self.Broker, ++_number, piece => sender.Tell(piece, Self));
            if (_failing.Remove(persistenceId)) _log.Info("The voter of [{0}] answers again.", persistenceId);
        }
        catch (Exception cause) when (cause is not InvariantException)
        {
            if (_failing.Add(persistenceId)) _log.Error(cause, "A request of node {0} for [{1}] failed.", frame.From, persistenceId);
        }
    }

    protected override void PostStop()
    {
        foreach (var persistenceId in _served)
            logs.Voter(persistenceId).CloseUnlessWriting();
    }

    private object? Answer(VoterMessage request)
    {
        if (request.Content is AskVoters && !logs.Exists(request.PersistenceId)) return null;
        _served.Add(request.PersistenceId);
        var voter = logs.Voter(request.PersistenceId);
        return request.Content switch
        {
            VoterRequest vote => voter.Step(vote),
            ReadEntries read => voter.Read(read),
            ReadIndex read => new IndexRead(read.Epoch, voter.Index()),
            AskVoters ask => voter.Index().Members is { IsDefault: false } members ? new VotersKnown(ask.Epoch, members, [.. members.Select(AddressOf)]) : null,
            _ => throw new IOException($"{request.Content.GetType().Name} is no request"),
        };
    }

    private string AddressOf(Member member) =>
        (member.Broker == logs.Quorum.Self.Broker ? _self : logs.Quorum.AddressOf(member.Broker))?.ToString() ?? "";
}

/// <summary>Carries requests to other nodes, by Akka.Remote. For one writer, which gets the answers. May lose, repeat and reorder them.</summary>
internal sealed class RemoteVoters(string persistenceId, QuorumIdentity quorum, ActorSystem system, IActorRef writer)
{
    private readonly Dictionary<Address, ActorSelection> _systems = [];
    private readonly Dictionary<BrokerId, Address> _learned = [];
    private long _number;

    public bool Knows(BrokerId broker) => broker == quorum.Self.Broker || Find(broker) is not null;

    public void Send(BrokerId to, VoterRequest request) => Tell(to, request);

    public void Read(LeaderEpoch epoch, WriterEffect read) =>
        Tell(read.Source, read.To == BrokerId.None ? new ReadIndex(epoch) : new ReadEntries(epoch, read.To, read.From, read.Through));

    /// <summary>Who votes? Answered by <see cref="VotersKnown"/>, if at all.</summary>
    public void AskContacts(LeaderEpoch epoch)
    {
        foreach (var address in quorum.Contacts())
            Tell(address, new AskVoters(epoch));
    }

    /// <summary>Another node says where voters are; what this node knows itself goes first.</summary>
    public void Learn(VotersKnown known)
    {
        for (var i = 0; i < known.Members.Length; i++)
        {
            if (Address.TryParse(known.Addresses[i], out var address) && address is { HasGlobalScope: true }) _learned[known.Members[i].Broker] = address;
        }
    }

    private Address? Find(BrokerId broker) => quorum.AddressOf(broker) ?? _learned.GetValueOrDefault(broker);

    private void Tell(BrokerId to, object request)
    {
        if (Find(to) is { } address) Tell(address, request); // Else it is asked again, and may be known by then.
    }

    private void Tell(Address address, object request)
    {
        if (!_systems.TryGetValue(address, out var voter))
            _systems[address] = voter = system.ActorSelection(VoterEndpoint.PathAt(address).ToString());
        VoterFrame.Send(new VoterMessage(persistenceId, request), quorum.Self.Broker, ++_number, piece => voter.Tell(piece, writer));
    }
}
