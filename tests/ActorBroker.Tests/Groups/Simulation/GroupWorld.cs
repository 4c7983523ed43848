using ActorBroker.Groups;
using ActorBroker.Log;

namespace ActorBroker.Tests.Groups.Simulation;

/// <summary>A rule that is taken out on purpose: the checker must notice.</summary>
internal enum BrokenGroupRule
{
    None,

    /// <summary>Commits of former generations are taken for commits of this one.</summary>
    OldGenerationsCount,

    /// <summary>Writes count as committed as soon as the leader has them.</summary>
    AnsweredBeforeCommitted,

    /// <summary>No timeout ever comes.</summary>
    TimeStandsStill,
}

internal sealed class GroupViolation(string what) : Exception(what);

/// <summary>
/// One partition of __consumer_offsets with its leaders, members that join, work, commit, crash and come back, and a network
/// that delays and loses; all from one seed, in simulated time. Checked after each step:
/// a partition has one owner in a generation; generations grow; an acknowledged write is never lost; offsets move back only
/// within a generation; a member that is not heard of is out in time; a coordinator knows exactly what the log says; and once
/// the faults end, the members that live share all partitions.
/// </summary>
internal sealed class GroupWorld
{
    public const int Partitions = 6;
    public const int SessionMs = 4_000;
    public const int RebalanceMs = 8_000;

    /// <summary>Twice the time between two looks.</summary>
    private const int SlackMs = 200;

    private readonly PriorityQueue<Action, (long At, long Order)> _events = new();
    private readonly List<SimulatedMember> _members = [];
    private readonly List<LogBatch> _log = [];
    private readonly Dictionary<(int Generation, string Partition), string> _owners = [];
    private readonly Dictionary<TopicPartition, (int Generation, long Offset)> _offsets = [];
    private long _order;
    private int _ids;
    private int _names;
    private int _granted;
    private int _checked;
    private bool _calm;

    public GroupWorld(int seed, BrokenGroupRule broken)
    {
        Random = new Random(seed);
        Broken = broken;
        Leader = new SimulatedCoordinator(this, []);
    }

    public sealed record LogBatch(List<GroupEvent> Events)
    {
        public bool IsCommitted { get; set; }

        public bool IsAcknowledged { get; set; }
    }

    public Random Random { get; }

    public BrokenGroupRule Broken { get; }

    public SimulatedCoordinator Leader { get; private set; }

    public long NowMs { get; private set; }

    public int FailOvers { get; private set; }

    public int Commits { get; private set; }

    public int Generations => _granted;

    public GroupOptions Options { get; } = GroupScript.Standard with
    {
        InitialRebalanceDelay = TimeSpan.FromMilliseconds(500),
        CommitTimeout = TimeSpan.FromSeconds(2),
    };

    public Guid NewId() => new(++_ids, 0, 0, new byte[8]);

    public void After(long ms, Action what) => _events.Enqueue(what, (NowMs + ms, ++_order));

    public bool Chance(double probability) => !_calm && Random.NextDouble() < probability;

    /// <summary>How long a message takes; null: it is lost.</summary>
    public long? Delay() => Chance(0.02) ? null : Chance(0.04) ? Random.Next(10_000) : Random.Next(1, 40);

    public void Run(int seconds)
    {
        for (var i = 0; i < 3; i++) AddMember(isStatic: i == 0);
        After(Random.Next(5_000), Nemesis);
        RunUntil(seconds * 1000L);
        _calm = true;
        RunUntil((seconds * 1000L) + 120_000);
        CheckAllIsShared();
    }

    public LogBatch Append(List<GroupEvent> events)
    {
        var batch = new LogBatch(events);
        _log.Add(batch);
        return batch;
    }

    /// <summary>The replicas have all up to this batch.</summary>
    public void Commit(LogBatch upTo)
    {
        foreach (var batch in _log.TakeWhile(batch => batch != upTo).Append(upTo)) batch.IsCommitted = true;
        for (; _checked < _log.Count && _log[_checked].IsCommitted; _checked++)
            foreach (var change in _log[_checked].Events) CheckCommitted(change);
    }

