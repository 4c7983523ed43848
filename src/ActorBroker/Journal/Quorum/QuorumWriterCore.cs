using System.Collections.Immutable;
using ActorBroker.Log;
using static ActorBroker.Journal.JournalProtocol;

namespace ActorBroker.Journal.Quorum;

/// <summary>
/// The writer of a quorum: Raft's rules with one candidate at a time, which need not be alone and need not be a voter.
/// <code>
/// Idle, Lost   --Start--> Bidding
/// Bidding      --a majority of the members that a granted log names granted, none of them with a better log--> Starting (adopts that log)
///              --all initial voters granted, nobody has anything--> Starting (forms the quorum)
/// Starting     --a majority holds this epoch's first entry--> Leading
///              --no progress--> Bidding
/// any          --a higher epoch--> Lost
/// any          --Resign--> Idle
/// </code>
/// Only entries of its own epoch commit, by a majority of the members that the newest entry names; what stands before them
/// commits with them. What is sent to whom is <see cref="QuorumReplicator"/>'s, who counts next <see cref="VoterChangePlanner"/>'s.
/// </summary>
/// <param name="self">The writer's own disk, which gets a copy of the log even when it does not count: recovery reads that.</param>
/// <param name="bidder">No other writer has the same, not even the same node's next one.</param>
internal sealed class QuorumWriterCore(Member self, long bidder, ImmutableArray<BrokerId> initialVoters, QuorumRules rules)
{
    /// <summary>Refusals in a row that are answered by a higher bid at once. Two writers would outbid each other for ever.</summary>
    private const int PromptBids = 3;

    /// <summary>Ticks without progress until a start looks for another log, when the node whose log it adopts does not answer.</summary>
    private const int SourceTicks = 4;

    /// <summary>The same when that one answers: the others may only be slow.</summary>
    private const int StartTicks = 12;

    private readonly SortedSet<BrokerId> _known = [.. initialVoters, self.Broker];
    private readonly Dictionary<BrokerId, Granted> _grants = [];
    private readonly QuorumReplicator _replicator = new(self);
    private VoterChangePlanner? _changes;
    private LeaderEpoch _highestSeen = LeaderEpoch.None;
    private bool _isFormed; // somebody says so
    private bool _isRefused;
    private int _bids;
    private int _startTicks;
    private Granted? _best; // whose log is adopted
    private long _ready; // end of this epoch's first entry
    private bool _isEncoding;

    public WriterPhase Phase { get; private set; }

    public LeaderEpoch Epoch { get; private set; } = LeaderEpoch.None;

    public long Committed { get; private set; }

    /// <summary>The id that the next entry follows.</summary>
    public EntryId Last => _replicator.Log.Last;

    /// <summary>Who counts. Default before there is a log.</summary>
    public ImmutableArray<Member> Members => _replicator.Log.Members;

    public long LogStart => _replicator.LogStart;

    public IReadOnlyCollection<Follower> Followers => _replicator.Followers;

    /// <summary>Nobody else has a part in it.</summary>
    public bool IsAlone => Phase == WriterPhase.Leading && _replicator.Followers.Count == 1 && Members.Length == 1 && Members[0] == self;

    /// <summary>This node's disk holds all that is committed.</summary>
    public bool IsHeldHere => Phase == WriterPhase.Leading && HeldBy(self) >= Committed;

    private VoterChangePlanner Changes => _changes ??= new VoterChangePlanner(_replicator, rules);

    /// <summary>Enough of those who count have answered of late.</summary>
    public bool HasMajority => Members.Count(_replicator.IsAnswering) > Members.Length / 2;

    public long HeldBy(Member member) => _replicator.HeldBy(member);

    /// <summary>Bids for an epoch above all it has met.</summary>
    public void Start(List<WriterEffect> effects)
    {
        _bids = 0;
        BecomeBidding(effects);
    }

