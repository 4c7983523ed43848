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
        var pending = new Pending(call, request);
        var slot = 0;
        foreach (var topic in request.Topics)
        {
            foreach (var partition in topic.PartitionIndexes)
            {
                var located = locator.Find(call.Context, AclOperation.Read, topic.Name, Guid.Empty, partition);
                if (located.Handle is { } handle) pending.Ask(slot++, handle);
                else pending.Settle(slot++, located.Error, []);
            }
        }

        pending.Begin();
    }

    private sealed class Pending(ApiCall call, DescribeProducersRequest request) : IPendingCall
    {
        private readonly PartitionResponse?[] _answers = new PartitionResponse?[request.Topics.Sum(topic => topic.PartitionIndexes.Count)];
        private int _open;

        public void Settle(int slot, ErrorCode error, IReadOnlyList<ProducerSnapshotEntry> producers) => _answers[slot] = new PartitionResponse
        {
            ErrorCode = error,
            ErrorMessage = error == ErrorCode.None ? null : error.Describe(),
            ActiveProducers = [.. producers.Select(Describe)],
        };

        public void Ask(int slot, PartitionHandle handle)
        {
            _open++;
            handle.Actor.Tell(new PartitionProtocol.DescribeProducers(new RequestKey(call.Session, call.Id, slot)), call.Session);
        }

        public void Begin()
        {
            if (_open == 0) Answer();
            else call.Await(this, Patience);
        }

        public void OnReply(ICallReply reply)
        {
            var found = (PartitionProtocol.Producers)reply;
            if (_answers[found.Slot] is not null) return;
            Settle(found.Slot, PartitionErrors.Code(found.Error), found.Entries);
            if (--_open == 0) Answer();
        }

        public void OnTimeout()
        {
            for (var slot = 0; slot < _answers.Length; slot++)
                if (_answers[slot] is null) Settle(slot, ErrorCode.RequestTimedOut, []);
            Answer();
        }

        public void OnAbandoned()
        {
        }

        private void Answer()
        {
            var slot = 0;
            call.Reply(new DescribeProducersResponse
            {
                Topics = [.. request.Topics.Select(topic => new TopicResponse
                {
                    Name = topic.Name,
                    Partitions = [.. topic.PartitionIndexes.Select(partition => _answers[slot++]! with { PartitionIndex = partition })],
                })],
            });
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
}