    /// <summary>A coordinator tells a member what it owns.</summary>
    public void OnGranted(string owner, int generation, string assignment)
    {
        if (generation < _granted && !_owners.Keys.Any(key => key.Generation == generation)) throw Violation($"generation {generation} begins after {_granted}");
        _granted = Math.Max(_granted, generation);
        foreach (var partition in assignment.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!_owners.TryAdd((generation, partition), owner) && _owners[(generation, partition)] != owner)
                throw Violation($"{owner} and {_owners[(generation, partition)]} own partition {partition} in generation {generation}");
        }
    }

    public GroupViolation Violation(string what) => new($"at {NowMs} ms: {what}");

    private void RunUntil(long endMs)
    {
        while (_events.TryPeek(out _, out var due) && due.At <= endMs)
        {
            var passed = due.At / 100 > NowMs / 100;
            NowMs = due.At;
            _events.Dequeue()();
            if (passed) CheckSilentMembers();
        }

        NowMs = endMs;
    }

    private void Nemesis()
    {
        if (_calm) return;
        var living = _members.Where(member => member.IsAlive).ToList();
        switch (Random.Next(6))
        {
            case 0:
                FailOver();
                break;
            case 1 when living.Count > 1:
                living[Random.Next(living.Count)].Crash();
                break;
            case 2 when living.Count > 2:
                living[Random.Next(living.Count)].Leave();
                break;
            case 3 when living.Find(member => member.InstanceId is not null) is { } member:
                member.Crash();
                After(Random.Next(3_000), () => Start(new SimulatedMember(this, member.InstanceId, $"n{++_names}")));
                break;
            default:
                if (living.Count < 6) AddMember(isStatic: Random.Next(3) == 0);
                break;
        }

        After(Random.Next(200, 8_000), Nemesis);
    }

    private void AddMember(bool isStatic) => Start(new SimulatedMember(this, isStatic ? $"static{_names}" : null, $"n{++_names}"));

    private void Start(SimulatedMember member)
    {
        _members.Add(member);
        member.Start();
    }

    /// <summary>Of what was not committed, the new leader has the beginning; the former one may not know for a while.</summary>
    private void FailOver()
    {
        FailOvers++;
        var kept = _log.FindIndex(batch => !batch.IsCommitted);
        if (kept >= 0)
        {
            kept = Random.Next(kept, _log.Count + 1);
            if (_log.Skip(kept).Any(batch => batch.IsAcknowledged)) throw Violation("an acknowledged write is lost");
            _log.RemoveRange(kept, _log.Count - kept);
        }

        var former = Leader;
        former.LosePartition();
        After(Random.Next(3_000), former.Resign);
        if (_log.Count > 0) Commit(_log[^1]);
        Leader = new SimulatedCoordinator(this, [.. _log.SelectMany(batch => batch.Events)]);
        After(Random.Next(500), Leader.Serve);
    }

    private void CheckCommitted(GroupEvent change)
    {
        if (change is not OffsetCommitted committed) return;
        Commits++;
        var generation = int.Parse(committed.Offset.Metadata, null);
        var offset = committed.Offset.Offset.Value;
        if (_offsets.TryGetValue(committed.Partition, out var last) && (generation < last.Generation || (generation > last.Generation && offset < last.Offset)))
            throw Violation($"{committed.Partition} moves from {last.Offset} of generation {last.Generation} to {offset} of generation {generation}");
        _offsets[committed.Partition] = (generation, offset);
    }

    private void CheckSilentMembers()
    {
        if (!Leader.IsServing) return;
        foreach (var id in Leader.Members())
        {
            var heard = Math.Max(Leader.HeardOf(id), Leader.ServingSinceMs);
            if (NowMs - heard > SessionMs + RebalanceMs + SlackMs) throw Violation($"{id} was last heard of at {heard} ms and is still a member");
        }
    }

    private void CheckAllIsShared()
    {
        if (_log.Count > 0 && Leader.IsServing) Leader.CheckKnows(_log.Where(batch => batch.IsCommitted).SelectMany(batch => batch.Events));
        var owned = _members.Where(member => member.IsAlive).SelectMany(member => member.Owned).Order().ToList();
        if (!owned.SequenceEqual(Enumerable.Range(0, Partitions)))
            throw Violation($"in the end {string.Join(",", owned)} are owned by {string.Join(", ", _members.Where(member => member.IsAlive).Select(member => $"{member}"))}");
    }
}
