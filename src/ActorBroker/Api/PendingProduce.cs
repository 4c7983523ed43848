using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Api;

/// <summary>A produce whose partitions answer one by one. Slots number the request's partitions in its order.</summary>
internal sealed class PendingProduce : IPendingCall
{
    private readonly ApiCall _call;
    private readonly ProduceRequest _request;
    private readonly Slot[] _slots;
    private int _open;

    public PendingProduce(ApiCall call, ProduceRequest request)
    {
        _call = call;
        _request = request;
        var count = 0;
        foreach (var topic in request.TopicData) count += topic.PartitionData.Count;
        _slots = new Slot[count];
    }

    private struct Slot
    {
        /// <summary>Set while the partition's answer is awaited.</summary>
        public bool IsOpen;

        public PartitionHandle? Handle;
        public ProduceResponse.PartitionProduceResponse? Refusal;
        public PartitionProtocol.AppendReply? Reply;
    }

    public void Refuse(int slot, ErrorCode code, string? message) => _slots[slot].Refusal = new ProduceResponse.PartitionProduceResponse
    {
        ErrorCode = code,
        ErrorMessage = message,
        BaseOffset = -1,
    };

    public void RefuseAll(ErrorCode code, string message)
    {
        for (var slot = 0; slot < _slots.Length; slot++) Refuse(slot, code, message);
    }

    public void Expect(int slot, PartitionHandle handle)
    {
        _slots[slot].Handle = handle;
        _slots[slot].IsOpen = true;
        _open++;
    }

    /// <summary>
    /// All has been sent: answers now, or waits for the partitions as long as the client lets it. A produce with acks=0
    /// waits as well, though for silence: until it is written, it counts against what its client may have under way.
    /// </summary>
    public void Begin()
    {
        if (_open == 0) Answer();
        else _call.Await(this, TimeSpan.FromMilliseconds(Math.Max(_request.TimeoutMs, 0)));
    }

    public void OnReply(ICallReply reply)
    {
        var append = (PartitionProtocol.AppendReply)reply;
        ref var slot = ref _slots[append.Slot];
        if (!slot.IsOpen) return;
        slot.IsOpen = false;
        slot.Reply = append;
        if (--_open == 0) Answer();
    }

    /// <summary>Whether the open ones were written is unknown; the producer may retry.</summary>
    public void OnTimeout()
    {
        for (var slot = 0; slot < _slots.Length; slot++)
            if (_slots[slot].IsOpen) Refuse(slot, ErrorCode.RequestTimedOut, null);
        Answer();
    }

    /// <summary>What was sent to partitions is written all the same; their answers find nobody.</summary>
    public void OnAbandoned()
    {
    }

    private void Answer()
    {
        if (_request.Acks == (short)Acks.None)
        {
            _call.ReplyNothing(Array.TrueForAll(_slots, slot => slot.Refusal is null && slot.Reply is null or { Error: PartitionError.None }));
            return;
        }

        var topics = new ProduceResponse.TopicProduceResponse[_request.TopicData.Count];
        var slot = 0;
        for (var t = 0; t < topics.Length; t++)
        {
            var topic = _request.TopicData[t];
            var partitions = new ProduceResponse.PartitionProduceResponse[topic.PartitionData.Count];
            for (var p = 0; p < partitions.Length; p++)
                partitions[p] = Outcome(_slots[slot++], topic.PartitionData[p].Index);
            topics[t] = new ProduceResponse.TopicProduceResponse { Name = topic.Name, PartitionResponses = partitions };
        }

        _call.Reply(new ProduceResponse { Responses = topics });
    }

    private static ProduceResponse.PartitionProduceResponse Outcome(in Slot slot, int index)
    {
        if (slot.Refusal is { } refusal) return refusal with { Index = index };
        var reply = slot.Reply!;
        return new ProduceResponse.PartitionProduceResponse
        {
            Index = index,
            ErrorCode = PartitionErrors.Code(reply.Error),
            ErrorMessage = PartitionErrors.Message(reply.Error, slot.Handle!.Partition, slot.Handle.Settings),
            BaseOffset = reply.BaseOffset.Value,
            LogAppendTimeMs = reply.AppendTimeMs,
            LogStartOffset = reply.Error == PartitionError.None ? reply.LogStart.Value : -1,
        };
    }
}
