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

    /// <summary>A majority holds everything up to <see cref="WriterEffect.Through"/>.</summary>
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
/// </summary>
internal sealed class QuorumWriterCore(ImmutableArray<BrokerId> voters)
{
    private readonly Dictionary<BrokerId, Granted> _grants = [];
    private readonly Dictionary<Member, EntryId> _matched = []; // agreed, and synced there
    private readonly List<QuorumEntry> _own = []; // of this epoch, not yet known to be held by every member
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

    /// <summary>Bids for an epoch above all it has met.</summary>
    public void Start(List<WriterEffect> effects)
    {
        Epoch = _highestSeen = new LeaderEpoch(Math.Max(_highestSeen.Value, Epoch.Value) + 1);
        Phase = WriterPhase.Bidding;
        _grants.Clear();
        _matched.Clear();
        _own.Clear();
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
        foreach (var voter in voters)
        {
            if (!_grants.ContainsKey(voter)) effects.Add(new WriterEffect(WriterEffectKind.Send) { To = voter, Request = new Bid(Epoch) });
        }

        foreach (var member in _members)
        {
            if (_matched.TryGetValue(member, out var matched)) SendBehind(member.Broker, matched, effects);
            else if (_grants.TryGetValue(member.Broker, out var grant) && grant.From == member) SendBehind(member.Broker, _log.Floor(grant.Last), effects);
            else SendBehind(member.Broker, _log.Last, effects); // Not heard of yet: it says what it holds.
        }
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
                if (!_grants.ContainsKey(reply.From.Broker)) Start(effects);
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
                if (!_matched.ContainsKey(mismatched.From)) SendBehind(mismatched.From.Broker, _log.Floor(mismatched.Floor), effects);
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
        if (!sound.IsEmpty && sound[0].Previous == from)
            effects.Add(new WriterEffect(WriterEffectKind.Send) { To = to, Request = new AppendEntries(Epoch, from, sound) });
    }

    private void OnGranted(Granted granted, List<WriterEffect> effects)
    {
        _grants[granted.From.Broker] = granted;
        if (Phase == WriterPhase.Bidding) TryAdopt(effects);
        else if (_members.Contains(granted.From)) SendBehind(granted.From.Broker, _log.Floor(granted.Last), effects);
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
        effects.Add(new WriterEffect(WriterEffectKind.Read) { Source = _source, To = BrokerId.None, Through = best.Last.Sequence });
    }

    /// <summary>The adopted log's index, as read from <see cref="WriterEffect.Source"/> by a Read for nobody.</summary>
    public void OnAdopted(LogIndexState index, List<WriterEffect> effects)
    {
        if (Phase != WriterPhase.Starting || _ready != 0) return;
        if (index.Last != _adopting)
        {
            // Somebody else's writer got to the source first; it holds a higher epoch.
            Start(effects);
            return;
        }

        _log = index;
        effects.Add(new WriterEffect(WriterEffectKind.EncodeMembers) { Members = _members });
    }

    private void OnAppended(Appended appended, List<WriterEffect> effects)
    {
        if (!_log.Contains(appended.Through)) return;
        if (!_matched.TryGetValue(appended.From, out var before) || before.Sequence < appended.Through.Sequence)
            _matched[appended.From] = appended.Through;
        else
            return; // A late duplicate.
        Advance(effects);
        if (appended.Through.Sequence < _log.End && before.Sequence == 0) SendBehind(appended.From.Broker, appended.Through, effects);
        else if (appended.Through.Epoch != Epoch) SendBehind(appended.From.Broker, appended.Through, effects);
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

        effects.Add(new WriterEffect(WriterEffectKind.Committed) { Through = through });
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
        SendBehind(newcomer.Broker, EntryId.Zero, effects);
        TryAdmit(effects);
    }

    private void Add(ImmutableArray<QuorumEntry> entries, List<WriterEffect> effects)
    {
        var previous = _log.Last;
        foreach (var entry in entries)
        {
            _log.Apply(entry);
            _own.Add(entry);
        }

        foreach (var member in _members)
        {
            if (_matched.TryGetValue(member, out var matched) && matched.Epoch == Epoch)
            {
                // Keeping up: what it lacks before this is on its way.
                effects.Add(new WriterEffect(WriterEffectKind.Send) { To = member.Broker, Request = new AppendEntries(Epoch, previous, entries) });
            }
            else if (_grants.TryGetValue(member.Broker, out var grant) && grant.From == member)
            {
                SendBehind(member.Broker, _matched.TryGetValue(member, out matched) ? matched : _log.Floor(grant.Last), effects);
            }
        }
    }

    private void SendBehind(BrokerId to, EntryId previous, List<WriterEffect> effects)
    {
        if (_ready == 0) return;
        var first = _own.FindIndex(entry => entry.Previous == previous);
        if (first >= 0 || previous == _log.Last)
        {
            ImmutableArray<QuorumEntry> entries = first >= 0 ? [.. _own.Skip(first)] : [];
            effects.Add(new WriterEffect(WriterEffectKind.Send) { To = to, Request = new AppendEntries(Epoch, previous, entries) });
            return;
        }

        effects.Add(new WriterEffect(WriterEffectKind.Read)
        {
            Source = _source,
            To = to,
            From = previous,
            Through = _own.Count > 0 ? _own[0].Previous.Sequence : _log.End,
        });
    }

    /// <summary>What every member holds need not be kept: a newcomer reads it from the source.</summary>
    private void Trim()
    {
        var everywhere = _members.Min(member => _matched.TryGetValue(member, out var id) ? id.Sequence : 0);
        _own.RemoveAll(entry => entry.Id.Sequence <= everywhere && entry.Id.Sequence < _log.End);
    }
}
