using System.Collections.Immutable;
using ActorBroker.Log;
using static ActorBroker.Journal.JournalProtocol;

namespace ActorBroker.Journal.Quorum;

/// <summary>When the disks that a writer sends to answered and held everything, to be shown to people.</summary>
internal sealed class FollowerTimes(TimeProvider time)
{
    private readonly Dictionary<Member, (DateTimeOffset Answered, DateTimeOffset? CaughtUp)> _times = [];

    public void OnAnswer(Member from, QuorumWriterCore core)
    {
        var now = time.GetUtcNow();
        var before = _times.GetValueOrDefault(from).CaughtUp;
        _times[from] = (now, core.HeldBy(from) >= core.Committed ? now : before);
    }

    public QuorumDescribed Describe(string persistenceId, BrokerId writer, QuorumWriterCore core)
    {
        var voters = core.Members.OrderBy(member => member.Broker).ToImmutableArray();
        var observers = core.Followers.Select(follower => follower.Member).Where(member => !voters.Contains(member) && !member.IsVacant);
        return new QuorumDescribed(
            persistenceId, writer, core.Epoch, core.LogStart, core.Committed, core.Last.Sequence,
            [.. voters.Select(member => Describe(member, core))],
            [.. observers.Select(member => Describe(member, core))]);
    }

    private VoterDescription Describe(Member member, QuorumWriterCore core)
    {
        var known = _times.TryGetValue(member, out var times);
        var isMatched = core.Followers.Any(follower => follower.Member == member && follower.Matched is not null);
        return new VoterDescription(member.Broker, member.Disk, isMatched ? core.HeldBy(member) : -1, known ? times.Answered : null, times.CaughtUp);
    }
}
