using System.Globalization;
using System.Text.Json;
using ActorBroker.Cli.Output;
using ActorBroker.Client;
using Spectre.Console;

namespace ActorBroker.Cli.Commands;

/// <summary>Prints how a cluster stands: tables for people, or one JSON object.</summary>
internal static class ClusterStatusWriter
{
    /// <summary>More than one reads; JSON has them all.</summary>
    private const int MostShown = 20;

    public static void Write(ClusterStatus status, LineOutput output)
    {
        if (output.IsJson) output.Json(json => WriteJson(status, json));
        else WriteText(status, output);
    }

    private static void WriteText(ClusterStatus status, LineOutput output)
    {
        output.Text($"Cluster {status.Cluster.ClusterId}");
        output.Text(status.Quorum is { } quorum
            ? $"Controller: broker {quorum.Controller}, epoch {quorum.Epoch}"
            : $"Controller: NONE ({status.QuorumFault})");

        output.Text("Brokers");
        var brokers = Columns("  broker", "address", "rack", "epoch", "state");
        foreach (var broker in status.Cluster.Brokers)
            brokers.AddRow($"  {broker.Id}", $"{broker.Host}:{broker.Port}", Markup.Escape(broker.Rack ?? "-"), Number(broker.Epoch), State(broker));
        output.Table(brokers);
        if (status.Quorum is not null) WriteQuorum(status.Quorum, output);

        output.Text($"Partitions: {status.Partitions} in {status.Topics} topic(s)");
        WritePartitions("offline", status.Offline, output);
        WritePartitions("below min.insync.replicas", status.UnderMinIsr, output);
        WritePartitions("under-replicated", status.UnderReplicated, output);
        output.Text($"  being moved: {status.Reassignments.Count}");
    }

    private static void WriteQuorum(QuorumDescription quorum, LineOutput output)
    {
        output.Text($"Quorum: {quorum.Voters.Count} voter(s)");
        var end = End(quorum);
        var voters = Columns("  broker", "vote", "log end", "lag", "last heard of");
        foreach (var (member, votes) in Members(quorum))
        {
            voters.AddRow(
                $"  {member.Id}", votes ? "yes" : "no", Number(member.LogEndOffset), Lag(member, end) is { } lag ? Number(lag) : "?",
                member.LastHeard is { } heard ? heard.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture) : member.Id == quorum.Controller ? "-" : "never");
        }

        output.Table(voters);
    }

    private static void WritePartitions(string what, IReadOnlyList<TroubledPartition> partitions, LineOutput output)
    {
        output.Text($"  {what}: {partitions.Count}");
        foreach (var (id, standing) in partitions.Take(MostShown))
        {
            var leader = standing.Leader == Log.BrokerId.None ? "none" : $"{standing.Leader}";
            output.Text($"    {id}: leader {leader}, in sync {Ids(standing.InSync)} of {Ids(standing.Replicas)}, offline {Ids(standing.Offline)}");
        }

        if (partitions.Count > MostShown) output.Text($"    and {partitions.Count - MostShown} more");
    }

    private static void WriteJson(ClusterStatus status, Utf8JsonWriter json)
    {
        json.WriteString("cluster_id"u8, status.Cluster.ClusterId);
        if (status.Quorum is { } quorum)
        {
            json.WriteNumber("controller"u8, quorum.Controller.Value);
            json.WriteNumber("controller_epoch"u8, quorum.Epoch.Value);
        }
        else
        {
            json.WriteNull("controller"u8);
            json.WriteString("controller_fault"u8, status.QuorumFault);
        }

        json.WriteBoolean("serving"u8, status.IsServing);
        json.WriteStartArray("brokers"u8);
        foreach (var broker in status.Cluster.Brokers)
        {
            json.WriteStartObject();
            json.WriteNumber("broker"u8, broker.Id.Value);
            json.WriteString("host"u8, broker.Host);
            json.WriteNumber("port"u8, broker.Port);
            json.WriteString("rack"u8, broker.Rack);
            json.WriteNumber("epoch"u8, broker.Epoch);
            json.WriteBoolean("fenced"u8, broker.IsFenced);
            json.WriteBoolean("stopping"u8, broker.IsStopping);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("quorum"u8);
        if (status.Quorum is not null) WriteMembers(status.Quorum, json);
        json.WriteEndArray();
        json.WriteNumber("topics"u8, status.Topics);
        json.WriteNumber("partitions"u8, status.Partitions);
        WritePartitions("offline", status.Offline, json);
        WritePartitions("under_min_isr", status.UnderMinIsr, json);
        WritePartitions("under_replicated", status.UnderReplicated, json);
        json.WriteNumber("reassigning"u8, status.Reassignments.Count);
    }

    private static void WriteMembers(QuorumDescription quorum, Utf8JsonWriter json)
    {
        var end = End(quorum);
        foreach (var (member, votes) in Members(quorum))
        {
            json.WriteStartObject();
            json.WriteNumber("broker"u8, member.Id.Value);
            json.WriteBoolean("voter"u8, votes);
            json.WriteNumber("log_end"u8, member.LogEndOffset);
            if (Lag(member, end) is { } lag) json.WriteNumber("lag"u8, lag);
            else json.WriteNull("lag"u8);
            if (member.LastHeard is { } heard) json.WriteNumber("last_heard_ms"u8, heard.ToUnixTimeMilliseconds());
            json.WriteEndObject();
        }
    }

    private static void WritePartitions(string name, IReadOnlyList<TroubledPartition> partitions, Utf8JsonWriter json)
    {
        json.WriteStartArray(name);
        foreach (var (id, standing) in partitions)
        {
            json.WriteStartObject();
            json.WriteString("topic"u8, id.Topic);
            json.WriteNumber("partition"u8, id.Partition);
            json.WriteNumber("leader"u8, standing.Leader.Value);
            JsonLine.WriteIds(json, "replicas", standing.Replicas);
            JsonLine.WriteIds(json, "isr", standing.InSync);
            JsonLine.WriteIds(json, "elr", standing.EligibleLeaders);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static IEnumerable<(QuorumMember Member, bool Votes)> Members(QuorumDescription quorum) =>
        quorum.Voters.Select(voter => (voter, true)).Concat(quorum.Observers.Select(observer => (observer, false)));

    /// <summary>One past the newest entry that anybody is known to have.</summary>
    private static long End(QuorumDescription quorum) => Members(quorum).Select(member => member.Member.LogEndOffset).Append(quorum.HighWatermark).Max();

    /// <summary>Null where nothing is known of it.</summary>
    private static long? Lag(QuorumMember member, long end) => member.LogEndOffset < 0 ? null : end - member.LogEndOffset;

    private static string State(BrokerDescription broker) => broker.IsFenced ? "fenced" : broker.IsStopping ? "stopping" : "active";

    private static string Ids(IReadOnlyList<Log.BrokerId> ids) => ids.Count == 0 ? "none" : string.Join(',', ids);

    private static string Number(long number) => number < 0 ? "?" : number.ToString(CultureInfo.InvariantCulture);

    private static Table Columns(params string[] names) => new Table().Border(TableBorder.None).AddColumns(names);
}
