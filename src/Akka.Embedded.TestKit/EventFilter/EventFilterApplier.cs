#nullable disable annotations
using Akka.Actor;
using Akka.TestKit.Internal;

namespace Akka.TestKit;

internal sealed class EventFilterApplier(TestKitBase testkit, ActorSystem system, IReadOnlyList<LogFilter> filters) : IEventFilterApplier
{
    public EventFilterFactory And => new(testkit, system, filters);

    public void ExpectOne(Action action, CancellationToken cancellationToken = default) => Run(1, null, Wrap(action), cancellationToken);

    public void ExpectOne(TimeSpan timeout, Action action, CancellationToken cancellationToken = default) => Run(1, timeout, Wrap(action), cancellationToken);

    public Task ExpectOneAsync(Action action, CancellationToken cancellationToken = default) => RunAsync(1, null, () => Task.FromResult(Wrap(action)()), cancellationToken);

    public Task ExpectOneAsync(Func<Task> actionAsync, CancellationToken cancellationToken = default) => RunAsync(1, null, Wrap(actionAsync), cancellationToken);

    public Task ExpectOneAsync(TimeSpan timeout, Func<Task> action, CancellationToken cancellationToken = default) => RunAsync(1, timeout, Wrap(action), cancellationToken);

    public T ExpectOne<T>(Func<T> func, CancellationToken cancellationToken = default) => Run(1, null, func, cancellationToken);

    public Task<T> ExpectOneAsync<T>(Func<Task<T>> func, CancellationToken cancellationToken = default) => RunAsync(1, null, func, cancellationToken);

    public void Expect(int expectedCount, Action action, CancellationToken cancellationToken = default) => Run(expectedCount, null, Wrap(action), cancellationToken);

    public void Expect(int expectedCount, TimeSpan timeout, Action action, CancellationToken cancellationToken = default) =>
        Run(expectedCount, timeout, Wrap(action), cancellationToken);

    public Task ExpectAsync(int expectedCount, Func<Task> actionAsync, CancellationToken cancellationToken = default) =>
        RunAsync(expectedCount, null, Wrap(actionAsync), cancellationToken);

    public Task ExpectAsync(int expectedCount, TimeSpan timeout, Func<Task> action, CancellationToken cancellationToken = default) =>
        RunAsync(expectedCount, timeout, Wrap(action), cancellationToken);

    public T Expect<T>(int expectedCount, Func<T> func, CancellationToken cancellationToken = default) => Run(expectedCount, null, func, cancellationToken);

    public Task<T> ExpectAsync<T>(int expectedCount, Func<Task<T>> func, CancellationToken cancellationToken = default) => RunAsync(expectedCount, null, func, cancellationToken);

    public void Mute(Action action, CancellationToken cancellationToken = default) => action();

    public Task MuteAsync(Func<Task> action, CancellationToken cancellationToken = default) => action();

    public IUnmutableFilter Mute() => Muted.Instance;

    private T Run<T>(int expected, TimeSpan? timeout, Func<T> block, CancellationToken cancellationToken)
    {
        using var counter = new LogEventCounter(system, filters);
        var result = block();
        testkit.AwaitConditionNoThrow(() => counter.Count >= Math.Max(1, expected), Limit(timeout), null, cancellationToken);
        Check(counter.Count, expected, Limit(timeout));
        return result;
    }

    private async Task<T> RunAsync<T>(int expected, TimeSpan? timeout, Func<Task<T>> block, CancellationToken cancellationToken)
    {
        using var counter = new LogEventCounter(system, filters);
        var result = await block();
        await testkit.AwaitConditionNoThrowAsync(() => counter.Count >= Math.Max(1, expected), Limit(timeout), null, cancellationToken);
        Check(counter.Count, expected, Limit(timeout));
        return result;
    }

    private TimeSpan Limit(TimeSpan? timeout) => testkit.Dilated(timeout ?? testkit.TestKitSettings.TestEventFilterLeeway);

    private void Check(int count, int expected, TimeSpan limit)
    {
        if (count != expected)
            testkit.Assert.Fail("{0} of {1} events within {2} that the filter accepts: {3}", count, expected, limit, string.Join(" or ", filters));
    }

    private static Func<bool> Wrap(Action action) => () =>
    {
        action();
        return true;
    };

    private static Func<Task<bool>> Wrap(Func<Task> action) => async () =>
    {
        await action();
        return true;
    };

    // The TestKit prints nothing, so there is nothing to silence.
    private sealed class Muted : IUnmutableFilter
    {
        public static readonly Muted Instance = new();

        public void Unmute() { }

        public void Dispose() { }
    }
}
