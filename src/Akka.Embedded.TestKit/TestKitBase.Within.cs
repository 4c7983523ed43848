#nullable disable annotations
namespace Akka.TestKit;

public abstract partial class TestKitBase
{
    /// <summary>Fails if the block takes longer than <paramref name="max"/>; expectations in it wait for what remains.</summary>
    public void Within(TimeSpan max, Action action, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default) =>
        Within(TimeSpan.Zero, max, action, null, epsilonValue, cancellationToken);

    public void Within(TimeSpan min, TimeSpan max, Action action, string hint = null, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default) =>
        Within(min, max, () => { action(); return true; }, hint, epsilonValue, cancellationToken);

    public T Within<T>(TimeSpan max, Func<T> function, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default) =>
        Within(TimeSpan.Zero, max, function, null, epsilonValue, cancellationToken);

    public T Within<T>(TimeSpan min, TimeSpan max, Func<T> function, string hint = null, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default)
    {
        var (start, limit, outer) = Enter(min, max, hint);
        T result;
        try
        {
            result = function();
        }
        finally
        {
            _end = outer;
        }
        Leave(start, min, limit + (epsilonValue ?? TimeSpan.Zero), hint);
        return result;
    }

    public Task WithinAsync(TimeSpan max, Func<Task> actionAsync, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default) =>
        WithinAsync(TimeSpan.Zero, max, actionAsync, null, epsilonValue, cancellationToken);

    public Task WithinAsync(TimeSpan min, TimeSpan max, Func<Task> actionAsync, string hint = null, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default) =>
        WithinAsync(min, max, async () => { await actionAsync(); return true; }, hint, epsilonValue, cancellationToken);

    public Task<T> WithinAsync<T>(TimeSpan max, Func<Task<T>> function, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default) =>
        WithinAsync(TimeSpan.Zero, max, function, null, epsilonValue, cancellationToken);

    public async Task<T> WithinAsync<T>(TimeSpan min, TimeSpan max, Func<Task<T>> function, string hint = null, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default)
    {
        var (start, limit, outer) = Enter(min, max, hint);
        var allowed = limit + (epsilonValue ?? TimeSpan.Zero);
        T result = default;
        try
        {
            // A little longer than allowed, so that a wait that ends on time fails with its own, better message.
            result = await function().WaitAsync(allowed + TimeSpan.FromMilliseconds(200), cancellationToken);
        }
        catch (TimeoutException) when (Now - start > allowed)
        {
            Fail($"the block took longer than {limit}", hint);
        }
        finally
        {
            _end = outer;
        }
        Leave(start, min, allowed, hint);
        return result;
    }

    private (TimeSpan Start, TimeSpan Limit, TimeSpan? Outer) Enter(TimeSpan min, TimeSpan max, string hint)
    {
        var start = Now;
        var limit = Dilated(max);
        if (_end is { } outerEnd)
        {
            if (outerEnd - start < min)
                Fail($"the block must take at least {min}, but only {outerEnd - start} is left", hint);
            limit = Shorter(limit, Left(outerEnd));
        }
        var outer = _end;
        _end = start + limit;
        _lastWasSilence = false;
        return (start, limit, outer);
    }

    private void Leave(TimeSpan start, TimeSpan min, TimeSpan allowed, string hint)
    {
        var elapsed = Now - start;
        if (elapsed < min)
            Fail($"the block took {elapsed}, which is less than {min}", hint);
        if (!_lastWasSilence && elapsed > allowed)
            Fail($"the block took {elapsed}, which is more than {allowed}", hint);
    }
}
