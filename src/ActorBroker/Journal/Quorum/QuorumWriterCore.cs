using System.Collections.Immutable;
using ActorBroker.Log;

namespace ActorBroker.Journal.Quorum;

internal enum WriterPhase
{
    Idle,

    /// <summary>Asking voters for their promise.</summary>
    Bidding,

    /// <summary>Bringing a majority to the best log and to this epoch's first entry.</summary>
    Starting,

    /// <summary>A majority holds this epoch's first entry: everything before it is committed, and entries may be proposed.</summary>
    Leading,

    /// <summary>A higher epoch was met.</summary>
    Lost,
}

internal enum WriterEffectKind
{
    /// <summary>Send <see cref="WriterEffect.Request"/> to <see cref="WriterEffect.To"/>.</summary>
    Send,

    /// <summary>
    /// Read entries from <see cref="WriterEffect.Source"/>'s log behind <see cref="WriterEffect.From"/>, at most up to
    /// <see cref="WriterEffect.Through"/>, and pass them to <see cref="QuorumWriterCore.OnRead"/> for the voter <see cref="WriterEffect.To"/>.
    /// </summary>
    Read,

    /// <summary>Make the batch of an entry that says who counts: <see cref="QuorumWriterCore.OnMembersEncoded"/>.</summary>
    EncodeMembers,

    /// <summary>A majority holds everything up to <see cref="WriterEffect.Through"/>, an entry of <see cref="WriterEffect.Epoch"/>.</summary>
    Committed,

    /// <summary>The epoch has begun.</summary>
    Ready,

    /// <summary>Somebody holds a higher epoch, <see cref="WriterEffect.Epoch"/>.</summary>
    Lost,
}

internal readonly record struct WriterEffect(WriterEffectKind Kind)
{
    public BrokerId To { get; init; }

    public BrokerId Source { get; init; }

    public VoterRequest? Request { get; init; }

    public EntryId From { get; init; }

    public long Through { get; init; }

    public LeaderEpoch Epoch { get; init; }

    public ImmutableArray<Member> Members { get; init; }
}

/// <summary>
/// The writer of a quorum: Raft's rules with one candidate at a time, which need not be alone.
/// <code>
/// Idle, Lost   --Start--> Bidding
/// Bidding      --a majority of the best log's members granted--> Starting (adopts that log)
///              --all configured voters granted, all blank--> Starting (forms the quorum)
/// Starting     --a majority holds this epoch's first entry--> Leading
/// any          --a higher epoch--> Lost
/// </code>
/// Only entries of its own epoch commit, by a majority of the members; what stands before them commits with them. A disk
/// that the log does not name is admitted by an entry that is committed without it, and gets nothing before that.
/// <para>A member has one request under way, or a stream of them once it keeps up; what stays unanswered from one tick to
/// the next is sent again.</para>
/// </summary>
/// <param name="startsEpochs">False only in the test that shows what this epoch's first entry is for.</param>
internal sealed class QuorumWriterCore(ImmutableArray<BrokerId> voters, bool startsEpochs = true)
{
    /// <summary>Batches that go into one request, unless a single one is larger.</summary>
    public const int MaxRequestBytes = 256 * 1024;

    /// <summary>Committed entries that stay in memory for members that lack them; older ones are read from a voter.</summary>
    private const int MaxKeptBytes = 4 * 1024 * 1024;

    /// <summary>Refusals in a row that are answered by a higher bid at once. Two writers would outbid each other for ever.</summary>
    private const int PromptBids = 3;

    private readonly Dictionary<BrokerId, Granted> _grants = [];
    private readonly Dictionary<Member, EntryId> _matched = []; // agreed, and synced there
    private readonly Dictionary<Member, long> _sent = []; // the end of what is under way to it, or was
    private readonly HashSet<Member> _quiet = []; // have not answered since the last tick
    private readonly List<QuorumEntry> _own = []; // of this epoch, the last of the log without gaps
    private long _ownBytes;
    private int _bids;
    private LogIndexState _log = new();
    private ImmutableArray<Member> _members = []; // who counts
    private BrokerId _source;
    private EntryId _adopting; // where the source's log ended when it granted
    private LeaderEpoch _highestSeen = LeaderEpoch.None;
    private long _ready; // end of this epoch's first entry
    private Member? _admitting;
    private long _admission; // end of the entry that admits it; 0 until it is encoded

    public WriterPhase Phase { get; private set; }

    public LeaderEpoch Epoch { get; private set; } = LeaderEpoch.None;