    /// <summary>Somebody knows a quorum with these voters: so there is nothing to form, and they can say more.</summary>
    public void OnVotersKnown(IEnumerable<BrokerId> voters, List<WriterEffect> effects)
    {
        _isFormed = true;
        foreach (var voter in voters)
        {
            if (_known.Add(voter) && Phase == WriterPhase.Bidding) SendBid(voter, effects);
        }
    }

    /// <summary>Time has passed: whatever has no answer is asked again.</summary>
    public void OnTick(List<WriterEffect> effects)
    {
        if (Phase == WriterPhase.Bidding)
        {
            if (_isRefused) Start(effects);
            else SendBids(effects);
        }
        else if (Phase == WriterPhase.Starting && ++_startTicks >= (_ready == 0 || _replicator.IsSourceSilent(SourceTicks) ? SourceTicks : StartTicks)) Start(effects);
        else if (Phase == WriterPhase.Starting && _ready == 0) RequestIndex(effects);
        else if (Phase is WriterPhase.Starting or WriterPhase.Leading) _replicator.OnTick(effects);
    }

    public void OnReply(VoterReply reply, List<WriterEffect> effects)
    {
        if (reply is Refused refused && refused.Promised > _highestSeen) _highestSeen = refused.Promised;
        if (reply.Epoch != Epoch || Phase is WriterPhase.Idle or WriterPhase.Lost) return;
        switch (reply)
        {
            case Refused when Phase == WriterPhase.Bidding:
                OnBidRefused(reply.From.Broker, effects);
                return;
            case Refused { Promised: var promised } when promised > Epoch:
                Phase = WriterPhase.Lost;
                effects.Add(new WriterEffect(WriterEffectKind.Lost) { Epoch = promised });
                return;
            case Granted granted when Phase == WriterPhase.Bidding:
                OnGranted(granted, effects);
                return;
            case Granted granted when _ready == 0:
                _grants[granted.From.Broker] = granted;
                return;
        }

        if (_ready == 0) return;
        if (reply is Granted late) _replicator.OnGranted(late);
        else if (reply is Appended appended) _replicator.OnAppended(appended, effects);
        else if (reply is Mismatched mismatched) _replicator.OnMismatched(mismatched, effects);
        if (reply is Appended) OnHeld(effects);
        TryChange(effects);
    }

    /// <summary>The adopted log's index, as read from <see cref="WriterEffect.Source"/> by a Read for nobody.</summary>
    public void OnAdopted(LogIndexState index, List<WriterEffect> effects)
    {
        if (Phase != WriterPhase.Starting || _ready != 0 || _isEncoding) return;
        if (index.Last != _best!.Last)
        {
            // Somebody else's writer got to the source first; it holds a higher epoch.
            Start(effects);
            return;
        }

        Adopt(index, effects);
    }

    /// <summary>Entries of a log for a follower that lacks them.</summary>
    public void OnRead(BrokerId to, EntryId from, ImmutableArray<QuorumEntry> entries, List<WriterEffect> effects)
    {
        if (_ready == 0) return;
        _startTicks = 0;
        _replicator.OnRead(to, from, entries, effects);
    }

    /// <summary>What was to be read is deleted there: that log begins behind this entry.</summary>
    public void OnBehindStart(BrokerId to, EntryId start, ImmutableArray<Member> members, List<WriterEffect> effects)
    {
        if (_ready > 0) _replicator.OnBehindStart(to, start, members, effects);
    }

