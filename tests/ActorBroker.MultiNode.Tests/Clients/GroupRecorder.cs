using System.Collections.Concurrent;
using System.Diagnostics;
using ActorBroker.MultiNode.Tests.Histories;

namespace ActorBroker.MultiNode.Tests.Clients;

/// <summary>Takes down what the members of a group do, as it happens. Any thread.</summary>
internal sealed class GroupRecorder
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Dictionary<(string Member, int Partition), TimeSpan> _open = [];
    private readonly List<Turn> _turns = [];
    private readonly ConcurrentQueue<Taken> _taken = new();
    private readonly List<CommitSeen> _commits = [];
    private readonly ConcurrentDictionary<(int Partition, long Offset), byte> _distinct = new();
    private readonly ConcurrentQueue<string> _troubles = new();

    public IReadOnlyCollection<string> Troubles => _troubles;

    /// <summary>How many different records were given to anybody.</summary>
    public int Distinct => _distinct.Count;

    /// <summary>By member, how many partitions it reads.</summary>
    public IReadOnlyDictionary<string, int> Owned
    {
        get
        {
            lock (_turns) return _open.Keys.GroupBy(turn => turn.Member).ToDictionary(member => member.Key, member => member.Count());
        }
    }

    public void Began(string member, IEnumerable<int> partitions)
    {
        lock (_turns)
            foreach (var partition in partitions) _open.TryAdd((member, partition), _clock.Elapsed);
    }

    public void Ended(string member, IEnumerable<int> partitions, TurnEnd end)
    {
        lock (_turns)
            foreach (var partition in partitions)
                if (_open.Remove((member, partition), out var began)) _turns.Add(new Turn(member, partition, began, _clock.Elapsed, end));
    }

    public void Crashed(string member)
    {
        List<int> partitions;
        lock (_turns) partitions = [.. _open.Keys.Where(turn => turn.Member == member).Select(turn => turn.Partition)];
        Ended(member, partitions, TurnEnd.Crashed);
    }

    public void Took(string member, int partition, long offset)
    {
        _taken.Enqueue(new Taken(member, partition, offset));
        _distinct.TryAdd((partition, offset), 0);
    }

    public void Committed(IEnumerable<CommitSeen> commits)
    {
        lock (_turns) _commits.AddRange(commits);
    }

    public void Trouble(string what) => _troubles.Enqueue($"{_clock.Elapsed.TotalSeconds:0.000} s: {what}");

    public GroupHistory Build()
    {
        lock (_turns)
            return new GroupHistory([.. _turns, .. _open.Select(turn => new Turn(turn.Key.Member, turn.Key.Partition, turn.Value, null, TurnEnd.Open))], [.. _taken], [.. _commits]);
    }
}
