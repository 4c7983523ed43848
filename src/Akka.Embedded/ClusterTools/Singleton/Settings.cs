using Akka.Actor;
using Akka.Configuration;

namespace Akka.Cluster.Tools.Singleton;

/// <summary>How a singleton is run; <c>akka.cluster.singleton</c>.</summary>
public sealed class ClusterSingletonManagerSettings : INoSerializationVerificationNeeded
{
    public ClusterSingletonManagerSettings(string singletonName, string? role, TimeSpan removalMargin, TimeSpan handOverRetryInterval, bool considerAppVersion)
        : this(singletonName, role, removalMargin, handOverRetryInterval)
    {
        if (considerAppVersion)
            throw new ArgumentException("The embedded engine knows no versions of applications.", nameof(considerAppVersion));
    }

    private ClusterSingletonManagerSettings(string singletonName, string? role, TimeSpan removalMargin, TimeSpan handOverRetryInterval)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(singletonName);
        ArgumentOutOfRangeException.ThrowIfLessThan(removalMargin, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(handOverRetryInterval, TimeSpan.Zero);
        SingletonName = singletonName;
        Role = string.IsNullOrEmpty(role) ? null : role;
        RemovalMargin = removalMargin;
        HandOverRetryInterval = handOverRetryInterval;
    }

    public string SingletonName { get; }

    /// <summary>Runs only on members of it; null: on any.</summary>
    public string? Role { get; }

    /// <summary>Wait after the removal of a member that crashed; zero: that of the downing provider.</summary>
    public TimeSpan RemovalMargin { get; }

    public TimeSpan HandOverRetryInterval { get; }

    public static ClusterSingletonManagerSettings Create(ActorSystem system) => Create(Section(system, "akka.cluster.singleton"));

    public static ClusterSingletonManagerSettings Create(Config config) => new(
        config.GetString("singleton-name"), config.GetString("role", ""), TimeSpan.Zero, ClusterSettings.Time(config, "hand-over-retry-interval"));

    public ClusterSingletonManagerSettings WithSingletonName(string singletonName) => new(singletonName, Role, RemovalMargin, HandOverRetryInterval);

    public ClusterSingletonManagerSettings WithRole(string? role) => new(SingletonName, role, RemovalMargin, HandOverRetryInterval);

    public ClusterSingletonManagerSettings WithRemovalMargin(TimeSpan removalMargin) => new(SingletonName, Role, removalMargin, HandOverRetryInterval);

    public ClusterSingletonManagerSettings WithHandOverRetryInterval(TimeSpan handOverRetryInterval) => new(SingletonName, Role, RemovalMargin, handOverRetryInterval);

    internal static Config Section(ActorSystem system, string path)
    {
        Akka.Cluster.Cluster.Get(system);
        return system.Settings.Config.GetConfig(path) ?? throw new ConfigurationException($"{path} is missing");
    }
}

/// <summary>How a singleton is found; <c>akka.cluster.singleton-proxy</c>.</summary>
public sealed class ClusterSingletonProxySettings : INoSerializationVerificationNeeded
{
    private const int LargestBuffer = 10_000;

    public ClusterSingletonProxySettings(string singletonName, string? role, TimeSpan singletonIdentificationInterval, int bufferSize, bool considerAppVersion)
        : this(singletonName, role, singletonIdentificationInterval, bufferSize)
    {
        if (considerAppVersion)
            throw new ArgumentException("The embedded engine knows no versions of applications.", nameof(considerAppVersion));
    }

    private ClusterSingletonProxySettings(string singletonName, string? role, TimeSpan singletonIdentificationInterval, int bufferSize)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(singletonName);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(singletonIdentificationInterval, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfNegative(bufferSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bufferSize, LargestBuffer);
        SingletonName = singletonName;
        Role = string.IsNullOrEmpty(role) ? null : role;
        SingletonIdentificationInterval = singletonIdentificationInterval;
        BufferSize = bufferSize;
    }

    public string SingletonName { get; }

    public string? Role { get; }

    public TimeSpan SingletonIdentificationInterval { get; }

    /// <summary>Messages kept while no singleton is known; the oldest goes first when there are more.</summary>
    public int BufferSize { get; }

    public static ClusterSingletonProxySettings Create(ActorSystem system)
        => Create(ClusterSingletonManagerSettings.Section(system, "akka.cluster.singleton-proxy"), considerAppVersion: false);

    public static ClusterSingletonProxySettings Create(Config config, bool considerAppVersion) => new(
        config.GetString("singleton-name"), config.GetString("role", ""), ClusterSettings.Time(config, "singleton-identification-interval"),
        config.GetInt("buffer-size"), considerAppVersion);

    public ClusterSingletonProxySettings WithSingletonName(string singletonName) => new(singletonName, Role, SingletonIdentificationInterval, BufferSize);

    public ClusterSingletonProxySettings WithRole(string? role) => new(SingletonName, role, SingletonIdentificationInterval, BufferSize);

    public ClusterSingletonProxySettings WithSingletonIdentificationInterval(TimeSpan singletonIdentificationInterval)
        => new(SingletonName, Role, singletonIdentificationInterval, BufferSize);

    public ClusterSingletonProxySettings WithBufferSize(int bufferSize) => new(SingletonName, Role, SingletonIdentificationInterval, bufferSize);
}