    public long Committed { get; private set; }

    /// <summary>The id that the next entry follows.</summary>
    public EntryId Last => _log.Last;

    /// <summary>How far this member's log is known to equal the writer's; 0 of one that does not count.</summary>
    public long HeldBy(Member member) => _members.Contains(member) && _matched.TryGetValue(member, out var id) ? id.Sequence : 0;

    /// <summary>Bids for an epoch above all it has met.</summary>
    public void Start(List<WriterEffect> effects)
    {
        _bids = 0;
        BecomeBidding(effects);
    }

    private void BecomeBidding(List<WriterEffect> effects)
    {
        _bids++;
        Epoch = _highestSeen = new LeaderEpoch(Math.Max(_highestSeen.Value, Epoch.Value) + 1);
        Phase = WriterPhase.Bidding;
        _grants.Clear();
        _matched.Clear();
        _sent.Clear();
        _quiet.Clear();
        _own.Clear();
        _ownBytes = 0;
        (_admitting, _admission, _ready, Committed) = (null, 0, 0, 0);
        foreach (var voter in voters)
            effects.Add(new WriterEffect(WriterEffectKind.Send) { To = voter, Request = new Bid(Epoch) });
    }

    /// <summary>Time has passed: whatever has no answer is asked again.</summary>
    public void OnTick(List<WriterEffect> effects)
    {
        // A grant may have been lost on its way, and the same epoch is not granted twice.
        if (Phase == WriterPhase.Bidding) Start(effects);
        if (Phase is not (WriterPhase.Starting or WriterPhase.Leading)) return;
        if (_ready == 0)
        {
            // Until this epoch's first entry is made there is nothing else to ask for.
            RequestIndex(effects);
            return;
        }

        foreach (var voter in voters)
        {
            if (!_grants.ContainsKey(voter)) effects.Add(new WriterEffect(WriterEffectKind.Send) { To = voter, Request = new Bid(Epoch) });
        }

        foreach (var member in _members)
        {
            if (!_quiet.Add(member)) SendAgain(member, effects);
        }
    }

    private void SendAgain(Member member, List<WriterEffect> effects)
    {
        if (_matched.TryGetValue(member, out var matched)) SendBehind(member, matched, effects);
        else if (_grants.TryGetValue(member.Broker, out var grant) && grant.From == member) SendBehind(member, _log.Floor(grant.Last), effects);
        else SendBehind(member, _log.Last, effects); // Not heard of yet: it says what it holds.
    }

    public void OnReply(VoterReply reply, List<WriterEffect> effects)
    {
        if (reply is Refused refused && refused.Promised > _highestSeen) _highestSeen = refused.Promised;
        if (reply.Epoch != Epoch || Phase is WriterPhase.Idle or WriterPhase.Lost) return;
        switch (reply)
        {
            case Refused when Phase == WriterPhase.Bidding:
                // Not lost: it has led nothing yet. It asks again above what it met. (From one that granted this is only
                // the answer to a second copy of the bid.)
                if (!_grants.ContainsKey(reply.From.Broker) && _bids < PromptBids) BecomeBidding(effects);
                break;
            case Refused { Promised: var promised } when promised > Epoch:
                Phase = WriterPhase.Lost;
                effects.Add(new WriterEffect(WriterEffectKind.Lost) { Epoch = promised });
                break;
            case Granted granted:
                OnGranted(granted, effects);
                break;
            case Appended appended when _members.Contains(appended.From):
                OnAppended(appended, effects);
                break;
            case Mismatched mismatched when _members.Contains(mismatched.From):
                // What comes behind a lost request is refused too: the tick sends it again from where the voter agreed.
                if (!_matched.ContainsKey(mismatched.From)) SendBehind(mismatched.From, _log.Floor(mismatched.Floor), effects);
                break;
            case Mismatched { IsBlank: true } newcomer:
                _grants[newcomer.From.Broker] = new Granted(newcomer.From, Epoch, EntryId.Zero, default);
                TryAdmit(effects);
                break;
        }
    }

    /// <summary>The batch for <see cref="WriterEffectKind.EncodeMembers"/>, which takes one sequence number.</summary>
    public void OnMembersEncoded(ImmutableArray<Member> members, ReadOnlyMemory<byte> batch, List<WriterEffect> effects)
    {
        var entry = new QuorumEntry(_log.Last, new EntryId(Epoch, _log.End + 1), batch, members);
        if (_ready == 0) _ready = entry.Id.Sequence;
        else _admission = entry.Id.Sequence;
        Add([entry], effects);
    }

