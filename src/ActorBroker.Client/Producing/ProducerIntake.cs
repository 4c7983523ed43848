using System.Collections.Concurrent;
using Akka.Actor;

namespace ActorBroker.Client;

/// <summary>
/// The way from any thread to a producer actor: a queue that costs one actor message per burst, not per record. The actor
/// is its only reader while it runs. What is in here, and what the actor has taken and found no memory for, is bounded: beyond
/// that a record fails at once, since its caller does not wait for the others.
/// </summary>
/// <param name="maxWaitingBytes">The bound; a single record may pass it.</param>
internal sealed class ProducerIntake(long maxWaitingBytes)
{
    private readonly ConcurrentQueue<OutgoingRecord> _queue = new();
    private long _queuedBytes;
    private long _waitingBytes;
    private IActorRef? _actor;
    private int _signalled;
    private volatile bool _closed;

    /// <summary>Tells the actor to read on.</summary>
    public sealed class Ready
    {
        public static readonly Ready Instance = new();
    }

    public bool IsClosed => _closed;

    /// <summary>Bytes that the actor has taken out and that wait for memory there; it says so after each look in here.</summary>
    public long WaitingBytes
    {
        get => Volatile.Read(ref _waitingBytes);
        set => Volatile.Write(ref _waitingBytes, value);
    }

    public void Add(in OutgoingRecord record)
    {
        var size = record.SizeInBytes;
        var waiting = Interlocked.Add(ref _queuedBytes, size) + WaitingBytes;
        if (waiting > maxWaitingBytes && waiting > size)
        {
            Interlocked.Add(ref _queuedBytes, -size);
            Fail(record, DeliveryFailure.BufferFull, $"records of {waiting - size} bytes wait for the producer already, as many as buffer.memory holds: wait for outcomes before sending more");
            return;
        }

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

    public bool TryTake(out OutgoingRecord record)
    {
        if (!_queue.TryDequeue(out record))
            return false;
        Interlocked.Add(ref _queuedBytes, -record.SizeInBytes);
        return true;
    }

    public void Signal()
    {
        if (Volatile.Read(ref _actor) is { } actor && Interlocked.Exchange(ref _signalled, 1) == 0)
            actor.Tell(Ready.Instance, ActorRefs.NoSender);
    }

    private void FailAll()
    {
        while (TryTake(out var record))
            Fail(record, DeliveryFailure.Closed, Closed);
    }

    private static void Fail(in OutgoingRecord record, DeliveryFailure reason, string message) =>
        record.Delivery.Failed(record.Topic, record.Partition < 0 ? null : record.Partition, reason, Protocol.ErrorCode.None, message);

    public const string Closed = "the producer is closed";
}
