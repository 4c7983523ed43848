using System.Collections.Concurrent;
using Akka.Actor;

namespace Akka.Dispatch
{
    public interface ISemantics;

    public interface IUnboundedMessageQueueSemantics : ISemantics;

    public interface IBoundedMessageQueueSemantics : ISemantics
    {
        TimeSpan PushTimeOut { get; }
    }

    public interface IDequeBasedMessageQueueSemantics : ISemantics
    {
        /// <summary>Only for the actor that owns the mailbox, while it runs.</summary>
        void EnqueueFirst(Envelope envelope);
    }

    public interface IUnboundedDequeBasedMessageQueueSemantics : IDequeBasedMessageQueueSemantics, IUnboundedMessageQueueSemantics;

    public interface IBoundedDequeBasedMessageQueueSemantics : IBoundedMessageQueueSemantics, IDequeBasedMessageQueueSemantics;

    public interface IMultipleConsumerSemantics : ISemantics;

    /// <summary>An actor's wish for a kind of mailbox.</summary>
    public interface IRequiresMessageQueue<T> where T : ISemantics;

    /// <summary>A mailbox type's promise of what it makes.</summary>
    public interface IProducesMessageQueue<TQueue> where TQueue : MessageQueues.IMessageQueue;

    public interface IProducesPushTimeoutSemanticsMailbox
    {
        TimeSpan PushTimeout { get; }
    }
}

namespace Akka.Dispatch.MessageQueues
{
    /// <summary>Filled by any thread, emptied by the thread that runs the actor.</summary>
    public interface IMessageQueue
    {
        bool HasMessages { get; }
        int Count { get; }
        void Enqueue(IActorRef receiver, Envelope envelope);
        bool TryDequeue(out Envelope envelope);
        void CleanUp(IActorRef owner, IMessageQueue deadletters);
    }

    public class UnboundedMessageQueue : IMessageQueue, IUnboundedMessageQueueSemantics
    {
        private readonly ConcurrentQueue<Envelope> _queue = new();

        public bool HasMessages => !_queue.IsEmpty;
        public int Count => _queue.Count;
        public void Enqueue(IActorRef receiver, Envelope envelope) => _queue.Enqueue(envelope);
        public bool TryDequeue(out Envelope envelope) => _queue.TryDequeue(out envelope);

        public void CleanUp(IActorRef owner, IMessageQueue deadletters)
        {
            while (TryDequeue(out var envelope))
                deadletters.Enqueue(owner, envelope);
        }
    }

    /// <summary>Adds a front end, for the owner only, to another queue.</summary>
    public class DequeWrapperMessageQueue(IMessageQueue messageQueue) : IMessageQueue, IDequeBasedMessageQueueSemantics
    {
        private readonly Stack<Envelope> _front = new();
        private volatile int _frontCount;

        protected IMessageQueue MessageQueue { get; } = messageQueue;

        public bool HasMessages => _frontCount > 0 || MessageQueue.HasMessages;
        public int Count => _frontCount + MessageQueue.Count;
        public void Enqueue(IActorRef receiver, Envelope envelope) => MessageQueue.Enqueue(receiver, envelope);

        public void EnqueueFirst(Envelope envelope)
        {
            _front.Push(envelope);
            _frontCount = _front.Count;
        }

        public bool TryDequeue(out Envelope envelope)
        {
            if (_frontCount == 0)
                return MessageQueue.TryDequeue(out envelope);
            envelope = _front.Pop();
            _frontCount = _front.Count;
            return true;
        }

        public void CleanUp(IActorRef owner, IMessageQueue deadletters)
        {
            while (TryDequeue(out var envelope))
                deadletters.Enqueue(owner, envelope);
        }
    }

    public class UnboundedDequeMessageQueue() : DequeWrapperMessageQueue(new UnboundedMessageQueue()), IUnboundedDequeBasedMessageQueueSemantics;

    public class BoundedDequeMessageQueue(int boundedCapacity, TimeSpan pushTimeOut)
        : DequeWrapperMessageQueue(new BoundedMessageQueue(boundedCapacity, pushTimeOut)), IBoundedDequeBasedMessageQueueSemantics
    {
        public TimeSpan PushTimeOut { get; } = pushTimeOut;
    }

    /// <summary>A full queue blocks its producer for the push timeout, then the message is a dead letter.</summary>
    public class BoundedMessageQueue(int boundedCapacity, TimeSpan pushTimeOut) : IMessageQueue, IBoundedMessageQueueSemantics
    {
        private readonly BlockingCollection<Envelope> _queue = new(new ConcurrentQueue<Envelope>(), boundedCapacity);

        public TimeSpan PushTimeOut { get; } = pushTimeOut;
        public bool HasMessages => _queue.Count > 0;
        public int Count => _queue.Count;

        public void Enqueue(IActorRef receiver, Envelope envelope)
        {
            var patience = PushTimeOut < TimeSpan.Zero || PushTimeOut.TotalMilliseconds > int.MaxValue ? Timeout.InfiniteTimeSpan : PushTimeOut;
            if (!_queue.TryAdd(envelope, patience))
                ((IInternalActorRef)receiver).Provider.DeadLetters.Tell(
                    new Akka.Event.DeadLetter(envelope.Message, envelope.Sender, receiver), envelope.Sender);
        }

        public bool TryDequeue(out Envelope envelope) => _queue.TryTake(out envelope);

        public void CleanUp(IActorRef owner, IMessageQueue deadletters)
        {
            while (TryDequeue(out var envelope))
                deadletters.Enqueue(owner, envelope);
        }
    }

    /// <summary>Lowest number first; equal ones in the order of arrival.</summary>
    public class UnboundedPriorityMessageQueue(Func<object, int> priorityGenerator, int initialCapacity)
        : IMessageQueue, IUnboundedDequeBasedMessageQueueSemantics
    {
        private readonly PriorityQueue<Envelope, (int, long)> _queue = new(initialCapacity);
        private readonly Stack<Envelope> _front = new();
        private long _arrivals;

        public bool HasMessages => Count > 0;

        public int Count
        {
            get
            {
                lock (_queue)
                    return _queue.Count + _front.Count;
            }
        }

        public void Enqueue(IActorRef receiver, Envelope envelope)
        {
            var priority = priorityGenerator(envelope.Message);
            lock (_queue)
                _queue.Enqueue(envelope, (priority, _arrivals++));
        }

        public void EnqueueFirst(Envelope envelope)
        {
            lock (_queue)
                _front.Push(envelope);
        }

        public bool TryDequeue(out Envelope envelope)
        {
            lock (_queue)
                return _front.TryPop(out envelope) || _queue.TryDequeue(out envelope, out _);
        }

        public void CleanUp(IActorRef owner, IMessageQueue deadletters)
        {
            while (TryDequeue(out var envelope))
                deadletters.Enqueue(owner, envelope);
        }
    }
}
