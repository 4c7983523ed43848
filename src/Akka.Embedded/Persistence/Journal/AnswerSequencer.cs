namespace Akka.Persistence.Journal;

/// <summary>
/// Writes end in any order, on any thread; their answers go out in the order in which the writes came. Reserve a slot for
/// each write, in order; complete each slot once.
/// </summary>
internal sealed class AnswerSequencer
{
    private readonly Lock _lock = new();
    private readonly Queue<Slot> _slots = new();
    private bool _sending;

    public Slot Reserve()
    {
        var slot = new Slot();
        lock (_lock) _slots.Enqueue(slot);
        return slot;
    }

    public void Complete(Slot slot, Action send)
    {
        lock (_lock)
        {
            slot.Send = send;
            if (_sending) return; // Whoever is sending comes to this slot when its turn is.
            _sending = true;
        }

        while (true)
        {
            Action next;
            lock (_lock)
            {
                if (!_slots.TryPeek(out var first) || first.Send is null)
                {
                    _sending = false;
                    return;
                }

                next = first.Send;
                _slots.Dequeue();
            }

            next();
        }
    }

    internal sealed class Slot
    {
        public Action? Send { get; set; }
    }
}
