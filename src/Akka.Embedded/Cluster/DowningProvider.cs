using Akka.Actor;
using Akka.Configuration;
using Akka.Util;

namespace Akka.Cluster;

/// <summary>
/// Decides which unreachable members are downed. Named by <c>akka.cluster.downing-provider-class</c>; has a public constructor that takes an
/// <see cref="ActorSystem"/> and a <see cref="Cluster"/>.
/// </summary>
public interface IDowningProvider
{
    /// <summary>How long a singleton waits after a crashed member's removal: the other side must have stopped its own by then.</summary>
    TimeSpan DownRemovalMargin { get; }

    /// <summary>The actor that decides, started as a child of the cluster's own; null for none.</summary>
    Props? DowningActorProps { get; }
}

/// <summary>Leaves it to people.</summary>
public sealed class NoDowning : IDowningProvider
{
    private readonly Cluster _cluster;

    public NoDowning(ActorSystem system, Cluster cluster) => _cluster = cluster;

    public TimeSpan DownRemovalMargin => _cluster.Settings.DownRemovalMargin;

    public Props? DowningActorProps => null;
}

internal static class DowningProviders
{
    public static IDowningProvider Load(ActorSystem system, Cluster cluster)
    {
        var named = cluster.Settings.DowningProviderClass;
        try
        {
            return named.Length == 0 ? new NoDowning(system, cluster) : TypeRegistry.Create<IDowningProvider>(named, system, cluster);
        }
        catch (ConfigurationException e)
        {
            throw new ConfigurationException($"akka.cluster.downing-provider-class: {e.Message}", e);
        }
    }
}
