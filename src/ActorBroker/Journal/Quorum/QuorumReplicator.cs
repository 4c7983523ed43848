using System.Collections.Immutable;
using ActorBroker.Log;

namespace ActorBroker.Journal.Quorum;

/// <summary>What a writer knows of one node's disk, to which it sends the log.</summary>
/// <param name="disk">The one that is expected there, or that answered; default while nothing is known.</param>
internal sealed class Follower(BrokerId broker, DirectoryId disk)
{
    public Member Member { get; } = new(broker, disk);

    /// <summary>It has answered this writer.</summary>
    public bool IsHeard { get; set; }

    /// <summary>Where its log ended when it granted.</summary>
    public EntryId? Claimed { get; set; }

    /// <summary>Agreed, and synced there.</summary>
    public EntryId? Matched { get; set; }

    /// <summary>The end of what is under way to it, or was; -1 before the first request.</summary>
    public long Sent { get; set; } = -1;

    /// <summary>Ticks since it last took or held what it was sent.</summary>
    public int Silent { get; set; }

    public long LogStart { get; set; }
}

/// <summary>
/// The writer's log and the disks that it is copied to, whether they count or not. Each has one request under way, or a
/// stream of them while it keeps up; what stays unanswered is sent again.
/// </summary>
internal sealed class QuorumReplicator(Member self)
{
    /// <summary>Batches that go into one request, unless a single one is larger.</summary>
    public const int MaxRequestBytes = 256 * 1024;

    /// <summary>Committed entries that stay in memory for followers that lack them; older ones are read from a log.</summary>
    private const int MaxKeptBytes = 4 * 1024 * 1024;

    /// <summary>Ticks without an answer until it is sent again.</summary>
    private const int SilentTicks = 2;

    private readonly SortedDictionary<BrokerId, Follower> _followers = [];
    private readonly List<QuorumEntry> _own = []; // of this epoch, the last of the log without gaps
    private long _ownBytes;
    private BrokerId _source; // whose log was adopted

    public LogIndexState Log { get; private set; } = new();

    public LeaderEpoch Epoch { get; private set; } = LeaderEpoch.None;

    /// <summary>Everything below is deleted, and was committed.</summary>
    public long LogStart { get; private set; }

    public IReadOnlyCollection<Follower> Followers => _followers.Values;

    public void Begin(LeaderEpoch epoch, BrokerId source, LogIndexState log, long logStart)
    {
        (Epoch, _source, Log, LogStart) = (epoch, source, log, logStart);
        _followers.Clear();
        _own.Clear();
        _ownBytes = 0;
    }

    /// <summary>From now on exactly these get the log.</summary>
    public void Follow(IEnumerable<Member> members)
    {
        var wanted = members.ToDictionary(member => member.Broker);
        foreach (var gone in _followers.Keys.Where(broker => !wanted.ContainsKey(broker)).ToArray())
            _followers.Remove(gone);
        foreach (var member in wanted.Values)
        {
            if (!_followers.ContainsKey(member.Broker)) _followers.Add(member.Broker, new Follower(member.Broker, member.Disk));
        }
    }

    public Follower? Find(BrokerId broker) => _followers.GetValueOrDefault(broker);

    /// <summary>How far this disk's log is known to equal the writer's.</summary>
    public long HeldBy(Member member) => Find(member.Broker) is { Matched: { } matched } follower && follower.Member == member ? matched.Sequence : 0;

    public long LogStartOf(Member member) => Find(member.Broker) is { } follower && follower.Member == member ? follower.LogStart : 0;

    /// <summary>The node whose log was adopted has not answered for so many ticks.</summary>
    public bool IsSourceSilent(int ticks) => Find(_source) is not { } source || source.Silent >= ticks;

    /// <summary>Of late. An idle follower is asked every few ticks only.</summary>
    public bool IsAnswering(Member member) => Find(member.Broker) is { IsHeard: true, Silent: <= SilentTicks } follower && follower.Member == member;

    public void OnGranted(Granted granted)
    {
        LogStart = Math.Max(LogStart, granted.LogStart);
        if (Hear(granted.From) is { Matched: null } follower) follower.Claimed = granted.Last;
    }

