using Akka.Actor.Internal;
using Akka.Dispatch.SysMsg;

namespace Akka.Actor;

/// <summary>
/// The sender of an Ask: completes a task with the first message it gets. It takes a place below /temp only when someone looks at
/// its path; most replies come from this process and never do.
/// </summary>
public class FutureActorRef<T> : MinimalActorRef
{
    private readonly TaskCompletionSource<T> _result;
    private readonly IActorRefProvider _provider;
    private ActorPath? _path;
    private bool _completed;

    public FutureActorRef(TaskCompletionSource<T> result, ActorPath? path, IActorRefProvider provider)
    {
        _result = result;
        _path = path;
        _provider = provider;
    }

    public override IActorRefProvider Provider => _provider;

    public override ActorPath Path
    {
        get
        {
            lock (_result)
            {
                if (_path is not null)
                    return _path;
                _path = _provider.TempPath();
                if (!_completed)
                    _provider.RegisterTempActor(this, _path);
                return _path;
            }
        }
    }

    protected override void TellInternal(object message, IActorRef sender)
    {
        var handled = message switch
        {
            // Who asks for just anything hears of a failure as such.
            T reply when message is not Status.Failure || typeof(T) != typeof(object) => _result.TrySetResult(reply),
            Status.Failure failure => _result.TrySetException(failure.Cause ?? new TaskCanceledException("Task cancelled by actor via Failure message.")),
            _ => _result.TrySetException(new ArgumentException(
                $"Received message of type [{message.GetType()}] - Ask expected message of type [{typeof(T)}]")),
        };
        if (!handled && !_result.Task.IsCanceled)
            _provider.DeadLetters.Tell(message, this);
    }

    public override void SendSystemMessage(ISystemMessage message)
    {
        if (message is Watch watch && watch.Watchee.Equals(this) && _completed)
            watch.Watcher.SendSystemMessage(new DeathWatchNotification(this, existenceConfirmed: true, addressTerminated: false));
    }

    /// <summary>Frees the place below /temp, if any.</summary>
    internal void Complete()
    {
        lock (_result)
        {
            _completed = true;
            if (_path is not null)
                _provider.UnregisterTempActor(_path);
        }
    }

    public override void Stop() => Complete();

    // Never forces a path: equality of ask references is identity until they have been named.
    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
}

public static class Futures
{
    public static Task<object> Ask(this ICanTell self, object message, TimeSpan? timeout = null) => Ask<object>(self, message, timeout);

    public static Task<object> Ask(this ICanTell self, object message, CancellationToken cancellationToken)
        => Ask<object>(self, message, timeout: null, cancellationToken);

    public static Task<object> Ask(this ICanTell self, object message, TimeSpan? timeout, CancellationToken cancellationToken)
        => Ask<object>(self, message, timeout, cancellationToken);

    /// <exception cref="AskTimeoutException">through the task: no reply in time (<c>akka.actor.ask-timeout</c> when none is given)</exception>
    public static Task<T> Ask<T>(this ICanTell self, object message, TimeSpan? timeout = null) => Ask<T>(self, message, timeout, CancellationToken.None);

    public static Task<T> Ask<T>(this ICanTell self, object message, CancellationToken cancellationToken)
        => Ask<T>(self, message, timeout: null, cancellationToken);

    public static Task<T> Ask<T>(this ICanTell self, object message, TimeSpan? timeout, CancellationToken cancellationToken)
        => AskPattern.Start<T>(self, message, messageFactory: null, timeout, cancellationToken);

    /// <summary>For messages that carry the reference to answer to.</summary>
    public static Task<T> Ask<T>(this ICanTell self, Func<IActorRef, object> messageFactory, TimeSpan? timeout, CancellationToken cancellationToken)
        => AskPattern.Start<T>(self, message: null, messageFactory, timeout, cancellationToken);
}

internal static class AskPattern
{
    public static Task<T> Start<T>(ICanTell target, object? message, Func<IActorRef, object>? messageFactory, TimeSpan? timeout, CancellationToken cancellation)
    {
        var provider = ProviderOf(target);
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var reply = new FutureActorRef<T>(result, path: null, provider);
        var effective = timeout ?? provider.Settings.AskTimeout;
        new AskCleanup<T>(reply, result, target, effective).Arm(SystemOf(provider), cancellation);
        target.Tell(messageFactory is null ? message! : messageFactory(reply), reply);
        return result.Task;
    }

    private static ActorSystemImpl SystemOf(IActorRefProvider provider) => (ActorSystemImpl)provider.Settings.System;

    private static IActorRefProvider ProviderOf(ICanTell target) => target switch
    {
        ActorSelection selection => ProviderOf(selection.Anchor),
        IInternalActorRef reference and not Nobody => reference.Provider,
        _ => ActorCell.Current?.SystemImpl.Provider
             ?? throw new ArgumentException("Unable to resolve the target Provider", nameof(target)),
    };
}

/// <summary>Ends an ask on timeout or cancellation, and tidies up when it is over for any reason.</summary>
internal sealed class AskCleanup<T>(FutureActorRef<T> reply, TaskCompletionSource<T> result, ICanTell target, TimeSpan timeout) : Akka.Dispatch.IRunnable
{
    private ICancelable? _timer;
    private CancellationTokenRegistration _registration;

