#nullable disable annotations
using Akka.Actor;

namespace Akka.TestKit;

public abstract partial class TestKitBase
{
    /// <summary>The next message, which must be of this type.</summary>
    public T ExpectMsg<T>(TimeSpan? duration = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>(null, duration, hint, cancellationToken);

    public T ExpectMsg<T>(T message, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>((m, _) => _assertions.AssertEqual(message, m, hint ?? ""), timeout, hint, cancellationToken);

    public T ExpectMsg<T>(Predicate<T> isMessage, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>((m, _) => Accept(isMessage(m), m, hint), timeout, hint, cancellationToken);

    public T ExpectMsg<T>(Action<T> assert, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>((m, _) => assert(m), timeout, hint, cancellationToken);

    public T ExpectMsg<T>(Func<T, IActorRef, bool> isMessageAndSender, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>((m, s) => Accept(isMessageAndSender(m, s), m, hint), timeout, hint, cancellationToken);

    public T ExpectMsg<T>(Action<T, IActorRef> assertMessageAndSender, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next(assertMessageAndSender, timeout, hint, cancellationToken);

    public T ExpectMsg<T>(T expected, Func<T, T, bool> comparer, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>((m, _) => _assertions.AssertEqual(expected, m, comparer, hint ?? ""), timeout, hint, cancellationToken);

    public ValueTask<T> ExpectMsgAsync<T>(TimeSpan? duration = null, string hint = null, CancellationToken cancellationToken = default) =>
        NextAsync<T>(null, duration, hint, cancellationToken);

    public ValueTask<T> ExpectMsgAsync<T>(T message, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        NextAsync<T>((m, _) => _assertions.AssertEqual(message, m, hint ?? ""), timeout, hint, cancellationToken);

    public ValueTask<T> ExpectMsgAsync<T>(Predicate<T> isMessage, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        NextAsync<T>((m, _) => Accept(isMessage(m), m, hint), timeout, hint, cancellationToken);

    public ValueTask<T> ExpectMsgAsync<T>(Action<T> assert, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        NextAsync<T>((m, _) => assert(m), timeout, hint, cancellationToken);

    public ValueTask<T> ExpectMsgAsync<T>(Func<T, IActorRef, bool> isMessageAndSender, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        NextAsync<T>((m, s) => Accept(isMessageAndSender(m, s), m, hint), timeout, hint, cancellationToken);

    public ValueTask<T> ExpectMsgAsync<T>(Action<T, IActorRef> assertMessageAndSender, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        NextAsync(assertMessageAndSender, timeout, hint, cancellationToken);

    public T ExpectMsgFrom<T>(IActorRef sender, TimeSpan? duration = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>((_, s) => From(sender, s, hint), duration, hint, cancellationToken);

    public T ExpectMsgFrom<T>(IActorRef sender, T message, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>((m, s) => { From(sender, s, hint); _assertions.AssertEqual(message, m, hint ?? ""); }, timeout, hint, cancellationToken);

    public T ExpectMsgFrom<T>(IActorRef sender, Predicate<T> isMessage, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>((m, s) => { From(sender, s, hint); Accept(isMessage(m), m, hint); }, timeout, hint, cancellationToken);

    public T ExpectMsgFrom<T>(Predicate<IActorRef> isSender, Predicate<T> isMessage, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>((m, s) => { Accept(isSender(s), s, hint); Accept(isMessage(m), m, hint); }, timeout, hint, cancellationToken);

    public T ExpectMsgFrom<T>(IActorRef sender, Action<T> assertMessage, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>((m, s) => { From(sender, s, hint); assertMessage(m); }, timeout, hint, cancellationToken);

    public ValueTask<T> ExpectMsgFromAsync<T>(IActorRef sender, TimeSpan? duration = null, string hint = null, CancellationToken cancellationToken = default) =>
        NextAsync<T>((_, s) => From(sender, s, hint), duration, hint, cancellationToken);

    public ValueTask<T> ExpectMsgFromAsync<T>(IActorRef sender, T message, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        NextAsync<T>((m, s) => { From(sender, s, hint); _assertions.AssertEqual(message, m, hint ?? ""); }, timeout, hint, cancellationToken);

    public Terminated ExpectTerminated(IActorRef target, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectMsg<Terminated>(t => _assertions.AssertEqual(target, t.ActorRef, hint ?? ""), timeout, hint, cancellationToken);

    public ValueTask<Terminated> ExpectTerminatedAsync(IActorRef target, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectMsgAsync<Terminated>(t => _assertions.AssertEqual(target, t.ActorRef, hint ?? ""), timeout, hint, cancellationToken);

    /// <summary>Waits out the default time, or what remains of Within.</summary>
    public void ExpectNoMsg(CancellationToken cancellationToken = default) => Silence(RemainingOrDefault, cancellationToken);

    public void ExpectNoMsg(TimeSpan duration, CancellationToken cancellationToken = default) => Silence(Dilated(duration), cancellationToken);

    public void ExpectNoMsg(int milliseconds, CancellationToken cancellationToken = default) => ExpectNoMsg(TimeSpan.FromMilliseconds(milliseconds), cancellationToken);

    public ValueTask ExpectNoMsgAsync(CancellationToken cancellationToken = default) => SilenceAsync(RemainingOrDefault, cancellationToken);

    public ValueTask ExpectNoMsgAsync(TimeSpan duration, CancellationToken cancellationToken = default) => SilenceAsync(Dilated(duration), cancellationToken);

    public ValueTask ExpectNoMsgAsync(int milliseconds, CancellationToken cancellationToken = default) => ExpectNoMsgAsync(TimeSpan.FromMilliseconds(milliseconds), cancellationToken);

    /// <summary>The next message, which must be one of these.</summary>
    public T ExpectMsgAnyOf<T>(IEnumerable<T> messages, CancellationToken cancellationToken = default)
    {
        var wanted = messages as IReadOnlyCollection<T> ?? [.. messages];
        return Next<T>((m, _) => Accept(wanted.Contains(m), m, $"expected one of [{string.Join(", ", wanted)}]"), null, null, cancellationToken);
    }

    /// <summary>As many messages as are given here, which must be these in any order.</summary>
    public IReadOnlyCollection<T> ExpectMsgAllOf<T>(params T[] messages) => AllOf(RemainingOrDefault, messages, default);

    public IReadOnlyCollection<T> ExpectMsgAllOf<T>(IReadOnlyCollection<T> messages, CancellationToken cancellationToken = default) =>
        AllOf(RemainingOrDefault, messages, cancellationToken);

    public IReadOnlyCollection<T> ExpectMsgAllOf<T>(TimeSpan max, params T[] messages) => AllOf(Dilated(max), messages, default);

    public IReadOnlyCollection<T> ExpectMsgAllOf<T>(TimeSpan max, IReadOnlyCollection<T> messages, CancellationToken cancellationToken = default) =>
        AllOf(Dilated(max), messages, cancellationToken);

    private List<T> AllOf<T>(TimeSpan limit, IReadOnlyCollection<T> messages, CancellationToken cancellationToken)
    {
        var received = TakeMany(messages.Count, limit, cancellationToken);
        var missing = messages.Where(m => !received.Exists(r => r is T t && EqualityComparer<T>.Default.Equals(t, m))).ToList();
        var unexpected = received.Where(r => r is not T t || !messages.Contains(t)).ToList();
        if (missing.Count + unexpected.Count > 0)
            Fail($"did not receive [{string.Join(", ", missing)}] but [{string.Join(", ", unexpected)}]", null);
        return received.ConvertAll(static r => (T)r);
    }

    private T Next<T>(Action<T, IActorRef> check, TimeSpan? timeout, string hint, CancellationToken cancellationToken) =>
        Check(Take(timeout, cancellationToken), check, timeout, hint);

    private async ValueTask<T> NextAsync<T>(Action<T, IActorRef> check, TimeSpan? timeout, string hint, CancellationToken cancellationToken)
    {
        // Not ConfigureAwait(false): what the test checks here may tell.
        return Check(await TakeAsync(timeout, cancellationToken), check, timeout, hint);
    }

    private T Check<T>(MessageEnvelope envelope, Action<T, IActorRef> check, TimeSpan? timeout, string hint)
    {
        if (envelope is null)
            Fail($"timeout of {timeout ?? TestKitSettings.SingleExpectDefault} while waiting for a message of type {typeof(T)}", hint);
        if (envelope.Message is not T message)
        {
            Fail($"expected a message of type {typeof(T)}, but received {envelope.Message} of type {envelope.Message.GetType()} from {envelope.Sender}", hint);
            return default;
        }
        check?.Invoke(message, envelope.Sender);
        return message;
    }

    private void Accept(bool accepted, object what, string hint)
    {
        if (!accepted)
            Fail($"got a message or sender that the predicate does not accept: {what}", hint);
    }

    private void From(IActorRef expected, IActorRef actual, string hint)
    {
        if (!Equals(expected, actual))
            Fail($"expected a message from {expected}, but it came from {actual}", hint);
    }

    private void Silence(TimeSpan duration, CancellationToken cancellationToken) =>
        CheckSilence(Record(_queue.Take(duration, cancellationToken, peek: false)), duration);

    private async ValueTask SilenceAsync(TimeSpan duration, CancellationToken cancellationToken) =>
        CheckSilence(Record(await _queue.TakeAsync(duration, cancellationToken, peek: false).ConfigureAwait(false)), duration);

    private void CheckSilence(MessageEnvelope envelope, TimeSpan duration)
    {
        if (envelope is not null)
            Fail($"expected no message during {duration}, but received {envelope}", null);
        _lastWasSilence = true;
    }
}
