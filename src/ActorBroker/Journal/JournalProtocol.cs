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
}

/// <summary>The volume is full: nothing was written, the log is as it was, and the same write may succeed later.</summary>
internal sealed class JournalFullException(string persistenceId)
    : Exception($"The event of [{persistenceId}] was not stored: the disk is full. Writes resume by themselves once there is room.");

/// <summary>An event that can't be stored in this form, now or later.</summary>
internal sealed class EventRefusedException(string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>The log's reason, where it was the log that refused; otherwise Ok.</summary>
    public AppendStatus Status { get; init; }
}