    public void Arm(ActorSystemImpl system, CancellationToken cancellation)
    {
        if (timeout > TimeSpan.Zero && timeout != Timeout.InfiniteTimeSpan && timeout < TimeSpan.FromDays(1000))
        {
            _timer = new Cancelable(system.Scheduler);
            system.Scheduler.Advanced.ScheduleOnce(timeout, this, _timer);
        }
        else if (timeout == TimeSpan.Zero)
            Run();
        if (cancellation.CanBeCanceled)
            _registration = cancellation.Register(
                static (state, token) => ((TaskCompletionSource<T>)state!).TrySetCanceled(token), result);
        _ = result.Task.ContinueWith(static (_, state) => ((AskCleanup<T>)state!).Done(), this, CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously, Akka.Dispatch.InlineTaskScheduler.Instance);
    }

    public void Run() => result.TrySetException(new AskTimeoutException($"Timeout after {timeout} seconds"));

    public void Execute() => Run();

    private void Done()
    {
        _timer?.Cancel();
        _registration.Dispose();
        reply.Complete();
    }

    public override string ToString() => $"Ask({target})";
}

public static class GracefulStopSupport
{
    public static Task<bool> GracefulStop(this IActorRef target, TimeSpan timeout) => GracefulStop(target, timeout, PoisonPill.Instance);

    /// <summary>True once the actor is gone, false when the time is up.</summary>
    public static async Task<bool> GracefulStop(this IActorRef target, TimeSpan timeout, object stopMessage)
    {
        var watchee = (IInternalActorRef)target;
        var watcher = new StopWatcher(watchee.Provider);
        var system = watchee.Provider.Settings.System;
        using var timer = new Cancelable(system.Scheduler);
        system.Scheduler.Advanced.ScheduleOnce(timeout, () => watcher.Ended.TrySetResult(result: false), timer);
        watcher.Watch(watchee);
        target.Tell(stopMessage, ActorRefs.NoSender);
        try
        {
            return await watcher.Ended.Task.ConfigureAwait(false);
        }
        finally
        {
            timer.Cancel();
            watcher.Release(watchee);
        }
    }

    private sealed class StopWatcher(IActorRefProvider provider) : MinimalActorRef
    {
        private readonly ActorPath _path = provider.TempPath();

        public TaskCompletionSource<bool> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public override ActorPath Path => _path;
        public override IActorRefProvider Provider => provider;

        public void Watch(IInternalActorRef watchee)
        {
            provider.RegisterTempActor(this, _path);
            watchee.SendSystemMessage(new Watch(watchee, this));
        }

        public void Release(IInternalActorRef watchee)
        {
            watchee.SendSystemMessage(new Unwatch(watchee, this));
            provider.UnregisterTempActor(_path);
        }

        public override void SendSystemMessage(ISystemMessage message)
        {
            if (message is DeathWatchNotification)
                Ended.TrySetResult(result: true);
        }

        protected override void TellInternal(object message, IActorRef sender)
        {
            if (message is Terminated)
                Ended.TrySetResult(result: true);
        }
    }
}

public static class PipeToSupport
{
    /// <summary>Sends the outcome to the recipient; a failure as <see cref="Status.Failure"/> unless mapped.</summary>
    public static Task PipeTo<T>(this Task<T> taskToPipe, ICanTell recipient, IActorRef? sender = null, Func<T, object>? success = null,
        Func<Exception, object>? failure = null)
    {
        sender ??= ActorRefs.NoSender;
        return taskToPipe.ContinueWith(task =>
        {
            if (Failure(task) is { } cause)
                recipient.Tell(failure is null ? new Status.Failure(cause) : failure(cause), sender);
            else
                recipient.Tell(success is null ? (object)task.Result! : success(task.Result), sender);
        }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, Akka.Dispatch.InlineTaskScheduler.Instance);
    }

    public static Task PipeTo<T>(this Task<T> taskToPipe, ICanTell recipient, bool useConfigureAwait, IActorRef? sender = null,
        Func<T, object>? success = null, Func<Exception, object>? failure = null)
        => PipeTo(taskToPipe, recipient, sender, success, failure);

    public static Task PipeTo<T>(this ValueTask<T> taskToPipe, ICanTell recipient, IActorRef? sender = null, Func<T, object>? success = null,
        Func<Exception, object>? failure = null)
        => PipeTo(taskToPipe.AsTask(), recipient, sender, success, failure);

    /// <summary>Success sends nothing unless a message is given.</summary>
    public static Task PipeTo(this Task taskToPipe, ICanTell recipient, IActorRef? sender = null, Func<object>? success = null,
        Func<Exception, object>? failure = null)
    {
        sender ??= ActorRefs.NoSender;
        return taskToPipe.ContinueWith(task =>
        {
            if (Failure(task) is { } cause)
                recipient.Tell(failure is null ? new Status.Failure(cause) : failure(cause), sender);
            else if (success is not null)
                recipient.Tell(success(), sender);
        }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, Akka.Dispatch.InlineTaskScheduler.Instance);
    }

    public static Task PipeTo(this Task taskToPipe, ICanTell recipient, bool useConfigureAwait, IActorRef? sender = null,
        Func<object>? success = null, Func<Exception, object>? failure = null)
        => PipeTo(taskToPipe, recipient, sender, success, failure);

    public static Task PipeTo(this ValueTask taskToPipe, ICanTell recipient, IActorRef? sender = null, Func<object>? success = null,
        Func<Exception, object>? failure = null)
        => PipeTo(taskToPipe.AsTask(), recipient, sender, success, failure);

    private static Exception? Failure(Task task)
    {
        if (task.IsCanceled)
            return new TaskCanceledException(task);
        return task.Exception is { } all ? all.InnerExceptions.Count == 1 ? all.InnerExceptions[0] : all : null;
    }
}
