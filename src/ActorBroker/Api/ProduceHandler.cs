using System.Runtime.InteropServices;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Api;

/// <summary>
/// Produce: judges each batch, sends it to its partition, and answers when all partitions have. A partition may occur several
/// times in a request, as our own producer does with several batches that wait: each occurrence is one batch, written in
/// the request's order and answered at the same place in the response.
/// </summary>
internal sealed class ProduceHandler(PartitionLocator locator, TimeProvider time) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.Produce;

    public void Handle(ApiCall call)
    {
        var request = (ProduceRequest)call.Request;
        var pending = new PendingProduce(call, request);
        if (request.Acks is < -1 or > 1)
            pending.RefuseAll(ErrorCode.InvalidRequiredAcks, "acks must be 0, 1 or -1 (all).");
        else if (request.TransactionalId is not null)
            pending.RefuseAll(ErrorCode.TransactionalIdAuthorizationFailed, "This broker does not serve transactions.");
        else
            SendAll(call, request, pending);
        pending.Begin();
    }

    private void SendAll(ApiCall call, ProduceRequest request, PendingProduce pending)
    {
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        var slot = 0;
        foreach (var topic in request.TopicData)
            foreach (var partition in topic.PartitionData)
                Send(call, (Acks)request.Acks, topic.Name, partition, slot++, nowMs, pending);
    }

    private void Send(
        ApiCall call, Acks acks, string topic, ProduceRequest.PartitionProduceData data, int slot, long nowMs, PendingProduce pending)
    {
        var located = locator.Find(call.Context, AclOperation.Write, topic, Guid.Empty, data.Index);
        if (located.Handle is not { } handle)
        {
            pending.Refuse(slot, located.Error, null);
            return;
        }

        if (located.IsInternal)
        {
            pending.Refuse(slot, ErrorCode.InvalidTopicException, $"{topic} is internal: only the broker writes to it.");
            return;
        }

        var records = data.Records.GetValueOrDefault();
        var refusal = BatchAdmission.Judge(records.Span, handle.Settings, nowMs, out var fault);
        if (refusal != BatchRefusal.None)
        {
            pending.Refuse(slot, PartitionErrors.Code(refusal), PartitionErrors.Message(refusal, fault, handle.Partition, handle.Settings));
            return;
        }

        pending.Expect(slot, handle);
        handle.Actor.Tell(
            new PartitionProtocol.Append(new RequestKey(call.Session, call.Id, slot), acks, LeaderEpoch.None, Owned(call, records)), call.Session);
    }

    /// <summary>The partition writes offset and epoch into the batch, so it must be ours alone.</summary>
    private static Memory<byte> Owned(ApiCall call, ReadOnlyMemory<byte> records) =>
        call.OwnsBuffers ? MemoryMarshal.AsMemory(records) : records.ToArray();
}
