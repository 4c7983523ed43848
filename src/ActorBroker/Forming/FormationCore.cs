using System.Collections.Immutable;
using ActorBroker.Log;
using static ActorBroker.Forming.FormationProtocol;

namespace ActorBroker.Forming;

/// <summary>What the core wants done.</summary>
internal abstract record FormationEffect
{
    public sealed record Send(int Contact, Hail Hail) : FormationEffect;

    /// <summary>Join the Akka cluster of that contact.</summary>
    public sealed record Join(int Contact) : FormationEffect;

    /// <summary>Become the first member of a new Akka cluster.</summary>
    public sealed record Form : FormationEffect;

    /// <summary>There are two clusters, and this node's is the one to give way: start the ActorSystem anew.</summary>
    public sealed record GiveWay(string Reason) : FormationEffect;

    /// <summary>It found its cluster, and may not be part of it.</summary>
    public sealed record Refuse(string Reason) : FormationEffect;

    /// <summary>For the person who looks after the node.</summary>
    public sealed record Warn(string Text) : FormationEffect;
}

/// <summary>Whom a node asks for its cluster.</summary>
/// <param name="Voter">Null: a seed of unknown number.</param>
/// <param name="Name">For people.</param>
internal sealed record FormationContact(BrokerId? Voter, string Name);

/// <param name="Self">This node.</param>
/// <param name="Voters">Of the controller's quorum; only they form a cluster.</param>
/// <param name="Contacts">All others to ask; the voters other than this node first among them.</param>
/// <param name="NewFormation">Names the cluster that this node forms, if it does.</param>
internal sealed record FormationSetup(BrokerId Self, ImmutableArray<BrokerId> Voters, ImmutableArray<FormationContact> Contacts, Guid NewFormation);

/// <summary>
/// Finds this node's cluster, or makes it: every node asks its contacts, again and again, whether they are in a cluster, and
/// joins one that is. Where none is, the lowest voter that can be reached forms one, with grants of a majority of voters.
/// <code>
/// Asking  --a contact is in a cluster--------------> Joining --up--> Member
/// Asking  --lowest of a majority, granted by one---> Joining (itself) --up--> Member
/// Joining --nobody says it is in a cluster any more-> Asking
/// </code>
/// Invariants: a voter grants one candidate at a time, and a candidate forms only while its grants are younger than
/// <see cref="GrantValid"/>, which ends long before a voter grants anybody else (<see cref="GrantHeld"/>); a restarted voter,
/// which has forgotten what it granted, grants nothing until such grants are void. Voters that are silent are waited for
/// (<see cref="Patience"/>): one of them may be in a cluster. So two clusters take a cut link; then the weaker one gives way
/// once they hear of each other. One cluster can split too, and then its parts refuse each other for good: so a member that has
/// no controller gives way when its part has no majority of voters for long. What is acknowledged never hangs on this: the quorum's journal decides.
/// Left to others: sending, joining, and what membership is (Akka.Cluster).
/// </summary>
internal sealed class FormationCore
{
    /// <summary>A candidate may act on a grant for so long after asking for it.</summary>
    public static readonly TimeSpan GrantValid = TimeSpan.FromMilliseconds(500);

    /// <summary>A voter keeps its word for so long after giving it, unless the candidate gave up.</summary>
    public static readonly TimeSpan GrantHeld = TimeSpan.FromSeconds(2);

    /// <summary>Silent voters are waited for so long after this node's start, if the others are a majority.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>What a contact said counts for so long.</summary>
    public static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan JoinAgain = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AskAsMember = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SplitStands = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan PowerlessStands = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FirstNotice = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LaterNotices = TimeSpan.FromSeconds(30);

    private readonly FormationSetup _setup;
    private readonly Contact[] _contacts;
    private readonly Dictionary<long, TimeSpan> _askedAt = [];
    private readonly TimeSpan _started;
    private readonly bool _isVoter;
    private readonly HashSet<string> _noted = new(StringComparer.Ordinal);
    private Phase _phase = Phase.Asking;
    private ClusterId? _cluster;

    // What this node tells: set once it forms a cluster, or is up in another's.
    private Guid? _formation;
    private Guid? _target;
    private int _strength;
    private long _round;
    private long? _candidateSince;
    private BrokerId? _grantedTo;
    private long _grantedRound;
    private TimeSpan _grantedUntil;
    private TimeSpan _joinedAt;
    private TimeSpan _askedAsMember;
    private TimeSpan _noticeAt;
    private TimeSpan? _splitSince;
    private bool _isLed = true;
    private TimeSpan? _powerlessSince;
    private int _lastJoined = -1;

    /// <param name="cluster">Of the data folder; null while that belongs to none.</param>
    public FormationCore(FormationSetup setup, ClusterId? cluster, TimeSpan now)
    {
        _setup = setup;
        _cluster = cluster;
        _started = now;
        _noticeAt = now + FirstNotice;
        _isVoter = setup.Voters.Contains(setup.Self);
        _contacts = [.. setup.Contacts.Select(contact => new Contact(contact))];
    }

    private enum Phase
    {
        Asking,
        Joining,
        Member,
    }

