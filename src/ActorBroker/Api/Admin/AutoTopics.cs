using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Api.Admin;

/// <summary>
/// Has topics made that a client asked about and nobody has made (<c>auto.create.topics.enable</c>), with the broker's number
/// of partitions and replicas. Only for requests that allow it, which our own clients' don't: a name mistyped makes a topic.
/// Many may ask at once: for each name the controller is asked once at a time.
/// </summary>
internal sealed class AutoTopics(ControllerGateway controller, IAuthorizer authorizer, bool isEnabled)
{
    /// <summary>A client whose topic is not there by then is told so, and asks again.</summary>
    private const int TimeoutMs = 5_000;

    /// <summary>Of one request; the others are made when the client asks again.</summary>
    private const int MostAtOnce = 100;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Task<ErrorCode>> _underWay = new(StringComparer.Ordinal);

    /// <param name="missing">Names for which there is no topic.</param>
    /// <returns>Of those for which the controller was asked, what it said. None, or that it exists, is no promise that this node knows of it yet.</returns>
    public async Task<IReadOnlyDictionary<string, ErrorCode>> CreateAsync(RequestContext context, IReadOnlyCollection<string> missing)
    {
        var asked = missing.Where(name => MayBeMade(context, name)).Take(MostAtOnce).Select(name => (Name: name, Outcome: Create(name))).ToList();
        var outcomes = new Dictionary<string, ErrorCode>(StringComparer.Ordinal);
        foreach (var (name, outcome) in asked) outcomes[name] = await outcome;
        return outcomes;
    }

    public bool MayBeMade(RequestContext context, string name) =>
        isEnabled && TopicName.IsValid(name) && !Metadata.TopicImage.IsInternalName(name)
        && (authorizer.Allows(context, AclOperation.Create, ResourceType.Cluster, ClusterResource.Name)
            || authorizer.Allows(context, AclOperation.Create, ResourceType.Topic, name));

    private Task<ErrorCode> Create(string name)
    {
        lock (_gate)
        {
            if (_underWay.TryGetValue(name, out var running)) return running;
            var asking = AskAsync(name);
            if (!asking.IsCompleted) _underWay.Add(name, asking);
            return asking;
        }
    }

    private async Task<ErrorCode> AskAsync(string name)
    {
        try
        {
            var wanted = new NewTopic(name, Partitions: -1, ReplicationFactor: -1, [], []);
            return (await controller.AskAsync(new CreateTopics([wanted], ValidateOnly: false), [name], TimeoutMs))[0].Error;
        }
        finally
        {
            lock (_gate) _underWay.Remove(name);
        }
    }
}
