using System.Security.Cryptography;
using ActorBroker.Log;
using ActorBroker.Protocol;
using Akka.Actor;

namespace ActorBroker.Client;

/// <summary>
/// Manages topics, their configuration, consumer groups and the cluster. Every call asks again, for <c>default.api.timeout.ms</c>, while the cluster is
/// between leaders or controllers; a call that fails as a whole throws <see cref="AdminException"/>, what fails for one topic
/// stands in that topic's result. Any thread.
/// </summary>
public sealed partial class AdminClient : IAsyncDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);

    private readonly ClientSettings _settings;
    private readonly TimeProvider _time;
    private readonly FrameBudget _frame;
    private readonly IActorRef _cluster;
    private readonly AdminCalls _calls;

    private AdminClient(ActorSystem system, ClientSettings settings, TimeProvider time)
    {
        _settings = settings;
        _time = time;
        _frame = SystemFrame.Of(system);
        var seed = RandomNumberGenerator.GetInt32(int.MaxValue);
        _cluster = system.ActorOf(ClusterActor.Props(settings, seed, ActorRefs.Nobody));
        _calls = new AdminCalls(_cluster, settings, new Random(seed), time);
    }

    private int TimeoutMs => (int)_settings.RequestTimeout.TotalMilliseconds;

    /// <exception cref="ClientSettingsException">The settings are wrong.</exception>
    public static AdminClient Create(ActorSystem system, ClientSettings settings)
    {
        settings.Validate();
        return new AdminClient(system, settings, TimeProvider.System);
    }

    /// <summary>One result per topic, in the order given. Completes when their partitions serve.</summary>
    public async Task<IReadOnlyList<TopicResult>> CreateTopicsAsync(
        IReadOnlyList<NewTopic> topics, bool validateOnly = false, CancellationToken cancellation = default)
    {
        var request = new CreateTopicsRequest
        {
            Topics = [.. topics.Select(Creatable)],
            TimeoutMs = TimeoutMs,
            ValidateOnly = validateOnly,
        };
        var response = await _calls.AskAsync(
            RequestTarget.TheController, request, r => AllAre(r.Topics, t => t.ErrorCode, ErrorCode.NotController), cancellation);
        return InOrder(topics.Select(topic => topic.Name), response.Topics.Select(t => new TopicResult(
            t.Name, t.ErrorCode, AdminCalls.MessageOf(t.ErrorCode, t.ErrorMessage), new TopicId(t.TopicId), t.NumPartitions, t.ReplicationFactor)));
    }

    public async Task<IReadOnlyList<TopicResult>> DeleteTopicsAsync(IReadOnlyList<string> names, CancellationToken cancellation = default)
    {
        var request = new DeleteTopicsRequest
        {
            Topics = [.. names.Select(name => new DeleteTopicsRequest.DeleteTopicState { Name = name })],
            TopicNames = names,
            TimeoutMs = TimeoutMs,
        };
        var response = await _calls.AskAsync(
            RequestTarget.TheController, request, r => AllAre(r.Responses, t => t.ErrorCode, ErrorCode.NotController), cancellation);
        return InOrder(names, response.Responses.Select(t => new TopicResult(
            t.Name ?? "", t.ErrorCode, AdminCalls.MessageOf(t.ErrorCode, t.ErrorMessage), new TopicId(t.TopicId))));
    }

    /// <param name="totals">How many partitions each topic has afterwards.</param>
    /// <param name="validateOnly">Only checks.</param>
    /// <param name="cancellation">Ends the waiting; the request may be carried out nevertheless.</param>
    public async Task<IReadOnlyList<TopicResult>> CreatePartitionsAsync(
        IReadOnlyDictionary<string, int> totals, bool validateOnly = false, CancellationToken cancellation = default)
    {
        var request = new CreatePartitionsRequest
        {
            Topics = [.. totals.Select(total => new CreatePartitionsRequest.CreatePartitionsTopic { Name = total.Key, Count = total.Value })],
            TimeoutMs = TimeoutMs,
            ValidateOnly = validateOnly,
        };
        var response = await _calls.AskAsync(
            RequestTarget.TheController, request, r => AllAre(r.Results, t => t.ErrorCode, ErrorCode.NotController), cancellation);
        return InOrder(totals.Keys, response.Results.Select(t =>
            new TopicResult(t.Name, t.ErrorCode, AdminCalls.MessageOf(t.ErrorCode, t.ErrorMessage))));
    }

    /// <summary>Every topic, by name.</summary>
    public Task<IReadOnlyList<TopicDescription>> ListTopicsAsync(CancellationToken cancellation = default) =>
        DescribeAsync(null, cancellation);

    /// <summary>One description per name, in the order given; a missing topic's says so in its error.</summary>
    public Task<IReadOnlyList<TopicDescription>> DescribeTopicsAsync(IReadOnlyList<string> names, CancellationToken cancellation = default) =>
        DescribeAsync(names, cancellation);

    /// <param name="resources">Topics or brokers.</param>
    /// <param name="keys">The keys wanted; null for all.</param>
    /// <param name="documentation">Whether to explain each key.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public async Task<IReadOnlyList<ConfigDescription>> DescribeConfigsAsync(
        IReadOnlyList<ConfigResource> resources, IReadOnlyList<string>? keys = null, bool documentation = false, CancellationToken cancellation = default)
    {
        var request = new DescribeConfigsRequest
        {
            Resources = [.. resources.Select(r => new DescribeConfigsRequest.DescribeConfigsResource
            {
                ResourceType = r.Type, ResourceName = r.Name, ConfigurationKeys = keys,
            })],
            IncludeDocumentation = documentation,
        };
        var response = await _calls.AskAsync(RequestTarget.Any, request, null, cancellation);
        return [.. response.Results.Select(r => new ConfigDescription(
            new ConfigResource(r.ResourceType, r.ResourceName),
            r.ErrorCode,
            AdminCalls.MessageOf(r.ErrorCode, r.ErrorMessage),
            [.. r.Configs.Select(c => new ConfigEntry(c.Name, c.Value, c.ConfigSource, c.ConfigType, c.ReadOnly, c.IsSensitive, c.Documentation))]))];
    }

    /// <summary>All of a resource's changes are made, or none.</summary>
    public async Task<IReadOnlyList<ConfigResult>> AlterConfigsAsync(
        IReadOnlyDictionary<ConfigResource, IReadOnlyList<ConfigChange>> changes, bool validateOnly = false, CancellationToken cancellation = default)
    {
        var request = new IncrementalAlterConfigsRequest
        {
            Resources = [.. changes.Select(change => new IncrementalAlterConfigsRequest.AlterConfigsResource
            {
                ResourceType = change.Key.Type,
                ResourceName = change.Key.Name,
                Configs = [.. change.Value.Select(c => new IncrementalAlterConfigsRequest.AlterableConfig
                {
                    Name = c.Name, ConfigOperation = c.Operation, Value = c.Value,
                })],
            })],
            ValidateOnly = validateOnly,
        };
        var response = await _calls.AskAsync(
            RequestTarget.TheController, request, r => AllAre(r.Responses, t => t.ErrorCode, ErrorCode.NotController), cancellation);
        return [.. response.Responses.Select(r => new ConfigResult(
            new ConfigResource(r.ResourceType, r.ResourceName), r.ErrorCode, AdminCalls.MessageOf(r.ErrorCode, r.ErrorMessage)))];
    }

    /// <summary>
    /// Where a reader that starts at the given place would begin: one result per partition, in no order. A
    /// <see cref="StartPosition.FromOffset"/> is answered as it is.
    /// </summary>
    public Task<IReadOnlyList<OffsetResult>> ListOffsetsAsync(
        IReadOnlyDictionary<TopicPartition, StartPosition> places, CancellationToken cancellation = default) =>
        new OffsetLookup(_calls, MetadataAsync).RunAsync(places, cancellation);

    public async ValueTask DisposeAsync() => await _cluster.GracefulStop(StopPatience);

    private static CreateTopicsRequest.CreatableTopic Creatable(NewTopic topic) => new()
    {
        Name = topic.Name,
        NumPartitions = topic.Partitions,
        ReplicationFactor = topic.ReplicationFactor,
        Configs = [.. (topic.Configs ?? new Dictionary<string, string>(StringComparer.Ordinal)).Select(config =>
            new CreateTopicsRequest.CreatableTopicConfig { Name = config.Key, Value = config.Value })],
    };

    /// <summary>Page by page; a topic whose partitions go on over several comes out as one.</summary>
    private async Task<IReadOnlyList<TopicDescription>> DescribeAsync(IReadOnlyList<string>? names, CancellationToken cancellation)
    {
        var described = new SortedDictionary<string, TopicDescription>(StringComparer.Ordinal);
        DescribeTopicPartitionsRequest.Position? cursor = null;
        do
        {
            var request = new DescribeTopicPartitionsRequest
            {
                Topics = names is null ? [] : [.. names.Select(name => new DescribeTopicPartitionsRequest.TopicRequest { Name = name })],
                Cursor = cursor,
            };
            // To the request no names are all of them.
            if (names is { Count: 0 })
                return [];
            var page = await _calls.AskAsync(RequestTarget.Any, request, null, cancellation);
            foreach (var topic in page.Topics)
            {
                var name = topic.Name ?? "";
                var known = described.TryGetValue(name, out var before) ? before.Partitions : [];
                described[name] = new TopicDescription(
                    name,
                    new TopicId(topic.TopicId),
                    topic.IsInternal,
                    topic.ErrorCode,
                    AdminCalls.MessageOf(topic.ErrorCode, null),
                    [.. known, .. topic.Partitions.Select(Description)]);
            }

            cursor = page.NextCursor is { } next
                ? new DescribeTopicPartitionsRequest.Position { TopicName = next.TopicName, PartitionIndex = next.PartitionIndex }
                : null;
        }
        while (cursor is not null);

        if (names is null)
            return [.. described.Values];
        return [.. names.Select(name => described.GetValueOrDefault(name) ?? new TopicDescription(
            name, default, false, ErrorCode.UnknownServerError, Unanswered, []))];
    }

    private static PartitionDescription Description(DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponsePartition partition) => new(
        partition.PartitionIndex,
        new BrokerId(partition.LeaderId),
        new LeaderEpoch(partition.LeaderEpoch),
        AdminCalls.Ids(partition.ReplicaNodes),
        AdminCalls.Ids(partition.IsrNodes),
        AdminCalls.Ids(partition.OfflineReplicas),
        AdminCalls.Ids(partition.EligibleLeaderReplicas ?? []),
        AdminCalls.Ids(partition.LastKnownElr ?? []),
        partition.PartitionEpoch,
        partition.ErrorCode);

    private Task<MetadataResponse> MetadataAsync(IReadOnlyList<string>? topics, CancellationToken cancellation)
    {
        var request = new MetadataRequest
        {
            Topics = topics is null ? null : [.. topics.Select(name => new MetadataRequest.MetadataRequestTopic { Name = name })],
            AllowAutoTopicCreation = false,
        };
        return _calls.AskAsync(RequestTarget.Any, request, null, cancellation);
    }

    private const string Unanswered = "the broker's answer says nothing about the topic";

    private static bool AllAre<T>(IReadOnlyList<T> results, Func<T, ErrorCode> codeOf, ErrorCode code) =>
        results.Count > 0 && results.All(result => codeOf(result) == code);

    private static IReadOnlyList<TopicResult> InOrder(IEnumerable<string> names, IEnumerable<TopicResult> results)
    {
        var byName = new Dictionary<string, TopicResult>(StringComparer.Ordinal);
        foreach (var result in results)
            byName.TryAdd(result.Name, result);
        return [.. names.Select(name => byName.GetValueOrDefault(name) ?? new TopicResult(name, ErrorCode.UnknownServerError, Unanswered))];
    }
}
