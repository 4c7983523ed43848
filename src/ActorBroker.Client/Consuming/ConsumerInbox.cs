using System.Collections.Concurrent;
using System.Collections.Immutable;
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

/// <summary>Which batches no longer count, by partition: those before a seek, and those of partitions that went to others. Any thread.</summary>
internal sealed class VoidBatches
{
    private readonly ConcurrentDictionary<TopicPartition, int> _generations = new();
    private volatile int _changes;

    /// <summary>Grows with each change.</summary>
    public int Changes => _changes;

    /// <summary>Batches of this partition with a lower generation are void.</summary>
    public void Add(TopicPartition partition, int generation)
    {
        _generations.AddOrUpdate(partition, generation, (_, known) => Math.Max(known, generation));
        Interlocked.Increment(ref _changes);
    }

    public bool Holds(TopicPartition partition, int generation) =>
        _generations.TryGetValue(partition, out var current) && generation < current;
}

/// <summary>
/// What a consumer sent to a <see cref="ConsumerClient"/>, and how far its reader is. One reader;
/// <see cref="OnSought"/> alone may come from other threads.
/// </summary>
internal sealed class ConsumerInbox(ChannelReader<object> channel, VoidBatches voids, IActorRef consumer)
{
    private readonly HashSet<TopicPartition> _unfinished = [];

    /// <summary>The end of these was reported before a batch failed: it does not count until that has come again, or was put aside.</summary>
    private readonly HashSet<TopicPartition> _failed = [];
    private readonly HashSet<TopicPartition> _assigned = [];
    private ConsumerBatch? _batch;
    private int _index;
    private int _changesSeen;
    private bool _isSettled;
    private bool _takesBatches;

    /// <summary>A record of the current batch is left and still wanted.</summary>
    public bool HasRecord
    {
        get
        {
            if (_batch is null || _index == _batch.Records.Count)
                return false;
            if (voids.Changes == _changesSeen)
                return true;
            _changesSeen = voids.Changes;
            if (!voids.Holds(_batch.Partition, _batch.Generation))
                return true;
            _index = _batch.Records.Count;
            return false;
        }
    }

    public ConsumerRecord TakeRecord()
    {
        _takesBatches = false;
        return _batch!.Records[_index++];
    }

    /// <summary>What is left of the current batch.</summary>
    public ConsumerBatch TakeBatch()
    {
        var batch = _index == 0 ? _batch! : _batch! with { Records = [.. _batch.Records.Skip(_index)] };
        _takesBatches = true;
        _index = _batch!.Records.Count;
        return batch;
    }

    public void OnSought(Sought sought)
    {
        if (sought.IsAssigned)
            voids.Add(sought.Partition, sought.Generation);
    }

    /// <summary>How far the reader is within the current batch, with or without the last record it took; empty if that is nowhere.</summary>
    public IReadOnlyDictionary<TopicPartition, CommittedOffset> HandedOut(bool alsoLast)
    {
        var count = alsoLast ? _index : _takesBatches ? 0 : _index - 1;
        if (_batch is null || count <= 0 || voids.Holds(_batch.Partition, _batch.Generation))
            return ImmutableDictionary<TopicPartition, CommittedOffset>.Empty;
        var next = count < _batch.Records.Count ? _batch.Records[count].Offset : _batch.NextOffset;
        return ImmutableDictionary<TopicPartition, CommittedOffset>.Empty.Add(_batch.Partition, new CommittedOffset(next) { LeaderEpoch = _batch.Epoch });
    }

