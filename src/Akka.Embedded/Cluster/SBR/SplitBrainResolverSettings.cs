using System.Collections.Immutable;
using Akka.Configuration;

namespace Akka.Cluster.SBR;

/// <summary>The keys of <c>akka.cluster.split-brain-resolver</c>.</summary>
public sealed class SplitBrainResolverSettings
{
    public const string KeepMajorityName = "keep-majority";
    public const string DownAllName = "down-all";

    /// <summary>Those of the embedded engine; the official one has more.</summary>
    public static readonly ImmutableHashSet<string> AllStrategyNames = [KeepMajorityName, DownAllName];

    private static readonly TimeSpan LeastWhenUnstable = TimeSpan.FromSeconds(4);

    public SplitBrainResolverSettings(Config config)
    {
        var resolver = config.GetConfig("akka.cluster.split-brain-resolver") ?? throw new ConfigurationException("akka.cluster.split-brain-resolver is missing");
        DowningStableAfter = ClusterSettings.Time(resolver, "stable-after");
        if (DowningStableAfter <= TimeSpan.Zero)
            throw new ConfigurationException("akka.cluster.split-brain-resolver.stable-after must be above 0");
        DowningStrategy = resolver.GetString("active-strategy", "")!.ToLowerInvariant();
        if (!AllStrategyNames.Contains(DowningStrategy))
            throw new ConfigurationException(
                $"Unknown downing strategy akka.cluster.split-brain-resolver.active-strategy=[{DowningStrategy}]. The embedded engine has [{string.Join(", ", AllStrategyNames.Order(StringComparer.Ordinal))}]");
        var threeQuarters = DowningStableAfter * 3 / 4;
        DownAllWhenUnstable = resolver.GetString("down-all-when-unstable") is "on" or "true"
            ? threeQuarters > LeastWhenUnstable ? threeQuarters : LeastWhenUnstable
            : ClusterSettings.OffOr(resolver, "down-all-when-unstable") ?? TimeSpan.Zero;
        KeepMajorityRole = resolver.GetString("keep-majority.role") is { Length: > 0 } role ? role : null;
    }

    public TimeSpan DowningStableAfter { get; }

    public string DowningStrategy { get; }

    /// <summary>Zero: never.</summary>
    public TimeSpan DownAllWhenUnstable { get; }

    /// <summary>Null: all members count.</summary>
    public string? KeepMajorityRole { get; }
}
