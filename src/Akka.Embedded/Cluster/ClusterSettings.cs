using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;

namespace Akka.Cluster;

/// <summary>The keys of <c>akka.cluster</c>. A TimeSpan that is null stands for <c>off</c>.</summary>
public sealed class ClusterSettings
{
    public ClusterSettings(Config config, string systemName)
    {
        var cluster = config.GetConfig("akka.cluster") ?? throw new ConfigurationException("akka.cluster is missing: set akka.actor.provider = cluster");
        var detector = cluster.GetConfig("failure-detector");
        FailureDetectorConfig = detector;
        FailureDetectorImplementationClass = detector.GetString("implementation-class");
        HeartbeatInterval = Time(detector, "heartbeat-interval");
        HeartbeatExpectedResponseAfter = Time(detector, "expected-response-after");
        MonitoredByNrOfMembers = detector.GetInt("monitored-by-nr-of-members");
        SeedNodes = [.. cluster.GetStringList("seed-nodes").Select(static a => Address.Parse(a))];
        SeedNodeTimeout = Time(cluster, "seed-node-timeout");
        RetryUnsuccessfulJoinAfter = OffOr(cluster, "retry-unsuccessful-join-after");
        ShutdownAfterUnsuccessfulJoinSeedNodes = OffOr(cluster, "shutdown-after-unsuccessful-join-seed-nodes");
        DownRemovalMargin = OffOr(cluster, "down-removal-margin") ?? TimeSpan.Zero;
        DowningProviderClass = cluster.GetString("downing-provider-class", "")!;
        WeaklyUpAfter = OffOr(cluster, "allow-weakly-up-members") ?? TimeSpan.Zero;
        AllowWeaklyUpMembers = WeaklyUpAfter > TimeSpan.Zero;
        Roles = [.. cluster.GetStringList("roles")];
        RunCoordinatedShutdownWhenDown = cluster.GetBoolean("run-coordinated-shutdown-when-down");
        MinNrOfMembers = cluster.GetInt("min-nr-of-members");
        MinNrOfMembersOfRole = (cluster.GetConfig("role")?.AsEnumerable() ?? [])
            .ToImmutableDictionary(static r => r.Key, static r => r.Value.ToConfig().GetInt("min-nr-of-members", 0), StringComparer.Ordinal);
        LogInfo = cluster.GetBoolean("log-info");
        PeriodicTasksInitialDelay = Time(cluster, "periodic-tasks-initial-delay");
        GossipInterval = Time(cluster, "gossip-interval");
        GossipTimeToLive = Time(cluster, "gossip-time-to-live");
        LeaderActionsInterval = Time(cluster, "leader-actions-interval");
        UnreachableNodesReaperInterval = Time(cluster, "unreachable-nodes-reaper-interval");
        UseDispatcher = cluster.GetString("use-dispatcher", "") is { Length: > 0 } named ? named : InternalDispatcher;
        GossipDifferentViewProbability = cluster.GetDouble("gossip-different-view-probability");
        ReduceGossipDifferentViewProbability = cluster.GetInt("reduce-gossip-different-view-probability");
        Validate();
    }

    private const string InternalDispatcher = "akka.actor.internal-dispatcher";

    public Config FailureDetectorConfig { get; }

    public string FailureDetectorImplementationClass { get; }

    public TimeSpan HeartbeatInterval { get; }

    public TimeSpan HeartbeatExpectedResponseAfter { get; }

    public int MonitoredByNrOfMembers { get; }

    public ImmutableList<Address> SeedNodes { get; }

    public TimeSpan SeedNodeTimeout { get; }

    public TimeSpan? RetryUnsuccessfulJoinAfter { get; }

    public TimeSpan? ShutdownAfterUnsuccessfulJoinSeedNodes { get; }

    public bool AllowWeaklyUpMembers { get; }

    public TimeSpan WeaklyUpAfter { get; }

    public ImmutableHashSet<string> Roles { get; }

    public bool RunCoordinatedShutdownWhenDown { get; }

    public int MinNrOfMembers { get; }

    public ImmutableDictionary<string, int> MinNrOfMembersOfRole { get; }

    public bool LogInfo { get; }

    public TimeSpan PeriodicTasksInitialDelay { get; }

    public TimeSpan GossipInterval { get; }

    public TimeSpan GossipTimeToLive { get; }

    public TimeSpan LeaderActionsInterval { get; }

    public TimeSpan UnreachableNodesReaperInterval { get; }

    public string UseDispatcher { get; }

    public double GossipDifferentViewProbability { get; }

    public int ReduceGossipDifferentViewProbability { get; }

    internal TimeSpan DownRemovalMargin { get; }

    internal string DowningProviderClass { get; }

    /// <summary>The likelihood to gossip with a node of another view, which falls as the cluster grows beyond the limit, to a fifth at most.</summary>
    internal double DifferentViewProbability(int members)
    {
        var low = ReduceGossipDifferentViewProbability;
        var high = low * 3;
        if (members <= low)
            return GossipDifferentViewProbability;
        const double floor = 0.05;
        var least = GossipDifferentViewProbability <= floor * 2 ? floor : GossipDifferentViewProbability / 10;
        return members >= high ? least : GossipDifferentViewProbability - (GossipDifferentViewProbability - least) * (members - low) / (high - low);
    }

    internal static TimeSpan? OffOr(Config config, string key)
        => config.GetString(key) is null or "" or "off" or "false" ? null : Time(config, key);

    internal static TimeSpan Time(Config config, string key) => config.GetTimeSpan(key, null, allowInfinite: false);

    private void Validate()
    {
        var faults = new List<string>();
        foreach (var (key, value) in new (string, TimeSpan)[]
                 {
                     ("failure-detector.heartbeat-interval", HeartbeatInterval), ("failure-detector.expected-response-after", HeartbeatExpectedResponseAfter),
                     ("seed-node-timeout", SeedNodeTimeout), ("gossip-interval", GossipInterval), ("leader-actions-interval", LeaderActionsInterval),
                     ("unreachable-nodes-reaper-interval", UnreachableNodesReaperInterval),
                 })
            if (value <= TimeSpan.Zero)
                faults.Add($"akka.cluster.{key} must be above 0");
        if (MonitoredByNrOfMembers < 1)
            faults.Add("akka.cluster.failure-detector.monitored-by-nr-of-members must be above 0");
        if (MinNrOfMembers < 1)
            faults.Add("akka.cluster.min-nr-of-members must be above 0");
        if (GossipDifferentViewProbability is < 0 or > 1)
            faults.Add("akka.cluster.gossip-different-view-probability must lie in 0..1");
        if (faults.Count > 0)
            throw new ConfigurationException(string.Join("; ", faults));
    }
}
