using System.Collections.Concurrent;
using Akka.Actor;

namespace ActorBroker.Client;

/// <summary>
/// The way from any thread to a producer actor: a queue that costs one actor message per burst, not per record. The actor
/// is its only reader while it runs.
/// </summary>
internal sealed class ProducerIntake
{
    private readonly ConcurrentQueue<OutgoingRecord> _queue = new();
    private IActorRef? _actor;
    private int _signalled;
    private volatile bool _closed;

    /// <summary>Tells the actor to read on.</summary>
    public sealed class Ready
    {
        public static readonly Ready Instance = new();
    }

    public bool IsClosed => _closed;

    public void Add(in OutgoingRecord record)
    {
        _queue.Enqueue(record);
        if (_closed)
            FailAll();
        else
            Signal();
    }

    /// <summary>The actor that reads from now on; what came in before is for it.</summary>
    public void Open(IActorRef actor)
    {
        _actor = actor;
        _closed = false;
        if (!_queue.IsEmpty)
            Signal();
    }

    /// <summary>No one reads any more: everything in here, and whatever still comes, fails.</summary>
    public void Close()
    {
        _closed = true;
        FailAll();
    }

    /// <summary>The reader answers the signal; a record that comes in from now on signals again.</summary>
    public void OnReady() => Volatile.Write(ref _signalled, 0);

    public bool TryTake(out OutgoingRecord record) => _queue.TryDequeue(out record);

    public void Signal()
    {
        if (Volatile.Read(ref _actor) is { } actor && Interlocked.Exchange(ref _signalled, 1) == 0)
            actor.Tell(Ready.Instance, ActorRefs.NoSender);
    }

    private void FailAll()
    {
        while (_queue.TryDequeue(out var record))
        {
            int? partition = record.Partition < 0 ? null : record.Partition;
            record.Delivery.Failed(record.Topic, partition, DeliveryFailure.Closed, Protocol.ErrorCode.None, Closed);
        }
    }

    public const string Closed = "the producer is closed";
}
