#nullable disable annotations
using System.Runtime.CompilerServices;
using Akka.Actor;

namespace Akka.TestKit;

public abstract partial class TestKitBase
{
    /// <summary>The next message; null if none comes in time.</summary>
    public object ReceiveOne(TimeSpan? max = null, CancellationToken cancellationToken = default) =>
        Take(max, cancellationToken)?.Message;

    public async ValueTask<object> ReceiveOneAsync(TimeSpan? max = null, CancellationToken cancellationToken = default) =>
        (await TakeAsync(max, cancellationToken).ConfigureAwait(false))?.Message;

    public bool TryReceiveOne(out MessageEnvelope envelope, TimeSpan? max = null, CancellationToken cancellationToken = default) =>
        (envelope = Take(max, cancellationToken)) is not null;

    public async ValueTask<(bool success, MessageEnvelope envelope)> TryReceiveOneAsync(TimeSpan? max, CancellationToken cancellationToken = default)
    {
        var envelope = await TakeAsync(max, cancellationToken).ConfigureAwait(false);
        return (envelope is not null, envelope);
    }

    /// <summary>The next message, left in the queue; null if none comes in time.</summary>
    public object PeekOne(TimeSpan? max = null, CancellationToken cancellationToken = default) =>
        _queue.Take(RemainingOrDilated(max), cancellationToken, peek: true)?.Message;

    public async ValueTask<object> PeekOneAsync(TimeSpan? max = null, CancellationToken cancellationToken = default) =>
        (await _queue.TakeAsync(RemainingOrDilated(max), cancellationToken, peek: true).ConfigureAwait(false))?.Message;

    public bool TryPeekOne(out MessageEnvelope envelope, TimeSpan? max, CancellationToken cancellationToken) =>
        (envelope = _queue.Take(RemainingOrDilated(max), cancellationToken, peek: true)) is not null;

    /// <summary>Exactly this many messages, of any kind.</summary>
    public IReadOnlyCollection<object> ReceiveN(int numberOfMessages, CancellationToken cancellationToken = default) =>
        TakeMany(numberOfMessages, RemainingOrDefault, cancellationToken);

    public IReadOnlyCollection<object> ReceiveN(int numberOfMessages, TimeSpan max, CancellationToken cancellationToken = default) =>
        TakeMany(numberOfMessages, Dilated(max), cancellationToken);

    public IAsyncEnumerable<object> ReceiveNAsync(int numberOfMessages, CancellationToken cancellationToken = default) =>
        TakeManyAsync(numberOfMessages, RemainingOrDefault, cancellationToken);

    public IAsyncEnumerable<object> ReceiveNAsync(int numberOfMessages, TimeSpan max, CancellationToken cancellationToken = default) =>
        TakeManyAsync(numberOfMessages, Dilated(max), cancellationToken);

    /// <summary>Takes messages for as long as they are of this type and the function does not return null for them; the one that ends it stays in the queue.</summary>
    public IReadOnlyList<T> ReceiveWhile<T>(TimeSpan? max, Func<object, T> filter, int msgs = int.MaxValue, CancellationToken cancellationToken = default) where T : class =>
        ReceiveWhile(filter, max, Timeout.InfiniteTimeSpan, msgs, cancellationToken);

    public IReadOnlyList<T> ReceiveWhile<T>(TimeSpan? max, TimeSpan? idle, Func<object, T> filter, int msgs = int.MaxValue, CancellationToken cancellationToken = default) where T : class =>
        ReceiveWhile(filter, max, idle, msgs, cancellationToken);

    public IReadOnlyList<T> ReceiveWhile<T>(Func<object, T> filter, TimeSpan? max = null, TimeSpan? idle = null, int msgs = int.MaxValue, CancellationToken cancellationToken = default)
        where T : class
    {
        var taken = new List<T>();
        var end = Now + RemainingOrDilated(max);
        var pause = idle is { } i && i >= TimeSpan.Zero ? i : TimeSpan.MaxValue;
        while (taken.Count < msgs && _queue.Take(Shorter(Left(end), pause), cancellationToken, peek: true) is { } next && filter(next.Message) is { } wanted)
        {
            _last = _queue.Take(TimeSpan.Zero, cancellationToken, peek: false);
            taken.Add(wanted);
        }
        _lastWasSilence = true;
        return taken;
    }

