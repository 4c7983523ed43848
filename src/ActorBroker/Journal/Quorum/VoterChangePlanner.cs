using System.Collections.Immutable;
using ActorBroker.Log;
using static ActorBroker.Journal.JournalProtocol;

namespace ActorBroker.Journal.Quorum;

/// <summary>
/// Which change of those who count is due next: one that was asked for, or a seat whose disk was replaced. Raft's rule for
/// single servers: a set holds from its entry on, and the next one comes only once that is committed; so majorities of any
/// two sets that may both decide overlap.
/// <code>
/// asked to add      the disk catches up --> voters with it
/// asked to remove   --> voters without it
/// another disk answers for a voter, and has caught up --> its seat is vacant --> its seat is that disk's
/// </code>
/// A vacant seat says in the log what is still to be done, so that the next writer goes on with it.
/// </summary>
internal sealed class VoterChangePlanner(QuorumReplicator replicator, QuorumRules rules)
{
    private (VoterChange Kind, BrokerId Broker)? _asked;
    private long _askedEnd; // end of its entry; 0 until it is in the log
    private bool _isNextAsked;

    /// <summary>About to be a voter.</summary>
    public BrokerId? Learner => _asked is { Kind: VoterChange.Add, Broker: var broker } && _askedEnd == 0 ? broker : null;

    public void Clear() => (_asked, _askedEnd, _isNextAsked) = (null, 0, false);

    public VoterRefusal? Ask(VoterChange kind, BrokerId broker, long committed)
    {
        if (_asked is not null && (rules.ChangesOneAtATime || _askedEnd == 0)) return VoterRefusal.ChangeUnderWay;
        var members = replicator.Log.Members;
        var votes = members.Any(member => member.Broker == broker);
        if (kind == VoterChange.Add && votes) return VoterRefusal.AlreadyVoter;
        if (kind == VoterChange.Remove && !votes) return VoterRefusal.NotAVoter;
        if (kind == VoterChange.Remove && !CanDecide(members.RemoveAll(member => member.Broker == broker), committed)) return VoterRefusal.NoMajorityLeft;
        (_asked, _askedEnd) = ((kind, broker), 0);
        return null;
    }

    /// <summary>False when it is in the log already: then it may yet be committed.</summary>
    public bool TryAbandon()
    {
        if (_askedEnd > 0) return false;
        Clear();
        return true;
    }

    /// <summary>Who counts next; default when nothing is due. <see cref="OnAppended"/> follows.</summary>
    public ImmutableArray<Member> Next(long committed)
    {
        var members = replicator.Log.Members;
        if (rules.ChangesOneAtATime && replicator.Log.MembersSince > committed) return default;
        _isNextAsked = false;
        if (_asked is { } asked && _askedEnd == 0)
        {
            var next = asked.Kind == VoterChange.Remove ? members.RemoveAll(member => member.Broker == asked.Broker)
                : ReadyAt(asked.Broker, committed) is { } newcomer ? members.Add(newcomer)
                : members;
            _isNextAsked = next.Length != members.Length && CanDecide(next, committed);
            if (_isNextAsked) return next;
        }

        foreach (var seat in members)
        {
            if (ReadyAt(seat.Broker, committed) is { } disk && disk != seat)
                return members.Replace(seat, seat.IsVacant ? disk : Member.Vacant(seat.Broker));
        }

        return default;
    }

    public void OnAppended(long end)
    {
        if (_isNextAsked) _askedEnd = end;
        _isNextAsked = false;
    }

    /// <summary>True once, when what was asked for is committed.</summary>
    public bool TryComplete(long committed)
    {
        if (_askedEnd == 0 || committed < _askedEnd) return false;
        Clear();
        return true;
    }

    /// <summary>A majority of these answers and holds what is committed: the change would not end in a quorum that can't write.</summary>
    private bool CanDecide(ImmutableArray<Member> members, long committed) =>
        members.Count(member => replicator.IsAnswering(member) && replicator.HeldBy(member) >= committed) > members.Length / 2;

    /// <summary>The disk that answers for this broker, if it holds what is committed.</summary>
    private Member? ReadyAt(BrokerId broker, long committed)
    {
        if (replicator.Find(broker) is not { IsHeard: true, Member: var disk }) return null;
        return !rules.CatchesUpFirst || replicator.HeldBy(disk) >= committed ? disk : null;
    }
}
