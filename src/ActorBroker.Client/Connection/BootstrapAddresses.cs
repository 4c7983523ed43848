using System.Collections.Immutable;
using ActorBroker.Messaging;

namespace ActorBroker.Client;

/// <summary>Reads <c>bootstrap.servers</c>.</summary>
internal static class BootstrapAddresses
{
    /// <summary>A broker in the client's own ActorSystem.</summary>
    public const string Local = "local";

    /// <summary>What is wrong with an entry, or null.</summary>
    public static string? FaultOf(string address) =>
        address == Local || BrokerAddress.TryParse(address, out _, out var error) ? null : error;

    /// <summary>For each entry, in order, every form under which the broker may know itself. The entries are valid.</summary>
    public static IReadOnlyList<BootstrapEntry> Expand(ImmutableArray<string> addresses)
    {
        var expanded = new List<BootstrapEntry>();
        foreach (var text in addresses)
            expanded.Add(new BootstrapEntry(text == Local ? [NodeAddress.Local] : Candidates(text)));
        return expanded;
    }

    private static IReadOnlyList<NodeAddress> Candidates(string text)
    {
        var candidates = new List<NodeAddress>();
        foreach (var candidate in BrokerAddress.Parse(text).Candidates())
            candidates.Add(new NodeAddress(candidate.System, candidate.Host, candidate.Port ?? BrokerAddress.DefaultPort));
        return candidates;
    }
}