    /// <summary>The batch for <see cref="WriterEffectKind.EncodeMembers"/>, which takes one sequence number.</summary>
    public void OnMembersEncoded(LeaderEpoch epoch, ImmutableArray<Member> members, ReadOnlyMemory<byte> batch, List<WriterEffect> effects)
    {
        // Performing an effect before it may have ended what it was for.
        if (!_isEncoding || epoch != Epoch || Phase is not (WriterPhase.Starting or WriterPhase.Leading)) return;
        _isEncoding = false;
        var log = _replicator.Log;
        var entry = new QuorumEntry(log.Last, new EntryId(Epoch, log.End + 1), batch, members);
        if (_ready == 0) _ready = entry.Id.Sequence;
        else Changes.OnAppended(entry.Id.Sequence);
        _replicator.Follow(Audience(members));
        if (_best is not null)
        {
            foreach (var grant in _grants.Values) _replicator.OnGranted(grant);
            _best = null;
        }

        _replicator.Add([entry], effects);
    }

    /// <summary>Entries that follow <see cref="Last"/> one after the other. Only while leading.</summary>
    public void Propose(ImmutableArray<QuorumEntry> entries, List<WriterEffect> effects)
    {
        Invariant.Check(Phase == WriterPhase.Leading, "a proposal by a writer that does not lead");
        _replicator.Add(entries, effects);
    }

    /// <summary>Deletes what is committed up to here: <see cref="WriterEffectKind.Deleted"/> says when. Only while leading.</summary>
    public void DeleteTo(long sequence, List<WriterEffect> effects)
    {
        Invariant.Check(Phase == WriterPhase.Leading && sequence <= Committed, "a deletion of what is not committed");
        _replicator.DeleteTo(sequence, effects);
        TellDeleted(effects);
    }

    /// <summary>Null: <see cref="WriterEffectKind.MembersChanged"/> says when.</summary>
    public VoterRefusal? AskChange(VoterChange change, BrokerId broker, List<WriterEffect> effects)
    {
        if (Phase != WriterPhase.Leading) return VoterRefusal.NotLeading;
        if (Changes.Ask(change, broker, Committed) is { } refusal) return refusal;
        _replicator.Follow(Audience(Members));
        _replicator.Probe(effects);
        TryChange(effects);
        return null;
    }

    /// <summary>False when the change that was asked for is in the log already.</summary>
    public bool TryAbandonChange()
    {
        if (!Changes.TryAbandon()) return false;
        if (Phase == WriterPhase.Leading) _replicator.Follow(Audience(Members));
        return true;
    }

    /// <summary>Takes no more part, until the next <see cref="Start"/>.</summary>
    public void Resign()
    {
        Phase = WriterPhase.Idle;
        Changes.Clear();
    }

    private void BecomeBidding(List<WriterEffect> effects)
    {
        _bids++;
        Epoch = _highestSeen = new LeaderEpoch(Math.Max(_highestSeen.Value, Epoch.Value) + 1);
        Phase = WriterPhase.Bidding;
        _grants.Clear();
        Changes.Clear();
        (_best, _ready, Committed, _startTicks, _isRefused, _isEncoding) = (null, 0, 0, 0, false, false);
        SendBids(effects);
    }

    private void SendBids(List<WriterEffect> effects)
    {
        foreach (var voter in _known)
        {
            if (!_grants.ContainsKey(voter)) SendBid(voter, effects);
        }
    }

    private void SendBid(BrokerId voter, List<WriterEffect> effects) =>
        effects.Add(new WriterEffect(WriterEffectKind.Send) { To = voter, Request = new Bid(Epoch, bidder) });

    private void OnBidRefused(BrokerId by, List<WriterEffect> effects)
    {
        // Not lost: it has led nothing yet. It asks again above what it met. (From one that granted this is only the answer
        // to a second copy of the bid.)
        if (_grants.ContainsKey(by)) return;
        if (_bids < PromptBids) BecomeBidding(effects);
        else _isRefused = true;
    }

    private void OnGranted(Granted granted, List<WriterEffect> effects)
    {
        _grants[granted.From.Broker] = granted;
        if (!granted.Members.IsDefault) OnVotersKnown(granted.Members.Select(member => member.Broker), effects);
        _best = ChooseLog();
        if (_best is not null)
        {
            Phase = WriterPhase.Starting;
            RequestIndex(effects);
        }
        else if (!_isFormed && initialVoters.Length > 0 && initialVoters.All(_grants.ContainsKey))
        {
            _best = granted;
            Phase = WriterPhase.Starting;
            Adopt(new LogIndexState(), effects);
        }
    }

