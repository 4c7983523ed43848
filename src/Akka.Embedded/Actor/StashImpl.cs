using Akka.Dispatch;

namespace Akka.Actor.Internal;

internal sealed class StashImpl : IStash
{
    private readonly ActorCell _cell;
    private LinkedList<Envelope> _stashed = new();

    // Tells one delivery of a message from the next delivery of the same object.
    private int _lastEnvelopeId = -1;

    public StashImpl(ActorCell cell, bool unbounded)
    {
        _cell = cell;
        if (cell.Mailbox.MessageQueue is not IDequeBasedMessageQueueSemantics)
            throw new NotSupportedException(
                $"DequeBasedMailbox required, got: {cell.Mailbox.MessageQueue.GetType().Name}. A stash works only with a deque-based mailbox, e.g. akka.actor.mailbox.unbounded-deque-based");
        Capacity = unbounded ? Deploy.NoStashSize : ConfiguredCapacity(cell);
    }

    private static int ConfiguredCapacity(ActorCell cell)
        => cell.Props.Deploy.StashCapacity != Deploy.NoStashSize
            ? cell.Props.Deploy.StashCapacity
            : cell.System.Mailboxes.StashCapacity(cell.Props.Deploy.Dispatcher, cell.Props.Mailbox);

    public int Capacity { get; }
    public int Count => _stashed.Count;
    public bool IsEmpty => _stashed.Count == 0;
    public bool NonEmpty => _stashed.Count > 0;
    public bool IsFull => Capacity >= 0 && _stashed.Count >= Capacity;

    public void Stash()
    {
        var message = _cell.CurrentMessage ?? throw new IllegalActorStateException("There is no current message to stash.");
        if (_lastEnvelopeId == _cell.CurrentEnvelopeId)
            throw new IllegalActorStateException($"Can't stash the same message {message} more than once");
        if (IsFull)
            throw new StashOverflowException($"Couldn't enqueue message {message} from {_cell.Sender} to stash of {_cell.Self}");
        _lastEnvelopeId = _cell.CurrentEnvelopeId;
        _stashed.AddLast(new Envelope(message, _cell.Sender));
    }

    public void Unstash()
    {
        if (_stashed.First is not { } first)
            return;
        _stashed.RemoveFirst();
        EnqueueFirst(first.Value);
    }

    public void UnstashAll() => UnstashAll(static _ => true);

    public void UnstashAll(Func<Envelope, bool> predicate)
    {
        if (_stashed.Count == 0)
            return;
        var stashed = _stashed;
        _stashed = new LinkedList<Envelope>();
        for (var node = stashed.Last; node is not null; node = node.Previous)
            if (predicate(node.Value))
                EnqueueFirst(node.Value);
    }

    public IEnumerable<Envelope> ClearStash()
    {
        var stashed = _stashed;
        _stashed = new LinkedList<Envelope>();
        return stashed;
    }

    public void Prepend(IEnumerable<Envelope> envelopes)
    {
        foreach (var envelope in envelopes.Reverse())
            _stashed.AddFirst(envelope);
    }

    private void EnqueueFirst(Envelope envelope)
        => ((IDequeBasedMessageQueueSemantics)_cell.Mailbox.MessageQueue).EnqueueFirst(envelope);
}
