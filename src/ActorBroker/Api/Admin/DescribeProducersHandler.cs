using ActorBroker.Log;
using ActorBroker.Protocol;
using ActorBroker.Replication;
using static ActorBroker.Protocol.DescribeProducersResponse;

namespace ActorBroker.Api.Admin;

/// <summary>Which idempotent producers a partition remembers (KIP-664): only its leader says.</summary>
internal sealed class DescribeProducersHandler(PartitionLocator locator) : IRequestHandler
{
    /// <summary>The request carries none of its own.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public ApiKey ApiKey => ApiKey.DescribeProducers;

    public void Handle(ApiCall call)
    {
        var request = (DescribeProducersRequest)call.Request;
        var pending = new PendingSlots(call, request.Topics.Sum(topic => topic.PartitionIndexes.Count), late: ErrorCode.RequestTimedOut, answers => Response(request, answers));
        var slot = 0;
        foreach (var topic in request.Topics)
        {
            foreach (var partition in topic.PartitionIndexes)
            {
                var located = locator.Find(call.Context, AclOperation.Read, topic.Name, Guid.Empty, partition);
                if (located.Handle is { } handle) pending.Ask(handle.Actor, slot++, key => new PartitionProtocol.DescribeProducers(key));
                else pending.Settle(slot++, located.Error);
            }
        }

        pending.Begin(Patience);
    }

    private static DescribeProducersResponse Response(DescribeProducersRequest request, object[] answers)
    {
        var slot = 0;
        return new DescribeProducersResponse
        {
            Topics = [.. request.Topics.Select(topic => new TopicResponse
            {
                Name = topic.Name,
                Partitions = [.. topic.PartitionIndexes.Select(partition => Describe(partition, answers[slot++]))],
            })],
        };
    }

    private static PartitionResponse Describe(int partition, object answer)
    {
        var (error, producers) = answer is PartitionProtocol.Producers found ? (PartitionErrors.Code(found.Error), found.Entries) : ((ErrorCode)answer, []);
        return new PartitionResponse
        {
            PartitionIndex = partition,
            ErrorCode = error,
            ErrorMessage = error == ErrorCode.None ? null : error.Describe(),
            ActiveProducers = [.. producers.Select(Describe)],
        };
    }

    private static ProducerState Describe(ProducerSnapshotEntry producer) => new()
    {
        ProducerId = producer.ProducerId.Value,
        ProducerEpoch = producer.Epoch.Value,
        LastSequence = producer.LastSequence,
        LastTimestamp = producer.TimestampMs,
        CoordinatorEpoch = producer.CoordinatorEpoch,
        CurrentTxnStartOffset = producer.CurrentTransactionFirstOffset.Value,
    };
}
