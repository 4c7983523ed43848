using System.Collections.Immutable;
using System.Globalization;
using ActorBroker.Log;
using ActorBroker.Messaging;

namespace ActorBroker.Forming;

/// <summary>Whom this node asks for its cluster.</summary>
/// <param name="Voters">By id; empty: this node is the only one.</param>
/// <param name="Seeds">Nodes of unknown number.</param>
internal sealed record ClusterContacts(ImmutableSortedDictionary<BrokerId, BrokerAddress> Voters, ImmutableArray<BrokerAddress> Seeds)
{
    public const string VotersKey = "controller.quorum.voters";
    public const string SeedsKey = "controller.quorum.bootstrap.servers";

    /// <summary>It is the first and only node of a cluster of its own.</summary>
    public bool IsAlone => Voters.IsEmpty && Seeds.IsEmpty;

    /// <param name="text"><c>ID@HOST:PORT</c>, separated by commas.</param>
    /// <param name="faults">All there are.</param>
    /// <param name="anyNumber">Also an even one.</param>
    public static ImmutableSortedDictionary<BrokerId, BrokerAddress> ParseVoters(string text, out List<string> faults, bool anyNumber = false)
    {
        faults = [];
        var voters = ImmutableSortedDictionary.CreateBuilder<BrokerId, BrokerAddress>();
        foreach (var part in Parts(text))
        {
            var at = part.IndexOf('@', StringComparison.Ordinal);
            if (at <= 0 || !int.TryParse(part.AsSpan(0, at), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                faults.Add($"'{part}' is no voter (ID@HOST:PORT): it must begin with the node's number and @");
            else if (!BrokerAddress.TryParse(part[(at + 1)..], out var address, out var error))
                faults.Add(error.TrimEnd('.'));
            else if (voters.Values.Contains(address))
                faults.Add($"{address} stands twice among the voters");
            else if (!voters.TryAdd(new BrokerId(id), address))
                faults.Add($"voter {id} stands twice");
        }

        if (!anyNumber && voters.Count > 0 && voters.Count % 2 == 0 && faults.Count == 0)
            faults.Add($"there are {voters.Count} voters: take an odd number, as one more than an odd number bears no more failures");
        return voters.ToImmutable();
    }

    /// <param name="text"><c>HOST:PORT</c>, separated by commas.</param>
    /// <param name="faults">All there are.</param>
    public static ImmutableArray<BrokerAddress> ParseSeeds(string text, out List<string> faults)
    {
        faults = [];
        var seeds = ImmutableArray.CreateBuilder<BrokerAddress>();
        foreach (var part in Parts(text))
        {
            if (BrokerAddress.TryParse(part, out var address, out var error)) seeds.Add(address);
            else faults.Add(error.TrimEnd('.'));
        }

        return seeds.ToImmutable();
    }

    private static string[] Parts(string text) => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
