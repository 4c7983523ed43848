using System.Threading.Tasks.Sources;
using ActorBroker.Log;
using ActorBroker.Protocol;
using Akka.Actor;

namespace ActorBroker.Client;

/// <summary>Tells an actor.</summary>
internal sealed class ActorDelivery(IActorRef sender, IActorRef producer, object? correlation) : Delivery
{
    public override void Succeeded(TopicPartition partition, Offset offset, long timestampMs) =>
        sender.Tell(new Delivered(correlation, partition, offset, DateTimeOffset.FromUnixTimeMilliseconds(timestampMs)), producer);

    public override void Failed(string topic, int? partition, DeliveryFailure reason, ErrorCode error, string message) =>
        sender.Tell(new DeliveryFailed(correlation, topic, partition, reason, error, message), producer);
}

/// <summary>Completes a task. Its continuations run on the thread pool, never on the producer's thread.</summary>
internal sealed class TaskDelivery : Delivery, IValueTaskSource<RecordMetadata>
{
    private ManualResetValueTaskSourceCore<RecordMetadata> _core = new() { RunContinuationsAsynchronously = true };

    public ValueTask<RecordMetadata> Task => new(this, _core.Version);

    public override void Succeeded(TopicPartition partition, Offset offset, long timestampMs) =>
        _core.SetResult(new RecordMetadata(partition, offset, timestampMs));

    public override void Failed(string topic, int? partition, DeliveryFailure reason, ErrorCode error, string message) =>
        _core.SetException(new DeliveryException(topic, partition, reason, error, message));

    RecordMetadata IValueTaskSource<RecordMetadata>.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<RecordMetadata>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<RecordMetadata>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
