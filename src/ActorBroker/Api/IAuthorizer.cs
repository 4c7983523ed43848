namespace ActorBroker.Api;

/// <summary>What is to be done; Kafka's numbers.</summary>
public enum AclOperation : sbyte
{
    Read = 3,
    Write = 4,
    Create = 5,
    Delete = 6,
    Alter = 7,
    Describe = 8,
    ClusterAction = 9,
    DescribeConfigs = 10,
    AlterConfigs = 11,
    IdempotentWrite = 12,
}

/// <summary>To what; Kafka's numbers.</summary>
public enum ResourceType : sbyte
{
    Topic = 2,
    Group = 3,
    Cluster = 4,
    TransactionalId = 5,
}

/// <summary>Decides whether a principal may do something. Called on the request path from many threads: no blocking.</summary>
public interface IAuthorizer
{
    bool Allows(RequestContext context, AclOperation operation, ResourceType type, string name);
}

/// <summary>The authorizer until security is configured.</summary>
internal sealed class AllowAll : IAuthorizer
{
    public static AllowAll Instance { get; } = new();

    public bool Allows(RequestContext context, AclOperation operation, ResourceType type, string name) => true;
}
