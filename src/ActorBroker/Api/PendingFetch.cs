using System.Globalization;
using ActorBroker.Log;
using ActorBroker.Messaging;
using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Api;

/// <summary>
/// A fetch that may wait. It is answered when it has found min_bytes, when a partition has an error, or when max_wait is
/// over. Waiting is a registration in each partition's actor, which tells once that more is committed; what was appended
/// since is then known from the views, so nothing is read again before it can be enough.
/// Invariant: a slot waits at the handle it was last read at, so waits are taken back before reading again.
/// </summary>
internal sealed class PendingFetch(ApiCall call, FetchRequest request, FetchReader reader) : IPendingCall
{
    public void Begin()
    {
        reader.Read();
        if (request.MaxWaitMs <= 0 || reader.Slots.Count == 0 || IsEnough)
        {
            Answer();
            return;
        }

        call.Await(this, TimeSpan.FromMilliseconds(request.MaxWaitMs));
        RegisterAll();
    }

    public void OnReply(ICallReply reply)
    {
        var ready = (PartitionProtocol.DataReady)reply;
        var slot = reader.Slots[ready.Slot];
        slot.IsWaiting = false;
        if (ready.Error == PartitionError.None && reader.Found + AppendedSince() < reader.Wanted)
        {
            Register(ready.Slot, slot.Handle!.View.HighWatermark);
            return;
        }

        CancelWaits();
        reader.Read();
        if (IsEnough)
            Answer();
        else
            RegisterAll();
    }

    public void OnTimeout()
    {
        CancelWaits();
        reader.Read();
        Answer();
    }

    public void OnAbandoned() => CancelWaits();

    private bool IsEnough => reader.HasError || reader.Found >= reader.Wanted;

    /// <summary>Every slot was read just now without error, so each has its handle and view.</summary>
    private void RegisterAll()
    {
        for (var slot = 0; slot < reader.Slots.Count; slot++) Register(slot, reader.Slots[slot].View!.HighWatermark);
        reader.Release();
    }

    private long AppendedSince()
    {
        var bytes = 0L;
        foreach (var slot in reader.Slots) bytes += slot.Handle!.View.AppliedBytes - slot.View!.AppliedBytes;
        return bytes;
    }

    private void Register(int index, Offset seen)
    {
        var slot = reader.Slots[index];
        slot.IsWaiting = true;
        slot.Handle!.Actor.Tell(
            new PartitionProtocol.AwaitData(Key(index), new LeaderEpoch(slot.Request.CurrentLeaderEpoch), seen), call.Session);
    }

    private void CancelWaits()
    {
        for (var index = 0; index < reader.Slots.Count; index++)
        {
            var slot = reader.Slots[index];
            if (!slot.IsWaiting) continue;
            slot.IsWaiting = false;
            slot.Handle!.Actor.Tell(new PartitionProtocol.CancelWait(Key(index)), call.Session);
        }
    }

    private RequestKey Key(int slot) => new(call.Session, call.Id, slot);

    private void Answer()
    {
        foreach (var slot in reader.Slots)
            if (slot.Unsendable > 0 && reader.Found == 0)
            {
                FailAsTooLarge(slot);
                return;
            }

        var topics = new FetchResponse.FetchableTopicResponse[request.Topics.Count];
        var next = 0;
        for (var t = 0; t < topics.Length; t++)
        {
            var topic = request.Topics[t];
            var partitions = new FetchResponse.PartitionData[topic.Partitions.Count];
            for (var p = 0; p < partitions.Length; p++) partitions[p] = Outcome(reader.Slots[next++]);
            topics[t] = new FetchResponse.FetchableTopicResponse { Topic = topic.Topic, TopicId = topic.TopicId, Partitions = partitions };
        }

        call.Reply(new FetchResponse { Responses = topics });
    }

    private FetchResponse.PartitionData Outcome(FetchSlot slot)
    {
        var highWatermark = slot.View?.HighWatermark.Value ?? -1;
        return new FetchResponse.PartitionData
        {
            PartitionIndex = slot.Request.Partition,
            ErrorCode = slot.Error,
            HighWatermark = highWatermark,
            LastStableOffset = highWatermark,
            LogStartOffset = slot.View?.LogStart.Value ?? -1,
            AbortedTransactions = request.IsolationLevel == IsolationLevel.ReadCommitted ? [] : null,
            Records = slot.Records,
        };
    }

    /// <summary>The one case in which a fetch can make no progress at all: so the reader must hear what to change.</summary>
    private void FailAsTooLarge(FetchSlot slot)
    {
        var needed = (slot.Unsendable + reader.Overhead).ToString(CultureInfo.InvariantCulture);
        var frame = (slot.Unsendable + reader.Overhead + ApiRequest.FrameReserve).ToString(CultureInfo.InvariantCulture);
        var allowed = call.Context.MaxResponseBytes.ToString(CultureInfo.InvariantCulture);
        call.Fail(
            ErrorCode.MessageTooLarge,
            $"The batch at offset {slot.Request.FetchOffset.ToString(CultureInfo.InvariantCulture)} of {slot.Handle!.Partition} needs a response of {needed} bytes, " +
            $"and this client takes {allowed}: set akka.remote.dot-netty.tcp.maximum-frame-size to at least {frame}b in the client's system.");
    }
}