    /// <summary>Entries that follow <see cref="Last"/> one after the other. Only while leading.</summary>
    public void Propose(ImmutableArray<QuorumEntry> entries, List<WriterEffect> effects)
    {
        Invariant.Check(Phase == WriterPhase.Leading, "a proposal by a writer that does not lead");
        Add(entries, effects);
    }

    /// <summary>Entries of the source's log for a voter that lacks them.</summary>
    public void OnRead(BrokerId to, EntryId from, ImmutableArray<QuorumEntry> entries, List<WriterEffect> effects)
    {
        if (entries.IsEmpty || Phase is not (WriterPhase.Starting or WriterPhase.Leading)) return;
        // The source may hold more or less by now; only what this writer adopted may go out under its epoch.
        var sound = entries.TakeWhile(entry => _log.Contains(entry.Id)).ToImmutableArray();
        // Where the logs part, the one's entry may end within an entry of the other: then this begins before it.
        if (sound.IsEmpty || sound[0].Previous.Sequence > from.Sequence) return;
        foreach (var member in _members)
        {
            if (member.Broker == to) Append(member, sound[0].Previous, sound, effects);
        }
    }

    private void OnGranted(Granted granted, List<WriterEffect> effects)
    {
        _grants[granted.From.Broker] = granted;
        if (Phase == WriterPhase.Bidding) TryAdopt(effects);
        else if (_members.Contains(granted.From)) SendBehind(granted.From, _log.Floor(granted.Last), effects);
        TryAdmit(effects);
    }

    private void TryAdopt(List<WriterEffect> effects)
    {
        var best = _grants.Values.MaxBy(grant => grant.Last)!;
        if (best.Members.IsDefault)
        {
            // All that answered are blank: a first formation, if nobody at all can say otherwise.
            if (_grants.Count < voters.Length) return;
            _members = [.. _grants.Values.Select(grant => grant.From)];
        }
        else
        {
            var members = best.Members;
            if (_grants.Values.Count(grant => members.Contains(grant.From)) <= members.Length / 2) return;
            _members = members;
        }

        Phase = WriterPhase.Starting;
        (_source, _adopting) = (best.From.Broker, best.Last);
        RequestIndex(effects);
    }

    private void RequestIndex(List<WriterEffect> effects) =>
        effects.Add(new WriterEffect(WriterEffectKind.Read) { Source = _source, To = BrokerId.None, Through = _adopting.Sequence });

    /// <summary>The adopted log's index, as read from <see cref="WriterEffect.Source"/> by a Read for nobody.</summary>
    public void OnAdopted(LogIndexState index, List<WriterEffect> effects)
    {
        if (Phase != WriterPhase.Starting || _ready != 0) return;
        if (index.Last != _adopting)
        {
            // Somebody else's writer got to the source first; it holds a higher epoch.
            BecomeBidding(effects);
            return;
        }

        _log = index;
        if (!startsEpochs && index.End > 0)
        {
            _ready = index.End;
            foreach (var member in _members)
                SendAgain(member, effects);
            return;
        }

        effects.Add(new WriterEffect(WriterEffectKind.EncodeMembers) { Members = _members });
    }

    private void OnAppended(Appended appended, List<WriterEffect> effects)
    {
        _quiet.Remove(appended.From);
        if (!_log.Contains(appended.Through)) return;
        if (_matched.TryGetValue(appended.From, out var before) && before.Sequence >= appended.Through.Sequence) return; // A late duplicate.
        _matched[appended.From] = appended.Through;
        Advance(effects);
        if (appended.Through.Sequence < _log.End && appended.Through.Sequence >= _sent.GetValueOrDefault(appended.From))
            SendBehind(appended.From, appended.Through, effects);
        TryAdmit(effects);
    }

    private void Advance(List<WriterEffect> effects)
    {
        var majority = (_members.Length / 2) + 1;
        // One that is being admitted does not count: it is not among the members yet, while the one it replaces has gone.
        var held = _members
            .Where(member => _admitting is not { } newcomer || newcomer.Broker != member.Broker)
            .Select(member => _matched.TryGetValue(member, out var id) ? id.Sequence : 0)
            .OrderDescending()
            .ToArray();
        if (held.Length < majority) return;
        var through = held[majority - 1];
        if (_ready == 0 || through < _ready || through <= Committed) return;
        Committed = through;
        if (Phase == WriterPhase.Starting)
        {
            Phase = WriterPhase.Leading;
            effects.Add(new WriterEffect(WriterEffectKind.Ready) { Through = through });
        }

        effects.Add(new WriterEffect(WriterEffectKind.Committed) { Through = through, Epoch = _log.EpochAt(through) });
        if (_admission > 0 && through >= _admission) CompleteAdmission(effects);
        Trim();
    }