    /// <summary>In order; the driver performs and clears them.</summary>
    public List<FormationEffect> Effects { get; } = [];

    public bool IsMember => _phase == Phase.Member;

    private int Majority => _setup.Voters.Length / 2 + 1;

    private bool IsCandidate => _candidateSince is not null;

    private Standing Me => new(_setup.Self.Value, _cluster?.Value, _formation, _strength);

    /// <summary>About ten times a second until this node is a member; then about once.</summary>
    public void OnTick(TimeSpan now)
    {
        if (_phase == Phase.Member)
        {
            LookForPowerlessness(now);
            // Only to notice another cluster: to everybody, since who is a member here may be told otherwise there.
            if (now - _askedAsMember < AskAsMember) return;
            _askedAsMember = now;
            HailAll(now);
            return;
        }

        Decide(now);
        HailAll(now);
        NoticeWaiting(now);
    }

    public HailAnswer OnHail(Hail hail, TimeSpan now)
    {
        var index = Array.FindIndex(_contacts, contact => contact.Setup.Voter?.Value == hail.From.Node);
        if (index >= 0) Hear(index, hail.From, now);
        var granted = hail.AsksGrant && TryGrant(hail, now);
        if (!hail.AsksGrant && _grantedTo?.Value == hail.From.Node && hail.Round > _grantedRound) _grantedTo = null; // It gave up.
        return new HailAnswer(Me, hail.Contact, hail.Round, granted);
    }

    public void OnAnswer(HailAnswer answer, TimeSpan now)
    {
        if (answer.Contact < 0 || answer.Contact >= _contacts.Length) return;
        var contact = _contacts[answer.Contact];
        if (contact.Setup.Voter is { } voter && voter.Value != answer.From.Node)
        {
            NoteOnce($"{contact.Setup.Name} is configured as node {voter}, but calls itself node {answer.From.Node}: it is not counted. Correct the list of voters.");
            return;
        }

        if (answer.From.Node == _setup.Self.Value)
        {
            NoteOnce($"{contact.Setup.Name} calls itself node {_setup.Self}, as this node does: give one of them another --id.");
            return;
        }

        Hear(answer.Contact, answer.From, now);
        if (answer.Granted && _candidateSince <= answer.Round && _askedAt.TryGetValue(answer.Round, out var asked)) contact.GrantedFrom = asked;
        if (_phase != Phase.Member) Decide(now);
        else LookForSplit(now);
    }

    /// <summary>This node is an Akka cluster's member now.</summary>
    public void OnUp()
    {
        _phase = Phase.Member;
        _formation ??= _target;
        _candidateSince = null;
        _grantedTo = null;
    }

    /// <summary>Voters among the members.</summary>
    public void OnStrength(int voters) => _strength = voters;

    /// <summary>Whether this node, which has heard from a controller before, hears from one now.</summary>
    public void OnController(bool isHeard) => _isLed = isHeard;

    /// <summary>The data folder belongs to that cluster from now on.</summary>
    public void OnAccepted(ClusterId cluster) => _cluster = cluster;

    private void Hear(int index, Standing standing, TimeSpan now)
    {
        var contact = _contacts[index];
        if (_cluster is { } mine && standing.ClusterId is { } theirs && theirs != mine.Value)
        {
            contact.HeardAt = null;
            var difference = $"{contact.Setup.Name} belongs to cluster {theirs}, this node's data to cluster {mine}";
            if (standing.Formation is not null && _phase != Phase.Member)
                Effects.Add(new FormationEffect.Refuse($"{difference}: start this node with the contact points of its own cluster, or with an empty data folder."));
            else
                NoteOnce($"{difference}: it is not counted.");
            return;
        }

        contact.HeardAt = now;
        contact.Standing = standing;
    }

    private void Decide(TimeSpan now)
    {
        if (_phase == Phase.Joining && (_formation is not null || now - _joinedAt < JoinAgain)) return;
        if (NextInCluster(now) is { } there)
        {
            _phase = Phase.Joining;
            _candidateSince = null;
            _joinedAt = now;
            _lastJoined = there;
            _target = _contacts[there].Standing!.Formation;
            Effects.Add(new FormationEffect.Join(there));
            return;
        }

        _phase = Phase.Asking;
        if (_isVoter) Lead(now);
    }

    /// <summary>One after the other, should the last one not have let this node in.</summary>
    private int? NextInCluster(TimeSpan now)
    {
        for (var step = 1; step <= _contacts.Length; step++)
        {
            var index = (_lastJoined + step) % _contacts.Length;
            if (IsFresh(_contacts[index], now) && _contacts[index].Standing!.Formation is not null) return index;
        }

        return null;
    }

