using System.Collections.Immutable;
using ActorBroker.Journal;
using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Control;

/// <summary>About the controller's own log and who votes on it.</summary>
internal static partial class ControllerProtocol
{
    /// <summary>Not the controller's to decide: it passes it to its journal.</summary>
    public interface IQuorumCommand : ICommand;

    /// <summary>Answer: <see cref="QuorumDescription"/>.</summary>
    public sealed record DescribeQuorum : IQuorumCommand
    {
        public static readonly DescribeQuorum Instance = new();
    }

    /// <param name="Controller">The broker whose node the controller runs on.</param>
    /// <param name="Epoch">Of its bid for the log.</param>
    /// <param name="Committed">A majority of voters holds everything up to this sequence number.</param>
    /// <param name="LogEnd">Sequence number of the newest entry.</param>
    /// <param name="Observers">Nodes that get the entries without a vote.</param>
    public sealed record QuorumDescription(
        BrokerId Controller, LeaderEpoch Epoch, long Committed, long LogEnd,
        ImmutableArray<QuorumMember> Voters, ImmutableArray<QuorumMember> Observers) : IControllerMessage;

    /// <param name="LogEnd">How far it is known to have the log; -1 while the controller has not heard of it.</param>
    /// <param name="LastAnsweredMs">Milliseconds since 1970; -1 while the controller has not heard of it.</param>
    /// <param name="LastCaughtUpMs">When it last had everything; -1 as above.</param>
    public sealed record QuorumMember(BrokerId Broker, DirectoryId Directory, long LogEnd, long LastAnsweredMs, long LastCaughtUpMs);

    /// <summary>Lets a broker vote, once it has caught up, or takes its vote away; one change at a time. Answer: <see cref="VotersAltered"/>.</summary>
    public sealed record AlterVoters(VoterChange Change, BrokerId Broker) : IQuorumCommand;

    /// <param name="Message">Null unless refused.</param>
    /// <param name="Voters">Afterwards; empty where refused.</param>
    public sealed record VotersAltered(ErrorCode Error, string? Message, ImmutableArray<BrokerId> Voters) : IControllerMessage;
}
