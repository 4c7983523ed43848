using ActorBroker.Client;
using ActorBroker.Protocol;

namespace ActorBroker.Cli.Clients;

/// <summary>Finds a topic before a command begins its work, so that a wrong name or address is said at once and clearly.</summary>
internal static class TopicLookup
{
    public static async Task<TopicDescription> FindAsync(ClientSystem client, string topic, CancellationToken cancellation)
    {
        await using var admin = AdminClient.Create(client.System, client.Settings());
        return await FindAsync(admin, topic, cancellation);
    }

    public static async Task<TopicDescription> FindAsync(AdminClient admin, string topic, CancellationToken cancellation)
    {
        var found = (await admin.DescribeTopicsAsync([topic], cancellation))[0];
        return found.Error switch
        {
            ErrorCode.None => found,
            ErrorCode.UnknownTopicOrPartition => throw CliException.Failed($"There is no topic '{topic}'. Create it with: actorbroker topics create {topic}"),
            _ => throw CliException.Failed($"Topic '{topic}': {found.Message}"),
        };
    }
}