    private void Lead(TimeSpan now)
    {
        if (!MayLead(now))
        {
            if (IsCandidate && _grantedTo == _setup.Self) _grantedTo = null;
            _candidateSince = null;
            return;
        }

        if (!IsCandidate)
        {
            _candidateSince = _round + 1;
            foreach (var contact in _contacts) contact.GrantedFrom = null;
        }

        (_grantedTo, _grantedUntil) = (_setup.Self, now + GrantHeld);
        var grants = 1;
        foreach (var contact in _contacts)
            if (contact.Setup.Voter is not null && now - contact.GrantedFrom < GrantValid)
                grants++;
        if (grants < Majority) return;
        _phase = Phase.Joining;
        _lastJoined = -1;
        _formation = _setup.NewFormation;
        _candidateSince = null;
        Effects.Add(new FormationEffect.Form());
    }

    private bool MayLead(TimeSpan now)
    {
        if (_setup.Voters.Length == 1) return Array.TrueForAll(_contacts, contact => IsFresh(contact, now)) || now - _started >= Patience;
        if (now - _started < GrantValid || IsPromisedTo(other: _setup.Self, now)) return false;
        var reachable = 1;
        foreach (var contact in _contacts)
        {
            if (contact.Setup.Voter is not { } voter || !IsFresh(contact, now)) continue;
            if (voter < _setup.Self) return false;
            reachable++;
        }

        return reachable >= Majority && (reachable == _setup.Voters.Length || now - _started >= Patience);
    }

    private bool TryGrant(Hail hail, TimeSpan now)
    {
        var candidate = new BrokerId(hail.From.Node);
        if (!_isVoter || !_setup.Voters.Contains(candidate) || _phase != Phase.Asking || now - _started < GrantValid) return false;
        if (IsPromisedTo(candidate, now) || NextInCluster(now) is not null) return false;
        (_grantedTo, _grantedRound, _grantedUntil) = (candidate, hail.Round, now + GrantHeld);
        return true;
    }

    /// <summary>Somebody other than <paramref name="other"/> has this voter's word.</summary>
    private bool IsPromisedTo(BrokerId other, TimeSpan now) => _grantedTo is { } holder && holder != other && now < _grantedUntil;

    private static bool IsFresh(Contact contact, TimeSpan now) => now - contact.HeardAt < Fresh;

    private void HailAll(TimeSpan now)
    {
        _round++;
        _askedAt[_round] = now;
        _askedAt.Remove(_round - 100); // By then no answer counts.
        for (var i = 0; i < _contacts.Length; i++)
            Effects.Add(new FormationEffect.Send(i, new Hail(Me, i, _round, IsCandidate && _contacts[i].Setup.Voter is not null)));
    }

    /// <summary>Both sides come to the same answer: the one with fewer voters gives way, of equal ones the one with the higher id.</summary>
    private void LookForSplit(TimeSpan now)
    {
        var stronger = Array.Find(_contacts, contact =>
            IsFresh(contact, now) && contact.Standing!.Formation is { } theirs && _formation is { } ours && theirs != ours
            && (contact.Standing.Strength, ours).CompareTo((_strength, theirs)) > 0);
        if (stronger is null)
        {
            _splitSince = null;
            return;
        }

        _splitSince ??= now;
        if (now - _splitSince < SplitStands) return;
        _splitSince = null;
        Effects.Add(new FormationEffect.GiveWay($"{stronger.Setup.Name} is in another Akka cluster with {stronger.Standing!.Strength} voters; this node's has {_strength}"));
    }

    /// <summary>Voters that have left for good are no reason while there is a controller: the quorum may be smaller than it was at this node's start.</summary>
    private void LookForPowerlessness(TimeSpan now)
    {
        if (_isLed || _strength >= Majority || _setup.Voters.IsEmpty)
        {
            _powerlessSince = null;
            return;
        }

        _powerlessSince ??= now;
        if (now - _powerlessSince < PowerlessStands) return;
        _powerlessSince = null;
        Effects.Add(new FormationEffect.GiveWay($"There is no controller, and {_strength} of {_setup.Voters.Length} voters are members here"));
    }

    private void NoticeWaiting(TimeSpan now)
    {
        if (now < _noticeAt) return;
        _noticeAt = now + LaterNotices;
        var silent = string.Join(", ", _contacts.Where(contact => !IsFresh(contact, now)).Select(contact => contact.Setup.Name));
        var voters = _contacts.Count(contact => contact.Setup.Voter is not null && IsFresh(contact, now)) + (_isVoter ? 1 : 0);
        var why = _phase == Phase.Joining ? $"waiting to be let in by {(_lastJoined < 0 ? "itself" : _contacts[_lastJoined].Setup.Name)}"
            : _isVoter ? $"{voters} of {_setup.Voters.Length} voters are there, {Majority} are needed"
            : "none of its contacts is in a cluster";
        Effects.Add(new FormationEffect.Warn($"This node is in no cluster yet: {why}. No answer from: {(silent.Length == 0 ? "nobody" : silent)}."));
    }

    private void NoteOnce(string text)
    {
        if (_noted.Add(text)) Effects.Add(new FormationEffect.Warn(text));
    }

    private sealed class Contact(FormationContact setup)
    {
        public FormationContact Setup { get; } = setup;

        public TimeSpan? HeardAt { get; set; }

        public Standing? Standing { get; set; }

        /// <summary>When the grant that it gave last was asked for.</summary>
        public TimeSpan? GrantedFrom { get; set; }
    }
}
