using System.Collections.Immutable;
using ActorBroker.Log;
using Akka.Actor;

namespace ActorBroker.Journal;

/// <summary>What a log journal takes beside Akka's own journal messages. All of it comes behind the writes of its id.</summary>
internal static class JournalProtocol
{
    internal interface ICommand : INoSerializationVerificationNeeded
    {
        string PersistenceId { get; }
    }

    /// <summary>
    /// Cuts every batch that holds this offset or a later one, checkpoints beyond it first, durably. The persistent actor
    /// must have stopped. Answered by <see cref="CutCompleted"/> or <see cref="CutFailed"/>.
    /// </summary>
    internal sealed record CutSuffix(string PersistenceId, Offset Offset) : ICommand;

    /// <summary>The same for everything: the log is empty afterwards and begins at this offset. Answered in the same way.</summary>
    internal sealed record StartOver(string PersistenceId, Offset Offset) : ICommand;

    internal sealed record CutCompleted(string PersistenceId, Offset LogEndOffset);

    /// <summary>What the log holds is unknown: it must be opened anew.</summary>
    internal sealed record CutFailed(string PersistenceId, Exception Cause);

    /// <summary>
    /// Runs work that belongs to the log's one writer (rolling, retention, epochs, producer snapshots). The work must not
    /// keep the log. Answered by <see cref="LogWorkCompleted"/> or <see cref="LogWorkFailed"/>.
    /// </summary>
    internal sealed record RunOnLog(string PersistenceId, Func<PartitionLog, object?> Work) : ICommand;

    internal sealed record LogWorkCompleted(string PersistenceId, object? Result);

    internal sealed record LogWorkFailed(string PersistenceId, Exception Cause);

    /// <summary>
    /// Lets go of a log: before it is deleted, closed or replaced. Answered by <see cref="LogReleased"/> once nothing of
    /// the journal touches it any more; a later message of the same id takes it up again.
    /// </summary>
    internal sealed record ReleaseLog(string PersistenceId) : ICommand;

    internal sealed record LogReleased(string PersistenceId);

    /// <summary>
    /// Asks the quorum's writer on this node to let a broker's disk vote, once it has caught up, or to take its vote away; the
    /// writer's own node may go too. One change at a time. Answered by <see cref="VotersChanged"/> or <see cref="VotersNotChanged"/>.
    /// </summary>
    internal sealed record ChangeVoters(string PersistenceId, VoterChange Change, BrokerId Broker) : ICommand;

    /// <summary>A majority of the new voters holds the change.</summary>
    internal sealed record VotersChanged(string PersistenceId, ImmutableArray<BrokerId> Voters);

    internal sealed record VotersNotChanged(string PersistenceId, VoterRefusal Reason, string Detail);

    /// <summary>Answered by <see cref="QuorumDescribed"/>, or by <see cref="QuorumNotLed"/> where this node's writer does not lead.</summary>
    internal sealed record DescribeQuorum(string PersistenceId) : ICommand;

    internal sealed record QuorumNotLed(string PersistenceId);

    /// <summary>
    /// To the persistent actor of a quorum, without being asked: another writer has a higher epoch, or no majority answers.
    /// Whatever it writes fails until it recovers anew, so it had better stop.
    /// </summary>
    internal sealed record LeadLost(string PersistenceId, Exception Cause) : INoSerializationVerificationNeeded;

    /// <param name="Writer">The node that writes.</param>
    /// <param name="Epoch">Of the writer.</param>
    /// <param name="LogStart">Everything below is deleted.</param>
    /// <param name="Committed">A majority holds everything up to this sequence number.</param>
    /// <param name="LogEnd">Sequence number of the newest entry.</param>
    /// <param name="Voters">By broker id.</param>
    /// <param name="Observers">Disks that get the entries without a vote: the writer's own, and one that is about to be a voter.</param>
    internal sealed record QuorumDescribed(
        string PersistenceId, BrokerId Writer, LeaderEpoch Epoch, long LogStart, long Committed, long LogEnd,
        ImmutableArray<VoterDescription> Voters, ImmutableArray<VoterDescription> Observers);

    /// <param name="Disk">Default where the voter lost its disk and the new one has not been admitted yet.</param>
    /// <param name="LogEnd">How far its log is known to equal the writer's; -1 while this writer has not heard of it.</param>
    /// <param name="LastAnswered">Null while this writer has not heard of it.</param>
    /// <param name="LastCaughtUp">When it last held everything that was committed.</param>
    internal sealed record VoterDescription(
        BrokerId Broker, DirectoryId Disk, long LogEnd, DateTimeOffset? LastAnswered, DateTimeOffset? LastCaughtUp);
}

internal enum VoterChange
{
    Add,
    Remove,
}

internal enum VoterRefusal
{
    /// <summary>This node's writer does not lead: ask where the controller is now.</summary>
    NotLeading,

    /// <summary>Another change is under way: ask again later.</summary>
    ChangeUnderWay,

    AlreadyVoter,
    NotAVoter,

    /// <summary>Of those that are left no majority answers and holds everything: nothing could be written any more.</summary>
    NoMajorityLeft,

    /// <summary>Nobody knows where the broker's system is.</summary>
    UnknownAddress,

    /// <summary>The broker did not answer, or did not catch up in time. It is no voter.</summary>
    NotCaughtUp,

    /// <summary>The writer lost the lead meanwhile: the change may yet take place.</summary>
    OutcomeUnknown,
}

/// <summary>The volume is full: nothing was written, the log is as it was, and the same write may succeed later.</summary>
internal sealed class JournalFullException(string persistenceId)
    : Exception($"The event of [{persistenceId}] was not stored: the disk is full. Writes resume by themselves once there is room.");

/// <summary>An event that can't be stored in this form, now or later.</summary>
internal sealed class EventRefusedException(string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>The log's reason, where it was the log that refused; otherwise Ok.</summary>
    public AppendStatus Status { get; init; }

    /// <summary>Nothing is wrong with it, but one before it was rejected: it may be persisted again.</summary>
    public bool IsBehindRejected { get; init; }
}
