using System.Collections.Immutable;
using ActorBroker.Journal;
using ActorBroker.Log;
using ActorBroker.Protocol;
using Akka.Actor;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>One question to the controller's journal about its voters: asks, translates the answer, stops.</summary>
internal sealed class QuorumQuestion : ReceiveActor
{
    /// <summary>Longer than a new voter is given to catch up: whoever asked has given up before.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    private readonly IActorRef _journal;
    private readonly string _persistenceId;
    private readonly IQuorumCommand _command;
    private readonly IActorRef _asker;

    public QuorumQuestion(IActorRef journal, string persistenceId, IQuorumCommand command, IActorRef asker)
    {
        _journal = journal;
        _persistenceId = persistenceId;
        _command = command;
        _asker = asker;
        Receive<JournalProtocol.QuorumDescribed>(described => Answer(Description(described)));
        Receive<JournalProtocol.QuorumNotLed>(_ => Answer(new ControllerUnavailable("The controller is losing its lead; try again.")));
        Receive<JournalProtocol.VotersChanged>(changed => Answer(new VotersAltered(ErrorCode.None, null, changed.Voters)));
        Receive<JournalProtocol.VotersNotChanged>(refused => Answer(Refusal(refused)));
        Receive<ReceiveTimeout>(_ => Answer(new ControllerUnavailable("The controller's journal did not answer; a change of voters may still take place.")));
        Context.SetReceiveTimeout(Longest);
    }

    public static Props Props(IActorRef journal, string persistenceId, IQuorumCommand command, IActorRef asker) =>
        Akka.Actor.Props.Create(() => new QuorumQuestion(journal, persistenceId, command, asker));

    protected override void PreStart() => _journal.Tell(_command switch
    {
        DescribeQuorum => new JournalProtocol.DescribeQuorum(_persistenceId),
        AlterVoters alter => new JournalProtocol.ChangeVoters(_persistenceId, alter.Change, alter.Broker),
        _ => throw new InvariantException($"{_command.GetType().Name} is no question about the quorum"),
    });

    private void Answer(object answer)
    {
        _asker.Tell(answer, Context.Parent);
        Context.Stop(Self);
    }

    private static QuorumDescription Description(JournalProtocol.QuorumDescribed described) => new(
        described.Writer, described.Epoch, described.Committed, described.LogEnd, Members(described.Voters), Members(described.Observers));

    private static ImmutableArray<QuorumMember> Members(ImmutableArray<JournalProtocol.VoterDescription> members) =>
        [.. members.Select(member => new QuorumMember(member.Broker, member.Disk, member.LogEnd, Milliseconds(member.LastAnswered), Milliseconds(member.LastCaughtUp)))];

    private static long Milliseconds(DateTimeOffset? time) => time?.ToUnixTimeMilliseconds() ?? -1;

    private object Refusal(JournalProtocol.VotersNotChanged refused)
    {
        var broker = ((AlterVoters)_command).Broker;
        return refused.Reason switch
        {
            VoterRefusal.NotLeading => new ControllerUnavailable("The controller is losing its lead; try again."),
            VoterRefusal.ChangeUnderWay => Refused(ErrorCode.RequestTimedOut, "Another change of voters is under way; try again when it is done."),
            VoterRefusal.AlreadyVoter => Refused(ErrorCode.DuplicateVoter, $"Broker {broker} is a voter already."),
            VoterRefusal.NotAVoter => Refused(ErrorCode.VoterNotFound, $"Broker {broker} is not a voter."),
            VoterRefusal.NoMajorityLeft => Refused(ErrorCode.InvalidRequest, $"Without broker {broker} no majority of voters that answer and are up to date is left: the cluster could decide nothing."),
            VoterRefusal.UnknownAddress => Refused(ErrorCode.BrokerIdNotRegistered, $"Nobody knows where broker {broker} is: it has not registered, and is not among the configured voters."),
            VoterRefusal.NotCaughtUp => Refused(ErrorCode.RequestTimedOut, $"Broker {broker} is no voter: it did not catch up in time. {refused.Detail}"),
            VoterRefusal.OutcomeUnknown => Refused(ErrorCode.RequestTimedOut, "The controller lost its lead meanwhile; the change may still take place."),
            _ => throw new InvariantException($"a refusal of voters {refused.Reason} has no rule"),
        };
    }

    private static VotersAltered Refused(ErrorCode error, string message) => new(error, message, []);
}