    public void OnAppended(Appended appended, List<WriterEffect> effects)
    {
        if (Hear(appended.From) is not { } follower) return;
        follower.Silent = 0;
        follower.LogStart = Math.Max(follower.LogStart, appended.LogStart);
        var through = appended.Through;
        if (!Log.Contains(through) || through.Sequence <= (follower.Matched?.Sequence ?? -1)) return; // A late duplicate.
        follower.Matched = through;
        if (through.Sequence < Log.End && through.Sequence >= follower.Sent) SendBehind(follower, through, effects);
    }

    public void OnMismatched(Mismatched mismatched, List<WriterEffect> effects)
    {
        if (Hear(mismatched.From) is not { } follower) return;
        // What comes behind a lost request is refused too: the tick sends it again from where the follower agreed. Unless
        // that is deleted there by now.
        if (follower.Matched is { } matched && mismatched.Floor.Sequence <= matched.Sequence) return;
        follower.Claimed = mismatched.Floor;
        SendFromClaim(follower, effects);
    }

    public void OnTick(List<WriterEffect> effects)
    {
        foreach (var follower in _followers.Values)
        {
            if (++follower.Silent >= SilentTicks) SendAgain(follower, effects);
        }
    }

    /// <summary>Entries that follow the log's last.</summary>
    public void Add(ImmutableArray<QuorumEntry> entries, List<WriterEffect> effects)
    {
        var previous = Log.Last;
        foreach (var entry in entries)
        {
            Log.Apply(entry);
            _own.Add(entry);
            _ownBytes += entry.Batch.Length;
        }

        foreach (var follower in _followers.Values)
        {
            // Keeping up, or first asked for: otherwise what it lacks before this is on its way, and the answer brings the rest.
            if (follower.Matched is not null && follower.Sent == previous.Sequence && follower.Silent <= SilentTicks) SendBehind(follower, previous, effects);
            else if (follower.Sent < 0) SendAgain(follower, effects);
        }
    }

    /// <summary>To all that it is not sent to: those that are new.</summary>
    public void Probe(List<WriterEffect> effects)
    {
        foreach (var follower in _followers.Values)
        {
            if (follower.Sent < 0) SendAgain(follower, effects);
        }
    }

    /// <summary>Entries that were read for a follower that lacks them.</summary>
    public void OnRead(BrokerId to, EntryId from, ImmutableArray<QuorumEntry> entries, List<WriterEffect> effects)
    {
        // The source may hold more or less by now; only what this writer adopted may go out under its epoch.
        var sound = entries.TakeWhile(entry => Log.Contains(entry.Id)).ToImmutableArray();
        // Where the logs part, the one's entry may end within an entry of the other: then this begins before it.
        if (sound.IsEmpty || sound[0].Previous.Sequence > from.Sequence) return;
        if (Find(to) is { } follower) Append(follower, sound[0].Previous, sound, effects);
    }

    /// <summary>What a follower lacks is deleted where it was to be read: that log begins here.</summary>
    public void OnBehindStart(BrokerId to, EntryId start, ImmutableArray<Member> members, List<WriterEffect> effects)
    {
        if (Find(to) is not { } follower) return;
        if (start.Sequence < Log.Base.Sequence) SendBase(follower, Log.Base, Log.MembersAt(Log.Base.Sequence), effects);
        else SendBase(follower, start, members, effects);
    }

    /// <summary>Deletes, as soon as the followers hear of it. All up to here is committed.</summary>
    public void DeleteTo(long sequence, List<WriterEffect> effects)
    {
        if (sequence <= LogStart) return;
        LogStart = sequence;
        foreach (var follower in _followers.Values)
        {
            // Beside what is under way, of which it takes no account.
            if (follower.Matched is { } matched) effects.Add(Request(follower, matched, []));
        }
    }

