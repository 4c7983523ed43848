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

    /// <summary>Of records in the queue, and of those taken out of it that wait for memory as far as is known.</summary>
    private long _heldBytes;

    /// <summary>The reader's own: taken out since it last said what waits, and what that was.</summary>
    private long _takenBytes;
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

    public void Add(in OutgoingRecord record)
    {
        var size = record.SizeInBytes;
        var held = Interlocked.Add(ref _heldBytes, size);
        if (held > maxWaitingBytes && held > size)
        {
            Interlocked.Add(ref _heldBytes, -size);
            Fail(record, DeliveryFailure.BufferFull, $"records of {held - size} bytes wait for the producer already, as many as buffer.memory holds: wait for outcomes before sending more");
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
        OnAdmitted(0);
        FailAll();
    }

    /// <summary>The reader answers the signal; a record that comes in from now on signals again.</summary>
    public void OnReady() => Volatile.Write(ref _signalled, 0);

    public bool TryTake(out OutgoingRecord record)
    {
        if (!_queue.TryDequeue(out record))
            return false;
        _takenBytes += record.SizeInBytes;
        return true;
    }

    /// <summary>The reader has found room for all that it took, but for these bytes, which wait for memory.</summary>
    public void OnAdmitted(long waitingBytes)
    {
        Interlocked.Add(ref _heldBytes, waitingBytes - _waitingBytes - _takenBytes);
        (_waitingBytes, _takenBytes) = (waitingBytes, 0);
    }

    public void Signal()
    {
        if (Volatile.Read(ref _actor) is { } actor && Interlocked.Exchange(ref _signalled, 1) == 0)
            actor.Tell(Ready.Instance, ActorRefs.NoSender);
    }

    private void FailAll()
    {
        while (_queue.TryDequeue(out var record))
        {
            Interlocked.Add(ref _heldBytes, -record.SizeInBytes);
            Fail(record, DeliveryFailure.Closed, Closed);
        }
    }

    private static void Fail(in OutgoingRecord record, DeliveryFailure reason, string message) =>
        record.Delivery.Failed(record.Topic, record.Partition < 0 ? null : record.Partition, reason, Protocol.ErrorCode.None, message);

    public const string Closed = "the producer is closed";
}
