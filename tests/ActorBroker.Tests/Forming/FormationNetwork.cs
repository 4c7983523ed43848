using System.Collections.Immutable;
using ActorBroker.Forming;
using ActorBroker.Log;
using static ActorBroker.Forming.FormationProtocol;

namespace ActorBroker.Tests.Forming;

/// <summary>
/// Nodes that look for their cluster, in a simulated network: messages take time, get lost and overtake each other; nodes
/// crash and come back. Joining is simulated too: a join that reaches a node in a cluster lets the joiner in. The same
/// seed makes the same history.
/// </summary>
internal sealed class FormationNetwork
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    private readonly Random _random;
    private readonly PriorityQueue<Action, (TimeSpan At, int Order)> _queue = new();
    private readonly ImmutableArray<BrokerId> _voters;
    private readonly Node[] _nodes;
    private int _order;
    private int _ids;

    public FormationNetwork(int seed, int voters, int others = 0)
    {
        _random = new Random(seed);
        _voters = [.. Enumerable.Range(1, voters).Select(id => new BrokerId(id))];
        _nodes = [.. Enumerable.Range(1, voters + others).Select(id => new Node(id))];
    }

    public TimeSpan Now { get; private set; }

    public double LossRate { get; set; }

    public TimeSpan LongestDelay { get; set; } = TimeSpan.FromMilliseconds(40);

    /// <summary>From the first to the second nothing arrives.</summary>
    public HashSet<(int From, int To)> Cuts { get; } = [];

    public int Next(int below) => _random.Next(below);

    public IEnumerable<int> Alive => _nodes.Where(node => node.Core is not null).Select(node => node.Id);

    /// <summary>Nodes that are in no cluster, of those that run.</summary>
    public IEnumerable<int> Outside => _nodes.Where(node => node is { Core: not null, Cluster: null }).Select(node => node.Id);

    /// <summary>Clusters with a running member.</summary>
    public IEnumerable<Guid> Clusters => _nodes.Where(node => node is { Core: not null, Cluster: not null }).Select(node => node.Cluster!.Value).Distinct();

    /// <summary>Clusters that were ever formed, each by one node.</summary>
    public List<(TimeSpan At, int By, Guid Cluster)> Formed { get; } = [];

    public List<string> Warnings { get; } = [];

    public List<string> Refusals { get; } = [];

    public List<int> GaveWay { get; } = [];

    public Guid? ClusterOf(int id) => _nodes[id - 1].Cluster;

    public void Start(int id, string? clusterId = null)
    {
        var node = _nodes[id - 1];
        node.Run++;
        node.Cluster = null;
        node.Formation = new Guid(++_ids, 0, 0, new byte[8]);
        // Those that are no voters ask all voters.
        var contacts = _voters.Where(voter => voter.Value != id).ToImmutableArray();
        node.Contacts = [.. contacts.Select(voter => voter.Value)];
        node.Core = new FormationCore(
            new FormationSetup(new BrokerId(id), _voters, [.. contacts.Select(voter => new FormationContact(voter, $"node {voter}"))], node.Formation),
            clusterId is null ? null : new ClusterId(clusterId), Now);
        var run = node.Run;
        Schedule(TimeSpan.FromMilliseconds(_random.Next(100)), () => OnTick(node, run));
    }

    public void Crash(int id)
    {
        _nodes[id - 1].Core = null;
        _nodes[id - 1].Cluster = null;
    }

    public void RunUntil(TimeSpan until, Action? afterEach = null)
    {
        while (_queue.TryPeek(out _, out var due) && due.At <= until)
        {
            var step = _queue.Dequeue();
            Now = due.At;
            step();
            afterEach?.Invoke();
        }

        Now = until;
    }

    /// <summary>False when the deadline passed first.</summary>
    public bool RunUntil(Func<bool> reached, TimeSpan deadline)
    {
        while (!reached())
        {
            if (Now >= deadline) return false;
            RunUntil(Now + Tick);
        }

        return true;
    }

    private void OnTick(Node node, int run)
    {
        if (node.Core is null || node.Run != run) return;
        node.Core.OnStrength(_voters.Count(voter => _nodes[voter.Value - 1] is { Core: not null } peer && peer.Cluster == node.Cluster));
        node.Core.OnTick(Now);
        Perform(node);
        Schedule(Tick, () => OnTick(node, run));
    }

    private void Perform(Node node)
    {
        var effects = node.Core!.Effects.ToArray();
        node.Core.Effects.Clear();
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case FormationEffect.Send send:
                    Send(node, node.Contacts[send.Contact], to =>
                    {
                        var answer = to.Core!.OnHail(send.Hail, Now);
                        Send(to, node.Id, back => back.Core!.OnAnswer(answer, Now));
                    });
                    break;
                case FormationEffect.Join join:
                    Send(node, node.Contacts[join.Contact], host =>
                    {
                        if (host.Cluster is { } cluster) Send(host, node.Id, joiner => Up(joiner, cluster));
                    });
                    break;
                case FormationEffect.Form:
                    Formed.Add((Now, node.Id, node.Formation));
                    Up(node, node.Formation);
                    break;
                case FormationEffect.GiveWay:
                    GaveWay.Add(node.Id);
                    Start(node.Id);
                    return;
                case FormationEffect.Refuse refuse:
                    Refusals.Add($"{node.Id}: {refuse.Reason}");
                    Crash(node.Id);
                    return;
                case FormationEffect.Warn warn:
                    Warnings.Add($"{node.Id}: {warn.Text}");
                    break;
            }
        }
    }

    private static void Up(Node node, Guid cluster)
    {
        if (node.Cluster is not null) return;
        node.Cluster = cluster;
        node.Core!.OnUp();
    }

    private void Send(Node from, int to, Action<Node> deliver)
    {
        if (_random.NextDouble() < LossRate || Cuts.Contains((from.Id, to))) return;
        var target = _nodes[to - 1];
        Schedule(LongestDelay * _random.NextDouble(), () =>
        {
            if (target.Core is null) return;
            deliver(target);
            if (target.Core is not null) Perform(target);
        });
    }

    private void Schedule(TimeSpan delay, Action step) => _queue.Enqueue(step, (Now + delay, _order++));

    private sealed class Node(int id)
    {
        public int Id { get; } = id;

        public int Run { get; set; }

        public Guid Formation { get; set; }

        public Guid? Cluster { get; set; }

        public int[] Contacts { get; set; } = [];

        public FormationCore? Core { get; set; }
    }
}
