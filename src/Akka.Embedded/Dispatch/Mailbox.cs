using System.Diagnostics;
using Akka.Actor;
using Akka.Dispatch.MessageQueues;
using Akka.Dispatch.SysMsg;

namespace Akka.Dispatch;

public interface IRunnable : IThreadPoolWorkItem
{
    void Run();
}

public sealed class ActionRunnable(Action action) : IRunnable
{
    public void Run() => action();
    public void Execute() => action();
}

/// <summary>
/// The queues of one actor and the right to run it. Any thread puts in; the one thread that won the Scheduled flag takes out,
/// system messages first, and gives the flag back when done.
/// <para>No wake-up is lost: a producer publishes its message by an atomic operation before it looks at the flag, and the consumer
/// clears the flag by one before it looks for messages.</para>
/// </summary>
public class Mailbox : IRunnable
{
    private const int Closed = 1;
    private const int Scheduled = 2;
    private const int SuspendUnit = 4;
    private const int NoUserMessages = ~Scheduled;

    private static readonly SystemNode ClosedQueue = new(message: null!, next: null);

    private int _status;
    private SystemNode? _system;
    private ActorCell _cell = null!;

    private sealed class SystemNode(ISystemMessage message, SystemNode? next)
    {
        public readonly ISystemMessage Message = message;
        public SystemNode? Next = next;
    }

    public Mailbox(IMessageQueue messageQueue) => MessageQueue = messageQueue;

    public IMessageQueue MessageQueue { get; }
    public MessageDispatcher Dispatcher => _cell.Dispatcher;

    internal ActorCell Cell => _cell;
    internal bool IsClosed => (Volatile.Read(ref _status) & Closed) != 0;
    internal bool IsScheduled => (Volatile.Read(ref _status) & Scheduled) != 0;
    internal bool IsSuspended => Volatile.Read(ref _status) >= SuspendUnit;
    internal virtual bool HasSystemMessages => Volatile.Read(ref _system) is { } head && !ReferenceEquals(head, ClosedQueue);

    public virtual void SetActor(ActorCell actorCell) => _cell = actorCell;

    internal void Suspend() => Interlocked.Add(ref _status, SuspendUnit);

    internal void Resume()
    {
        while (true)
        {
            var status = Volatile.Read(ref _status);
            if (status < SuspendUnit || Interlocked.CompareExchange(ref _status, status - SuspendUnit, status) == status)
                return;
        }
    }

    internal bool CanBeScheduled(bool hasMessage, bool hasSystemMessage)
    {
        var status = Volatile.Read(ref _status);
        if ((status & (Closed | Scheduled)) != 0)
            return false;
        if (hasSystemMessage || HasSystemMessages)
            return true;
        return (status & NoUserMessages) == 0 && (hasMessage || MessageQueue.HasMessages);
    }

    internal bool TrySetScheduled()
    {
        while (true)
        {
            var status = Volatile.Read(ref _status);
            if ((status & (Closed | Scheduled)) != 0)
                return false;
            if (Interlocked.CompareExchange(ref _status, status | Scheduled, status) == status)
                return true;
        }
    }

    internal void SetIdle() => Interlocked.And(ref _status, ~Scheduled);

    internal virtual void SystemEnqueue(ISystemMessage message)
    {
        var node = new SystemNode(message, next: null);
        while (true)
        {
            var head = Volatile.Read(ref _system);
            if (ReferenceEquals(head, ClosedQueue))
            {
                _cell.SystemImpl.Mailboxes.DeadLetterMailbox.SystemEnqueueFor(_cell.SelfInternal, message);
                return;
            }
            node.Next = head;
            if (Interlocked.CompareExchange(ref _system, node, head) == head)
                return;
        }
    }

    public void Execute() => Run();

    public void Run()
    {
        var cell = _cell;
        var outer = ActorCell.Current;
        ActorCell.Current = cell;
        try
        {
            if (!IsClosed)
            {
                if (_system is not null)
                    ProcessSystemMessages(cell);
                ProcessMessages(cell);
            }
        }
        finally
        {
            ActorCell.Current = outer;
            SetIdle();
            cell.Dispatcher.RegisterForExecution(this, hasMessage: false, hasSystemMessage: false);
        }
    }