    /// <summary>The best granted log that a majority of its own members grants, not counting those that hold a better one.</summary>
    private Granted? ChooseLog()
    {
        Granted? best = null;
        foreach (var log in _grants.Values)
        {
            if (log.Members.IsDefault || best?.Last.CompareTo(log.Last) > 0 || (best?.Last == log.Last && log.From != self)) continue;
            var votes = 0;
            foreach (var vote in _grants.Values)
            {
                var counts = rules.TellsDisksApart ? log.Members.Contains(vote.From) : log.Members.Any(member => member.Broker == vote.From.Broker);
                if (counts && vote.Last.CompareTo(log.Last) <= 0) votes++;
            }

            if (votes > log.Members.Length / 2) best = log;
        }

        return best;
    }

    private void RequestIndex(List<WriterEffect> effects) =>
        effects.Add(new WriterEffect(WriterEffectKind.Read) { Source = _best!.From.Broker, To = BrokerId.None, Through = _best.Last.Sequence });

    private void Adopt(LogIndexState log, List<WriterEffect> effects)
    {
        _replicator.Begin(Epoch, _best!.From.Broker, log, logStart: log.Base.Sequence);
        var members = log.End > 0 ? log.Members : [.. initialVoters.Select(voter => _grants[voter].From)];
        if (!rules.BeginsEpochs && log.End > 0)
        {
            _ready = log.End;
            _replicator.Follow(Audience(members));
            foreach (var grant in _grants.Values) _replicator.OnGranted(grant);
            _replicator.Probe(effects);
            return;
        }

        _isEncoding = true;
        effects.Add(new WriterEffect(WriterEffectKind.EncodeMembers) { Epoch = Epoch, Members = members });
    }

    /// <summary>Who gets the log: those that count, one that is to count, and this node.</summary>
    private IEnumerable<Member> Audience(ImmutableArray<Member> members)
    {
        var audience = members.ToList();
        if (Changes.Learner is { } learner) audience.Add(Member.Vacant(learner));
        if (audience.TrueForAll(member => member.Broker != self.Broker)) audience.Add(self);
        return audience;
    }

    private void OnHeld(List<WriterEffect> effects)
    {
        _startTicks = 0;
        var through = HeldByMajority(HeldBy);
        if (through >= _ready && through > Committed) Commit(through, effects);
        if (Phase == WriterPhase.Leading) TellDeleted(effects);
    }

    private void TellDeleted(List<WriterEffect> effects) =>
        effects.Add(new WriterEffect(WriterEffectKind.Deleted) { Through = HeldByMajority(_replicator.LogStartOf) });

    private long HeldByMajority(Func<Member, long> held)
    {
        var members = Members;
        return members.Select(held).OrderDescending().ElementAt(members.Length / 2);
    }

    private void Commit(long through, List<WriterEffect> effects)
    {
        Committed = through;
        if (Phase == WriterPhase.Starting) Phase = WriterPhase.Leading;
        effects.Add(new WriterEffect(WriterEffectKind.Committed) { Through = through, Epoch = _replicator.Log.EpochAt(through) });
        if (Changes.TryComplete(through)) effects.Add(new WriterEffect(WriterEffectKind.MembersChanged) { Members = Members });
        _replicator.Forget(through);
    }

    private void TryChange(List<WriterEffect> effects)
    {
        if (Phase != WriterPhase.Leading || _isEncoding) return;
        var next = Changes.Next(Committed);
        if (next.IsDefault) return;
        _isEncoding = true;
        effects.Add(new WriterEffect(WriterEffectKind.EncodeMembers) { Epoch = Epoch, Members = next });
    }
}
