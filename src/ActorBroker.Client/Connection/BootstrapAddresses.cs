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

    /// <summary>Every form under which a broker may advertise itself, for all entries in order. The entries are valid.</summary>
    public static IReadOnlyList<NodeAddress> Expand(ImmutableArray<string> addresses)
    {
        var expanded = new List<NodeAddress>();
        foreach (var text in addresses)
        {
            if (text == Local)
            {
                expanded.Add(NodeAddress.Local);
                continue;
            }

            foreach (var candidate in BrokerAddress.Parse(text).Candidates())
                expanded.Add(new NodeAddress(candidate.System, candidate.Host, candidate.Port ?? BrokerAddress.DefaultPort));
        }

        return expanded;
    }
}