    /// <summary>What every member holds need not be kept, nor much of what a majority holds: it is read when it is asked for.</summary>
    public void Forget(long committed)
    {
        var everywhere = Log.Members.Min(HeldBy);
        var count = 0;
        while (count < _own.Count && _own[count].Id is var id && id.Sequence < Log.End
            && (id.Sequence <= everywhere || (id.Sequence <= committed && _ownBytes > MaxKeptBytes)))
            _ownBytes -= _own[count++].Batch.Length;
        _own.RemoveRange(0, count);
    }

    /// <summary>Null if it gets nothing from this writer. Another disk than before: what is known is not of that one.</summary>
    private Follower? Hear(Member from)
    {
        if (!_followers.TryGetValue(from.Broker, out var follower)) return null;
        if (follower.Member != from) _followers[from.Broker] = follower = new Follower(from.Broker, from.Disk);
        follower.IsHeard = true;
        return follower;
    }

    private void SendAgain(Follower to, List<WriterEffect> effects)
    {
        if (to.Matched is { } matched) SendBehind(to, matched, effects);
        else if (to.Claimed is not null) SendFromClaim(to, effects);
        else SendBehind(to, Log.Last, effects); // Not heard of yet: it says what it holds.
    }

    private void SendFromClaim(Follower to, List<WriterEffect> effects)
    {
        if (Log.Floor(to.Claimed!.Value) is { } floor) SendBehind(to, floor, effects);
        else SendBase(to, Log.Base, Log.MembersAt(Log.Base.Sequence), effects);
    }

    private void SendBehind(Follower to, EntryId previous, List<WriterEffect> effects)
    {
        if (previous == Log.Last)
        {
            Append(to, previous, [], effects);
            return;
        }

        if (IndexInOwn(previous) is var first and >= 0)
        {
            Append(to, previous, FromOwn(first), effects);
            return;
        }

        to.Sent = previous.Sequence;
        effects.Add(new WriterEffect(WriterEffectKind.Read)
        {
            Source = SourceBehind(previous),
            To = to.Member.Broker,
            From = previous,
            Through = _own.Count > 0 ? _own[0].Previous.Sequence : Log.End,
        });
    }

    /// <summary>Of the entry that follows this one; -1 if it is not kept.</summary>
    private int IndexInOwn(EntryId previous)
    {
        var (low, high) = (0, _own.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = _own[middle].Previous.Sequence.CompareTo(previous.Sequence);
            if (order == 0) return _own[middle].Previous == previous ? middle : -1;
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        return -1;
    }

    private ImmutableArray<QuorumEntry> FromOwn(int first)
    {
        var (end, bytes) = (first, 0L);
        while (end < _own.Count && (end == first || bytes + _own[end].Batch.Length <= MaxRequestBytes))
            bytes += _own[end++].Batch.Length;
        return [.. _own[first..end]];
    }

    private void Append(Follower to, EntryId previous, ImmutableArray<QuorumEntry> entries, List<WriterEffect> effects)
    {
        to.Sent = entries.IsEmpty ? previous.Sequence : entries[^1].Id.Sequence;
        effects.Add(Request(to, previous, entries));
    }

    private WriterEffect Request(Follower to, EntryId previous, ImmutableArray<QuorumEntry> entries) =>
        new(WriterEffectKind.Send) { To = to.Member.Broker, Request = new AppendEntries(Epoch, previous, entries, LogStart) };

    private void SendBase(Follower to, EntryId start, ImmutableArray<Member> members, List<WriterEffect> effects)
    {
        to.Sent = start.Sequence;
        effects.Add(new WriterEffect(WriterEffectKind.Send) { To = to.Member.Broker, Request = new Rebase(Epoch, start, members) });
    }

    /// <summary>
    /// Whose log goes on behind this entry as the writer's does: at first only the one that was adopted, later any that
    /// reaches beyond it, best the writer's own or one that answers.
    /// </summary>
    private BrokerId SourceBehind(EntryId entry)
    {
        Follower? best = null;
        foreach (var follower in _followers.Values)
        {
            if (follower.Matched is not { } matched || matched.Sequence <= entry.Sequence) continue;
            if (follower.Member == self) return self.Broker;
            if (best is null || follower.Silent < best.Silent) best = follower;
        }

        return best?.Member.Broker ?? _source;
    }
}
