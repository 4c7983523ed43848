using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.SBR;

namespace ActorBroker.Downing;

/// <summary>
/// Akka.Cluster's split brain resolver, and beside it evidence: a node whose process is dead is downed as soon as a majority
/// of members found that out. Set by <c>akka.cluster.downing-provider-class</c>; the resolver keeps its own settings.
/// </summary>
/// <param name="system">The node's.</param>
/// <param name="cluster">Its membership.</param>
public sealed class EvidenceDowningProvider(ActorSystem system, Cluster cluster) : IDowningProvider
{
    private readonly SplitBrainResolverProvider _resolver = new(system, cluster);

    /// <summary>None: the controller's journal, not its being alone, makes it safe.</summary>
    public TimeSpan DownRemovalMargin => TimeSpan.Zero;

    public Props? DowningActorProps => EvidenceActor.Props(_resolver.DowningActorProps!, TimeProvider.System);
}
