using System.Collections.Immutable;

namespace ActorBroker.Downing;

/// <summary>One incarnation of a node: the address may come back, the number never does.</summary>
internal readonly record struct NodeIncarnation(string Address, int Uid)
{
    public override string ToString() => $"{Address}#{Uid}";
}

internal enum ProbeOutcome
{
    /// <summary>The machine says that nobody listens there: the process is gone.</summary>
    Refused,

    /// <summary>Somebody listens: it lives, is paused, or is just dying.</summary>
    Answered,

    /// <summary>Nothing came back: that says nothing about the process.</summary>
    Silent,
}

/// <summary>What the core wants done.</summary>
internal abstract record EvidenceEffect
{
    public sealed record Probe(NodeIncarnation Node) : EvidenceEffect;

    /// <summary>Tell this member that the node was found dead here.</summary>
    public sealed record Tell(NodeIncarnation Member, NodeIncarnation Dead) : EvidenceEffect;

    /// <summary>It was found dead here: for whoever in this process can act on that.</summary>
    public sealed record Report(NodeIncarnation Dead) : EvidenceEffect;

    /// <summary>A majority of members found it dead.</summary>
    public sealed record Down(NodeIncarnation Dead, int Witnesses, int Members) : EvidenceEffect;
}

/// <summary>
/// Finds out at once that a node's process has died, instead of waiting for its heartbeats to be missed. A connection that
/// broke, or another member's word, makes this node probe: where the machine refuses a connection to the node's port, its
/// process is dead. That is told to all other members; what a majority of members found is downed.
/// Invariants: one member alone never downs anybody (its own network may be what is broken); a probe that is answered, or not
/// answered at all, is no evidence; evidence is about one incarnation.
/// Left to others: the failure detector and the split brain resolver, for nodes that are paused or cut off.
/// </summary>
internal sealed class EvidenceCore(NodeIncarnation self)
{
    /// <summary>A witness's word counts for so long.</summary>
    public static readonly TimeSpan Stands = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan TellAgain = TimeSpan.FromMilliseconds(500);

    /// <summary>A dying process closes its connections before its listener: so somebody who answers is asked again.</summary>
    private static readonly ImmutableArray<TimeSpan> ProbePauses =
    [
        TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(200),
        TimeSpan.FromMilliseconds(400), TimeSpan.FromMilliseconds(800),
    ];

    private readonly Dictionary<NodeIncarnation, Case> _cases = [];
    private readonly HashSet<NodeIncarnation> _members = [self];

    /// <summary>In order; the driver performs and clears them.</summary>
    public List<EvidenceEffect> Effects { get; } = [];

    /// <summary>Something is being looked into: time matters.</summary>
    public bool IsBusy => _cases.Count > 0;

    /// <summary>Members that should live: joining or up.</summary>
    public void OnMember(NodeIncarnation node) => _members.Add(node);

    /// <summary>It is removed, or on its way out.</summary>
    public void OnGone(NodeIncarnation node)
    {
        _members.Remove(node);
        _cases.Remove(node);
    }

    /// <summary>A connection with that address broke, could not be made, or its heartbeats are missed.</summary>
    public void OnTrouble(string address, TimeSpan now)
    {
        foreach (var node in _members)
            if (node.Address == address && node != self)
                Open(node, now);
    }

    public void OnProbed(NodeIncarnation node, ProbeOutcome outcome, TimeSpan now)
    {
        if (!_cases.TryGetValue(node, out var @case)) return;
        @case.IsProbing = false;
        switch (outcome)
        {
            case ProbeOutcome.Refused:
                if (@case.TellAt is null) Effects.Add(new EvidenceEffect.Report(node));
                TellAll(node, @case, now);
                OnWitness(self, node, @case, now);
                break;
            case ProbeOutcome.Answered when @case.Attempts <= ProbePauses.Length:
                @case.ProbeAt = now + ProbePauses[@case.Attempts - 1];
                break;
            default:
                @case.ProbeAt = null;
                break;
        }
    }

    /// <summary>Another member says that it found the node dead.</summary>
    public void OnWitness(NodeIncarnation witness, NodeIncarnation dead, TimeSpan now)
    {
        if (!_members.Contains(witness) || !_members.Contains(dead) || dead == self) return;
        var @case = Open(dead, now);
        OnWitness(witness, dead, @case, now);
    }

    /// <summary>Often enough for the shortest pause between probes.</summary>
    public void OnTick(TimeSpan now)
    {
        foreach (var (node, @case) in _cases.ToArray())
        {
            if (@case.ProbeAt <= now) Probe(node, @case);
            if (@case.TellAt <= now) TellAll(node, @case, now);
            if (!@case.IsProbing && @case.ProbeAt is null && now - @case.OpenedAt > Stands) _cases.Remove(node);
        }
    }

    private Case Open(NodeIncarnation node, TimeSpan now)
    {
        if (_cases.TryGetValue(node, out var known))
        {
            // Asked in vain before: whoever reports it anew may have seen more. What witnesses said stands for as long as it does.
            if (known.IsProbing || known.ProbeAt is not null || known.TellAt is not null || now - known.OpenedAt <= ProbePauses[^1]) return known;
            known.Reopen(now);
            Probe(node, known);
            return known;
        }

        var opened = new Case(now);
        _cases.Add(node, opened);
        Probe(node, opened);
        return opened;
    }

    private void Probe(NodeIncarnation node, Case @case)
    {
        @case.ProbeAt = null;
        @case.IsProbing = true;
        @case.Attempts++;
        Effects.Add(new EvidenceEffect.Probe(node));
    }

    private void TellAll(NodeIncarnation dead, Case @case, TimeSpan now)
    {
        @case.TellAt = now + TellAgain < @case.OpenedAt + Stands ? now + TellAgain : null;
        foreach (var member in _members)
            if (member != self && member != dead)
                Effects.Add(new EvidenceEffect.Tell(member, dead));
    }

    private void OnWitness(NodeIncarnation witness, NodeIncarnation dead, Case @case, TimeSpan now)
    {
        @case.Witnesses[witness] = now;
        var witnesses = 0;
        foreach (var (member, at) in @case.Witnesses)
            if (_members.Contains(member) && now - at < Stands)
                witnesses++;
        if (@case.IsDowned || witnesses <= _members.Count / 2) return;
        @case.IsDowned = true;
        Effects.Add(new EvidenceEffect.Down(dead, witnesses, _members.Count));
    }

    private sealed class Case(TimeSpan openedAt)
    {
        public TimeSpan OpenedAt { get; private set; } = openedAt;

        public Dictionary<NodeIncarnation, TimeSpan> Witnesses { get; } = [];

        public int Attempts { get; set; }

        public bool IsProbing { get; set; }

        public TimeSpan? ProbeAt { get; set; }

        public TimeSpan? TellAt { get; set; }

        public bool IsDowned { get; set; }

        public void Reopen(TimeSpan now)
        {
            OpenedAt = now;
            Attempts = 0;
            IsDowned = false;
        }
    }
}