    /// <summary>A blank disk in the place of a member's: its broker's old disk is gone.</summary>
    private void TryAdmit(List<WriterEffect> effects)
    {
        if (Phase != WriterPhase.Leading || _admitting is not null) return;
        foreach (var grant in _grants.Values)
        {
            if (!grant.Members.IsDefault || _members.Contains(grant.From)) continue;
            _admitting = grant.From;
            ImmutableArray<Member> members = [.. _members.Where(m => m.Broker != grant.From.Broker), grant.From];
            effects.Add(new WriterEffect(WriterEffectKind.EncodeMembers) { Members = members });
            return;
        }
    }

    private void CompleteAdmission(List<WriterEffect> effects)
    {
        var newcomer = _admitting!.Value;
        _members = _log.Members;
        (_admitting, _admission) = (null, 0);
        SendBehind(newcomer, EntryId.Zero, effects);
        TryAdmit(effects);
    }

    private void Add(ImmutableArray<QuorumEntry> entries, List<WriterEffect> effects)
    {
        var previous = _log.Last;
        foreach (var entry in entries)
        {
            _log.Apply(entry);
            _own.Add(entry);
            _ownBytes += entry.Batch.Length;
        }

        foreach (var member in _members)
        {
            var sent = _sent.GetValueOrDefault(member, -1);
            // Keeping up, or first asked for: otherwise what it lacks before this is on its way, and the answer brings the rest.
            if (_matched.ContainsKey(member) && sent == previous.Sequence) SendBehind(member, previous, effects);
            else if (sent < 0 && _grants.TryGetValue(member.Broker, out var grant) && grant.From == member) SendBehind(member, _log.Floor(grant.Last), effects);
        }
    }

    private void SendBehind(Member to, EntryId previous, List<WriterEffect> effects)
    {
        if (_ready == 0) return;
        if (previous == _log.Last)
        {
            Append(to, previous, [], effects);
            return;
        }

        var first = _own.FindIndex(entry => entry.Previous == previous);
        if (first >= 0)
        {
            Append(to, previous, FromOwn(first), effects);
            return;
        }

        _sent[to] = previous.Sequence;
        effects.Add(new WriterEffect(WriterEffectKind.Read)
        {
            Source = SourceOf(previous),
            To = to.Broker,
            From = previous,
            Through = _own.Count > 0 ? _own[0].Previous.Sequence : _log.End,
        });
    }

    private ImmutableArray<QuorumEntry> FromOwn(int first)
    {
        var (end, bytes) = (first, 0L);
        while (end < _own.Count && (end == first || bytes + _own[end].Batch.Length <= MaxRequestBytes))
            bytes += _own[end++].Batch.Length;
        return [.. _own[first..end]];
    }

    private void Append(Member to, EntryId previous, ImmutableArray<QuorumEntry> entries, List<WriterEffect> effects)
    {
        _sent[to] = entries.IsEmpty ? previous.Sequence : entries[^1].Id.Sequence;
        effects.Add(new WriterEffect(WriterEffectKind.Send) { To = to.Broker, Request = new AppendEntries(Epoch, previous, entries) });
    }

    /// <summary>Whose log goes on behind this entry as the writer's does: the one known to reach furthest, at first the one that was adopted.</summary>
    private BrokerId SourceOf(EntryId from)
    {
        var (source, end) = (_source, from.Sequence);
        foreach (var (member, matched) in _matched)
        {
            if (matched.Sequence > end && _members.Contains(member)) (source, end) = (member.Broker, matched.Sequence);
        }

        return source;
    }

    /// <summary>What every member holds need not be kept, nor much of what a majority holds: it is read when it is asked for.</summary>
    private void Trim()
    {
        var everywhere = _members.Min(HeldBy);
        var count = 0;
        while (count < _own.Count && _own[count].Id is var id && id.Sequence < _log.End
            && (id.Sequence <= everywhere || (id.Sequence <= Committed && _ownBytes > MaxKeptBytes)))
            _ownBytes -= _own[count++].Batch.Length;
        _own.RemoveRange(0, count);
    }
}
