using System.Collections.Immutable;
using System.Globalization;
using ActorBroker.Control;
using ActorBroker.Groups;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Api.Groups;

/// <summary>Has <c>__consumer_offsets</c> made by the controller, once somebody needs it.</summary>
internal sealed class OffsetsTopic(ControllerGateway controller, MetadataCache metadata, GroupOptions options)
{
    /// <summary>Kafka's number of replicas, where there are as many brokers.</summary>
    private const int StandardReplicationFactor = 3;

    private const int TimeoutMs = 30_000;

    private readonly Lock _gate = new();
    private Task<string?> _creating = Task.FromResult<string?>(null);

    public bool Exists => metadata.Current.FindTopic(GroupPartitioner.Topic) is not null;

    /// <summary>Null, or why it could not be made. Many may ask at once: the controller is asked once.</summary>
    public Task<string?> CreateAsync()
    {
        lock (_gate)
        {
            if (_creating.IsCompleted) _creating = AskAsync();
            return _creating;
        }
    }

    private async Task<string?> AskAsync()
    {
        var factor = options.TopicReplicationFactor == -1
            ? Math.Min(StandardReplicationFactor, metadata.Current.Brokers.Count)
            : options.TopicReplicationFactor;
        ImmutableArray<KeyValuePair<string, string?>> configs =
        [
            new("cleanup.policy", "compact"),
            new("segment.bytes", options.TopicSegmentBytes.ToString(CultureInfo.InvariantCulture)),
        ];
        var wanted = new NewTopic(GroupPartitioner.Topic, options.TopicPartitions, factor, [], configs);
        var results = await controller.AskAsync(new CreateTopics([wanted], ValidateOnly: false), [GroupPartitioner.Topic], TimeoutMs);
        return results[0].Error is ErrorCode.None or ErrorCode.TopicAlreadyExists ? null : results[0].Message;
    }
}
