using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Protocol.DescribeClusterResponse;

namespace ActorBroker.Api.Admin;

/// <summary>The brokers of the cluster, on request also those that are fenced (KIP-1073), as this node's cache has them.</summary>
internal sealed class DescribeClusterHandler(MetadataCache cache, BrokerId self, IAuthorizer authorizer) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.DescribeCluster;

    public void Handle(ApiCall call)
    {
        var request = (DescribeClusterRequest)call.Request;
        if (request.EndpointType != EndpointType.Broker)
            call.Reply(Refused(request, ErrorCode.MismatchedEndpointType, "This listener belongs to a broker; controllers have none of their own."));
        else if (!authorizer.Allows(call.Context, AclOperation.Describe, ResourceType.Cluster, ClusterResource.Name))
            call.Reply(Refused(request, ErrorCode.ClusterAuthorizationFailed, $"{call.Context.Principal} may not describe the cluster."));
        else
            call.Reply(Describe(call.Context, request));
    }

    private DescribeClusterResponse Describe(RequestContext context, DescribeClusterRequest request)
    {
        var image = cache.Current;
        var brokers = new List<DescribeClusterBroker>(image.Brokers.Count);
        foreach (var broker in image.Brokers.Values)
        {
            if ((broker.Fenced && !request.IncludeFencedBrokers) || broker.Endpoint(context.Listener) is not { } endpoint) continue;
            brokers.Add(new DescribeClusterBroker
            {
                BrokerId = broker.Id.Value,
                Host = endpoint.Host,
                Port = endpoint.Port,
                Rack = broker.Rack,
                IsFenced = broker.Fenced,
                BrokerEpoch = broker.Epoch,
                IsStopping = broker.InControlledShutdown,
            });
        }

        var response = new DescribeClusterResponse { ClusterId = image.ClusterId?.Value ?? "", ControllerId = self.Value, Brokers = brokers };
        return request.IncludeClusterAuthorizedOperations ? response with { ClusterAuthorizedOperations = authorizer.OnCluster(context) } : response;
    }

    private static DescribeClusterResponse Refused(DescribeClusterRequest request, ErrorCode code, string message) =>
        new() { ErrorCode = code, ErrorMessage = message, EndpointType = request.EndpointType };
}