    /// <summary>The last record or batch taken could not be worked on: it comes again with those behind it.</summary>
    public void Fail(string reason)
    {
        if (_batch is null || _index == 0)
            throw new InvalidOperationException("No record is at hand that could have failed.");
        _unfinished.Add(_batch.Partition);
        _failed.Add(_batch.Partition);
        consumer.Tell(new Failed(_batch, reason, _takesBatches ? Offset.None : _batch.Records[_index - 1].Offset), ActorRefs.NoSender);
        _batch = null;
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
                else if (voids.Holds(batch.Partition, batch.Generation))
                {
                    consumer.Tell(new Processed(batch), ActorRefs.NoSender);
                }
                else
                {
                    _unfinished.Add(batch.Partition);
                    _failed.Remove(batch.Partition);
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

    /// <summary>A member of a group may have no partitions at all: then others read them to the end.</summary>
    private bool IsAtEnd => _isSettled && _unfinished.Count == 0;

    private void OnNotice(object notice)
    {
        switch (notice)
        {
            case PartitionsAssigned assigned:
                _isSettled = true;
                foreach (var partition in assigned.Partitions)
                {
                    if (_assigned.Add(partition))
                        _unfinished.Add(partition);
                }

                break;
            case PartitionsRevoked revoked:
                OnGone(revoked.Partitions);
                break;
            case PartitionsLost lost:
                OnGone(lost.Partitions);
                break;
            case DeadLettered letter:
                _failed.Remove(letter.Partition);
                break;
            case ReachedEnd end when !voids.Holds(end.Partition, end.Generation) && !_failed.Contains(end.Partition):
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
            case GroupFailed failed when failed.IsFinal || _assigned.Count == 0:
                throw new ConsumerException(failed.Error, failed.Message);
            case DeadLetterFailed failed:
                throw new ConsumerException(
                    ErrorCode.UnknownServerError, $"offset {failed.Offset} can't be written to the dead-letter topic {failed.Topic}: {failed.Message}", failed.Partition);
        }
    }

    /// <summary>Until the rebalance is over nobody knows what there is to read.</summary>
    private void OnGone(IReadOnlyList<TopicPartition> partitions)
    {
        _isSettled = false;
        _assigned.ExceptWith(partitions);
        _unfinished.ExceptWith(partitions);
        _failed.ExceptWith(partitions);
    }
}

/// <summary>The consumer's target and parent: passes what it gets into a channel, and commands on to it.</summary>
internal sealed class ConsumerBridge : UntypedActor
{
    private readonly ChannelWriter<object> _inbox;
    private readonly VoidBatches _voids;
    private readonly Dictionary<TopicPartition, int> _generations = [];
    private readonly IActorRef _consumer;

    public ConsumerBridge(ConsumerSettings settings, ChannelWriter<object> inbox, VoidBatches voids)
    {
        _inbox = inbox;
        _voids = voids;
        _consumer = Context.ActorOf(Consumer.Props(settings, Self), "consumer");
        Context.Watch(_consumer);
    }

    public static Props Props(ConsumerSettings settings, ChannelWriter<object> inbox, VoidBatches voids)
    {
        Consumer.Check(settings);
        return Akka.Actor.Props.Create(() => new ConsumerBridge(settings, inbox, voids));
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Processed or Failed or Seek or Client.Pause or Client.Resume or GetConsumerPositions or CommitOffsets or StopConsumer:
                _consumer.Forward(message);
                return;
            case Terminated:
                Context.Stop(Self);
                return;
            case ConsumerBatch batch:
                _generations[batch.Partition] = batch.Generation;
                break;
            case PartitionsRevoked revoked:
                OnGone(revoked.Partitions);
                // Whoever awaits records can't be asked: what is not committed by now comes again, at the next member.
                _consumer.Tell(new Released(revoked), Self);
                break;
            case PartitionsLost lost:
                OnGone(lost.Partitions);
                break;
        }

        _inbox.TryWrite(message);
    }

    protected override void PostStop() => _inbox.TryComplete();

    /// <summary>At once, while the reader may be in the middle of a batch.</summary>
    private void OnGone(IReadOnlyList<TopicPartition> partitions)
    {
        foreach (var partition in partitions)
        {
            if (_generations.Remove(partition, out var generation))
                _voids.Add(partition, generation + 1);
        }
    }
}
