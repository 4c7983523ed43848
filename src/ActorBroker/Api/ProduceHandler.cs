using System.Runtime.InteropServices;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Api;

/// <summary>
/// Produce: judges each batch, sends it to its partition, and answers when all partitions have. A partition may occur several
/// times in a request, as our own producer does with several batches that wait: each occurrence is one batch, written in
/// the request's order and answered at the same place in the response. Those behind one that is refused for now (the producer
/// will send it again) are refused as it is, so that order holds.
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
        var runs = new Dictionary<(string Topic, int Index), Run>();
        var slot = 0;
        foreach (var topic in request.TopicData)
        {
            foreach (var partition in topic.PartitionData)
            {
                ref var run = ref CollectionsMarshal.GetValueRefOrAddDefault(runs, (topic.Name, partition.Index), out _);
                run ??= Locate(call, topic.Name, partition.Index);
                Add(call, (Acks)request.Acks, run, partition.Records.GetValueOrDefault(), slot++, nowMs, pending);
            }
        }

        foreach (var run in runs.Values)
            if (run.First is { } first) run.Handle!.Actor.Tell(first, call.Session);
    }

    private Run Locate(ApiCall call, string topic, int index)
    {
        var located = locator.Find(call.Context, AclOperation.Write, topic, Guid.Empty, index);
        if (located.Handle is null) return new Run { Refusal = (located.Error, null) };
        if (located.IsInternal) return new Run { Refusal = (ErrorCode.InvalidTopicException, $"{topic} is internal: only the broker writes to it.") };
        return new Run { Handle = located.Handle };
    }

    private static void Add(ApiCall call, Acks acks, Run run, ReadOnlyMemory<byte> records, int slot, long nowMs, PendingProduce pending)
    {
        if (run.Refusal is var (error, message))
        {
            pending.Refuse(slot, error, message);
            return;
        }

        var handle = run.Handle!;
        var refusal = BatchAdmission.Judge(records.Span, handle.Settings, nowMs, out var fault);
        if (refusal != BatchRefusal.None)
        {
            var refused = (Code: PartitionErrors.Code(refusal), Message: PartitionErrors.Message(refusal, fault, handle.Partition, handle.Settings));
            // What would be the same the next time holds nobody up.
            if (refused.Code.IsRetriable()) run.Refusal = refused;
            pending.Refuse(slot, refused.Code, refused.Message);
            return;
        }

        pending.Expect(slot, handle);
        var append = new PartitionProtocol.Append(new RequestKey(call.Session, call.Id, slot), acks, LeaderEpoch.None, Owned(call, records));
        if (run.Last is null) run.First = append;
        else run.Last.Next = append;
        run.Last = append;
    }

    /// <summary>The partition writes offset and epoch into the batch, so it must be ours alone.</summary>
    private static Memory<byte> Owned(ApiCall call, ReadOnlyMemory<byte> records) =>
        call.OwnsBuffers ? MemoryMarshal.AsMemory(records) : records.ToArray();

    /// <summary>The batches of one partition in a request, in order: once one is refused for now, so are those behind it.</summary>
    private sealed class Run
    {
        /// <summary>Null where there is a refusal from the beginning.</summary>
        public PartitionHandle? Handle { get; init; }

        public (ErrorCode Code, string? Message)? Refusal { get; set; }

        public PartitionProtocol.Append? First { get; set; }

        public PartitionProtocol.Append? Last { get; set; }
    }
}
