using System.Collections.Concurrent;
using System.Threading.Channels;
using ActorBroker.Log;
using ActorBroker.Protocol;
using Akka.Actor;

namespace ActorBroker.Client;

/// <summary>Reading can't go on: a topic or partition failed, or no broker answered at the start.</summary>
public sealed class ConsumerException(ErrorCode error, string message, TopicPartition? partition = null) : Exception(message)
{
    /// <summary>None if no broker answered.</summary>
    public ErrorCode Error { get; } = error;

    public TopicPartition? Partition { get; } = partition;

    public bool IsUnreachable => Error == ErrorCode.None;
}

/// <summary>
/// What a consumer sent to a <see cref="ConsumerClient"/>, and how far its reader is. One reader;
/// <see cref="OnSought"/> alone may come from other threads.
/// </summary>
internal sealed class ConsumerInbox(ChannelReader<object> channel, IActorRef consumer)
{
    private readonly ConcurrentDictionary<TopicPartition, int> _generations = new();
    private readonly HashSet<TopicPartition> _unfinished = [];
    private readonly HashSet<TopicPartition> _assigned = [];
    private ConsumerBatch? _batch;
    private int _index;
    private volatile int _seeks;
    private int _seeksSeen;

    /// <summary>A record of the current batch is left and still wanted.</summary>
    public bool HasRecord
    {
        get
        {
            if (_batch is null || _index == _batch.Records.Count)
                return false;
            if (_seeks == _seeksSeen)
                return true;
            _seeksSeen = _seeks;
            if (!IsStale(_batch.Partition, _batch.Generation))
                return true;
            _index = _batch.Records.Count;
            return false;
        }
    }

    public ConsumerRecord TakeRecord() => _batch!.Records[_index++];

    /// <summary>What is left of the current batch.</summary>
    public ConsumerBatch TakeBatch()
    {
        var batch = _index == 0 ? _batch! : _batch! with { Records = [.. _batch.Records.Skip(_index)] };
        _index = _batch!.Records.Count;
        return batch;
    }

    public void OnSought(Sought sought)
    {
        if (!sought.IsAssigned)
            return;
        _generations.AddOrUpdate(sought.Partition, sought.Generation, (_, known) => Math.Max(known, sought.Generation));
        Interlocked.Increment(ref _seeks);
    }

    /// <summary>Answers for the current batch and waits for the next; false at the end asked for, or when the consumer stopped.</summary>
    /// <exception cref="ConsumerException">A topic or partition can't be read, or no broker answered at the start.</exception>
    public async ValueTask<bool> NextBatchAsync(bool untilEnd, CancellationToken cancellation)
    {
        if (_batch is not null)
            consumer.Tell(new Processed(_batch), ActorRefs.NoSender);
        _batch = null;
        do
        {
            while (channel.TryRead(out var item))
            {
                if (item is not ConsumerBatch batch)
                {
                    OnNotice(item);
                    if (untilEnd && IsAtEnd)
                        return false;
                }
                else if (IsStale(batch.Partition, batch.Generation))
                {
                    consumer.Tell(new Processed(batch), ActorRefs.NoSender);
                }
                else
                {
                    _unfinished.Add(batch.Partition);
                    (_batch, _index) = (batch, 0);
                    return true;
                }
            }

            if (untilEnd && IsAtEnd)
                return false;
        }
        while (await channel.WaitToReadAsync(cancellation));
        return false;
    }

    private bool IsAtEnd => _assigned.Count > 0 && _unfinished.Count == 0;

    private bool IsStale(TopicPartition partition, int generation) =>
        _generations.TryGetValue(partition, out var current) && generation < current;

    private void OnNotice(object notice)
    {
        switch (notice)
        {
            case PartitionsAssigned assigned:
                foreach (var partition in assigned.Partitions)
                {
                    if (_assigned.Add(partition))
                        _unfinished.Add(partition);
                }

                break;
            case ReachedEnd end when !IsStale(end.Partition, end.Generation):
                _unfinished.Remove(end.Partition);
                break;
            case PartitionSought sought:
                _unfinished.Add(sought.Partition);
                break;
            case PartitionFailed failed:
                throw new ConsumerException(failed.Error, failed.Message, failed.Partition);
            case TopicFailed failed:
                throw new ConsumerException(failed.Error, failed.Message);
            case ClusterUnreachable unreachable when _assigned.Count == 0:
                throw new ConsumerException(ErrorCode.None, unreachable.Message);
        }
    }
}

/// <summary>The consumer's target and parent: passes what it gets into a channel, and commands on to it.</summary>
internal sealed class ConsumerBridge : UntypedActor
{
    private readonly ChannelWriter<object> _inbox;
    private readonly IActorRef _consumer;

    public ConsumerBridge(ConsumerSettings settings, ChannelWriter<object> inbox)
    {
        _inbox = inbox;
        _consumer = Context.ActorOf(Consumer.Props(settings, Self), "consumer");
    }

    public static Props Props(ConsumerSettings settings, ChannelWriter<object> inbox)
    {
        Consumer.Check(settings);
        return Akka.Actor.Props.Create(() => new ConsumerBridge(settings, inbox));
    }

    protected override void OnReceive(object message)
    {
        if (message is Processed or Seek or Client.Pause or Client.Resume or GetConsumerPositions)
            _consumer.Forward(message);
        else
            _inbox.TryWrite(message);
    }

    protected override void PostStop() => _inbox.TryComplete();
}