    private void ProcessMessages(ActorCell cell)
    {
        var dispatcher = cell.Dispatcher;
        var left = Math.Max(1, dispatcher.Throughput);
        var deadline = dispatcher.ThroughputDeadlineTime is { } ticks and > 0 ? Stopwatch.GetTimestamp() + dispatcher.DeadlineStopwatchTicks(ticks) : 0;
        var queue = MessageQueue;
        while ((Volatile.Read(ref _status) & NoUserMessages) == 0 && queue.TryDequeue(out var envelope))
        {
            cell.Invoke(envelope);
            if (Volatile.Read(ref _system) is not null)
                ProcessSystemMessages(cell);
            if (--left == 0 || (deadline != 0 && Stopwatch.GetTimestamp() >= deadline))
                return;
        }
    }

    private void ProcessSystemMessages(ActorCell cell)
    {
        while (!IsClosed && TakeSystemMessages(closeAfter: false) is { } node)
        {
            for (; node is not null; node = node.Next)
            {
                if (IsClosed)
                    cell.SystemImpl.Mailboxes.DeadLetterMailbox.SystemEnqueueFor(cell.SelfInternal, node.Message);
                else
                    cell.SystemInvoke(node.Message);
            }
        }
    }

    /// <summary>All that are there, oldest first.</summary>
    private SystemNode? TakeSystemMessages(bool closeAfter)
    {
        var newest = Interlocked.Exchange(ref _system, closeAfter ? ClosedQueue : null);
        if (ReferenceEquals(newest, ClosedQueue))
        {
            Volatile.Write(ref _system, ClosedQueue);
            return null;
        }
        SystemNode? oldest = null;
        while (newest is not null)
        {
            var next = newest.Next;
            newest.Next = oldest;
            oldest = newest;
            newest = next;
        }
        return oldest;
    }

    internal void BecomeClosed() => Interlocked.Or(ref _status, Closed);

    /// <summary>Sends what is left to the dead letters. Also for messages that were put in while the mailbox was being closed.</summary>
    public virtual void CleanUp()
    {
        var deadLetters = _cell.SystemImpl.Mailboxes.DeadLetterMailbox;
        for (var node = TakeSystemMessages(closeAfter: true); node is not null; node = node.Next)
            deadLetters.SystemEnqueueFor(_cell.SelfInternal, node.Message);
        lock (MessageQueue)
            MessageQueue.CleanUp(_cell.Self, deadLetters.MessageQueue);
    }
}

/// <summary>The mailbox of everyone who is gone.</summary>
public sealed class DeadLetterMailbox : Mailbox
{
    private readonly IActorRef _deadLetters;

    public DeadLetterMailbox(IActorRef deadLetters) : base(new DeadLetterQueue(deadLetters))
    {
        _deadLetters = deadLetters;
        BecomeClosed();
    }

    internal override bool HasSystemMessages => false;

    internal override void SystemEnqueue(ISystemMessage message)
        => _deadLetters.Tell(new Akka.Event.DeadLetter(message, _deadLetters, _deadLetters), ActorRefs.NoSender);

    internal void SystemEnqueueFor(IActorRef receiver, ISystemMessage message)
        => _deadLetters.Tell(new Akka.Event.DeadLetter(message, receiver, receiver), ActorRefs.NoSender);

    public override void CleanUp() { }

    private sealed class DeadLetterQueue(IActorRef deadLetters) : IMessageQueue
    {
        public int Count => 0;
        public bool HasMessages => false;

        public void Enqueue(IActorRef receiver, Envelope envelope)
        {
            if (envelope.Message is not Akka.Event.DeadLetter)
                deadLetters.Tell(new Akka.Event.DeadLetter(envelope.Message, envelope.Sender, receiver), envelope.Sender);
        }

        public bool TryDequeue(out Envelope envelope)
        {
            envelope = default;
            return false;
        }

        public void CleanUp(IActorRef owner, IMessageQueue deadletters) { }
    }
}
