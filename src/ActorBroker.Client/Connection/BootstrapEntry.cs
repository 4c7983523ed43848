namespace ActorBroker.Client;

/// <summary>
/// One configured address. Where it has several forms (localhost) the node is first asked by which of them it knows
/// itself: a connection under a wrong one is useless, and gets in the way of the right one.
/// </summary>
internal sealed class BootstrapEntry(IReadOnlyList<NodeAddress> candidates)
{
    private int _tries;

    public IReadOnlyList<NodeAddress> Candidates { get; } = candidates;

    public bool IsAmbiguous => Candidates.Count > 1;

    /// <summary>When an ambiguous one is asked again.</summary>
    public TimeSpan NextTry { get; private set; }

    public void BecomeAsked(TimeSpan now, Backoff backoff) => NextTry = now + backoff.Delay(++_tries);

    /// <summary>The form to use: the node's own, or, where it doesn't say, each in turn. Null if it is none of them.</summary>
    public NodeAddress? Choose(NodeAddress? name)
    {
        if (name is null)
            return Candidates[_tries % Candidates.Count];
        foreach (var candidate in Candidates)
        {
            if (candidate == name)
                return candidate;
        }

        return null;
    }
}