    public IReadOnlyList<T> ReceiveWhile<T>(Predicate<T> shouldContinue, TimeSpan? max = null, TimeSpan? idle = null, int msgs = int.MaxValue, bool shouldIgnoreOtherMessageTypes = true, CancellationToken cancellationToken = default)
        where T : class
    {
        var taken = new List<T>();
        var end = Now + RemainingOrDilated(max);
        var pause = idle is { } i && i >= TimeSpan.Zero ? i : TimeSpan.MaxValue;
        while (taken.Count < msgs && _queue.Take(Shorter(Left(end), pause), cancellationToken, peek: true) is { } next)
        {
            if (next.Message is T t ? !shouldContinue(t) : !shouldIgnoreOtherMessageTypes)
                break;
            _last = _queue.Take(TimeSpan.Zero, cancellationToken, peek: false);
            if (next.Message is T wanted)
                taken.Add(wanted);
        }
        _lastWasSilence = true;
        return taken;
    }

    /// <summary>Takes messages until one is accepted; the others are dropped.</summary>
    public object FishForMessage(Predicate<object> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) =>
        FishForMessage<object>(isMessage, null, max, hint, cancellationToken);

    public T FishForMessage<T>(Predicate<T> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) =>
        FishForMessage(isMessage, null, max, hint, cancellationToken);

    /// <param name="isMessage">Accepts the message looked for.</param>
    /// <param name="allMessages">Gets every message that was dropped.</param>
    /// <param name="max">How long to look.</param>
    /// <param name="hint">Added to the failure.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public T FishForMessage<T>(Predicate<T> isMessage, System.Collections.ArrayList allMessages, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default)
    {
        var limit = RemainingOrDilated(max);
        var end = Now + limit;
        while (Record(_queue.Take(Left(end), cancellationToken, peek: false)) is { } envelope)
        {
            if (envelope.Message is T t && isMessage(t))
                return t;
            allMessages?.Add(envelope.Message);
        }
        Fail($"no accepted message of type {typeof(T)} within {limit}", hint);
        return default;
    }

    public ValueTask<object> FishForMessageAsync(Predicate<object> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) =>
        FishForMessageAsync<object>(isMessage, max, hint, cancellationToken);

    public async ValueTask<T> FishForMessageAsync<T>(Predicate<T> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default)
    {
        var limit = RemainingOrDilated(max);
        var end = Now + limit;
        while (Record(await _queue.TakeAsync(Left(end), cancellationToken, peek: false).ConfigureAwait(false)) is { } envelope)
        {
            if (envelope.Message is T t && isMessage(t))
                return t;
        }
        Fail($"no accepted message of type {typeof(T)} within {limit}", hint);
        return default;
    }

    private MessageEnvelope Take(TimeSpan? timeout, CancellationToken cancellationToken) =>
        Record(_queue.Take(RemainingOrDilated(timeout), cancellationToken, peek: false));

    private async ValueTask<MessageEnvelope> TakeAsync(TimeSpan? timeout, CancellationToken cancellationToken) =>
        Record(await _queue.TakeAsync(RemainingOrDilated(timeout), cancellationToken, peek: false).ConfigureAwait(false));

    private MessageEnvelope Record(MessageEnvelope envelope)
    {
        _lastWasSilence = false;
        _last = envelope ?? NullMessageEnvelope.Instance;
        return envelope;
    }

    private List<object> TakeMany(int count, TimeSpan limit, CancellationToken cancellationToken)
    {
        var taken = new List<object>(count);
        var end = Now + limit;
        while (taken.Count < count)
        {
            var envelope = Record(_queue.Take(Left(end), cancellationToken, peek: false));
            if (envelope is null)
                Fail($"{taken.Count} of {count} messages within {limit}: [{string.Join(", ", taken)}]", null);
            taken.Add(envelope.Message);
        }
        return taken;
    }

    private async IAsyncEnumerable<object> TakeManyAsync(int count, TimeSpan limit, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var end = Now + limit;
        for (var i = 0; i < count; i++)
        {
            var envelope = Record(await _queue.TakeAsync(Left(end), cancellationToken, peek: false).ConfigureAwait(false));
            if (envelope is null)
                Fail($"{i} of {count} messages within {limit}", null);
            yield return envelope.Message;
        }
    }

    private static TimeSpan Left(TimeSpan end) => end - Now is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
