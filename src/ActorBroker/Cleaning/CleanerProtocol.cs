using ActorBroker.Log;
using ActorBroker.Replication;

namespace ActorBroker.Cleaning;

/// <summary>Between the cleaner and its parent, who knows which logs may still be touched.</summary>
internal static class CleanerProtocol
{
    /// <summary>Have the log's writer swap in what the cleaning has written. Answered by <see cref="Swapped"/> or the journal's <c>LogWorkFailed</c>.</summary>
    internal sealed record SwapIn(PartitionHandle Handle, LogCleaning Cleaning);

    /// <param name="IsIn">False: the log changed meanwhile, or is let go of; the cleaning is over.</param>
    internal sealed record Swapped(LogCleaning Cleaning, bool IsIn);

    internal enum Tick
    {
        /// <summary>Look for a log that is due.</summary>
        Look,

        /// <summary>The next step of the cleaning under way.</summary>
        Step,

        /// <summary>The swap was asked for long ago.</summary>
        SwapLost,
    }
}
