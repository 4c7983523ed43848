namespace ActorBroker.Api;

/// <summary>What a client may do with something, as a bit for each operation (KIP-430).</summary>
internal static class AuthorizedOperations
{
    private static readonly AclOperation[] OfTopics =
    [
        AclOperation.Read, AclOperation.Write, AclOperation.Create, AclOperation.Delete, AclOperation.Alter, AclOperation.Describe,
        AclOperation.DescribeConfigs, AclOperation.AlterConfigs,
    ];

    private static readonly AclOperation[] OfGroups = [AclOperation.Read, AclOperation.Delete, AclOperation.Describe];

    private static readonly AclOperation[] OfTheCluster =
    [
        AclOperation.Create, AclOperation.Alter, AclOperation.Describe, AclOperation.ClusterAction, AclOperation.DescribeConfigs,
        AclOperation.AlterConfigs, AclOperation.IdempotentWrite,
    ];

    public static int OnTopic(this IAuthorizer authorizer, RequestContext context, string topic) =>
        Bits(authorizer, context, OfTopics, ResourceType.Topic, topic);

    public static int OnGroup(this IAuthorizer authorizer, RequestContext context, string group) =>
        Bits(authorizer, context, OfGroups, ResourceType.Group, group);

    public static int OnCluster(this IAuthorizer authorizer, RequestContext context) =>
        Bits(authorizer, context, OfTheCluster, ResourceType.Cluster, Admin.ClusterResource.Name);

    private static int Bits(IAuthorizer authorizer, RequestContext context, AclOperation[] operations, ResourceType type, string name)
    {
        var bits = 0;
        foreach (var operation in operations)
            if (authorizer.Allows(context, operation, type, name)) bits |= 1 << (int)operation;
        return bits;
    }
}
