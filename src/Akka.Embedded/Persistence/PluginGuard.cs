using Akka.Actor;
using Akka.Configuration;
using Akka.Pattern;

namespace Akka.Persistence;

/// <summary>
/// The circuit breaker of a plugin, by the keys <c>circuit-breaker.max-failures</c>, <c>call-timeout</c> and
/// <c>reset-timeout</c>. Closed until so many calls in a row have failed or timed out; then open, calls fail at once;
/// after the reset time one call is let through, and its outcome closes or opens it again.
/// </summary>
internal sealed class PluginGuard(IScheduler scheduler, Config config)
{
    private readonly Lock _lock = new();
    private readonly int _maxFailures = config.GetInt("circuit-breaker.max-failures", 10);
    private readonly TimeSpan _callTimeout = config.GetTimeSpan("circuit-breaker.call-timeout", TimeSpan.FromSeconds(10));
    private readonly TimeSpan _resetTimeout = config.GetTimeSpan("circuit-breaker.reset-timeout", TimeSpan.FromSeconds(30));
    private int _failures;
    private bool _open;
    private bool _probing;
    private TimeSpan _openUntil;

    /// <exception cref="OpenCircuitException">Too many calls have failed lately.</exception>
    /// <exception cref="TimeoutException">The call did not end in time; what it does is not stopped.</exception>
    public async Task<T> Call<TState, T>(TState state, Func<TState, Task<T>> call)
    {
        Enter();
        var succeeded = false;
        try
        {
            var task = call(state);
            var result = task.IsCompleted ? await task : await InTime(task);
            succeeded = true;
            return result;
        }
        finally
        {
            Leave(succeeded);
        }
    }

    private async Task<T> InTime<T>(Task<T> task)
    {
        var timedOut = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var timer = scheduler.Advanced.ScheduleOnceCancelable(_callTimeout, () => timedOut.TrySetResult());
        try
        {
            if (await Task.WhenAny(task, timedOut.Task) != task)
                throw new TimeoutException($"Execution did not complete within the time allotted {_callTimeout.TotalMilliseconds} ms");
            return await task;
        }
        finally
        {
            timer.Cancel();
        }
    }

    private void Enter()
    {
        lock (_lock)
        {
            if (!_open) return;
            var remaining = _openUntil - scheduler.MonotonicClock;
            if (_probing || remaining > TimeSpan.Zero)
                throw new OpenCircuitException("Circuit Breaker is open; calls are failing fast");
            _probing = true;
        }
    }

    private void Leave(bool succeeded)
    {
        lock (_lock)
        {
            if (succeeded)
            {
                _failures = 0;
                _open = _probing = false;
            }
            else if (++_failures >= _maxFailures || _probing)
            {
                _open = true;
                _probing = false;
                _openUntil = scheduler.MonotonicClock + _resetTimeout;
            }
        }
    }
}
