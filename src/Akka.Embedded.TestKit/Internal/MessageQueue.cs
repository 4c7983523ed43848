using System.Collections.Concurrent;

namespace Akka.TestKit.Internal;

/// <summary>What the test actor received and the test has not yet taken. One test reads it, blocking or not.</summary>
internal sealed class MessageQueue
{
    private readonly ConcurrentQueue<MessageEnvelope> _messages = new();
    // Counts the messages, so that a wait is one for a message.
    private readonly SemaphoreSlim _available = new(0);

    public bool HasMessages => !_messages.IsEmpty;

    public void Add(MessageEnvelope envelope)
    {
        _messages.Enqueue(envelope);
        _available.Release();
    }

    public MessageEnvelope? Take(TimeSpan timeout, CancellationToken cancellationToken, bool peek) =>
        _available.Wait(timeout, cancellationToken) ? Next(peek) : null;

    public async ValueTask<MessageEnvelope?> TakeAsync(TimeSpan timeout, CancellationToken cancellationToken, bool peek) =>
        await _available.WaitAsync(timeout, cancellationToken).ConfigureAwait(false) ? Next(peek) : null;

    private MessageEnvelope Next(bool peek)
    {
        MessageEnvelope? envelope;
        if (peek)
        {
            _messages.TryPeek(out envelope);
            _available.Release();
        }
        else
        {
            _messages.TryDequeue(out envelope);
        }
        return envelope!;
    }
}
