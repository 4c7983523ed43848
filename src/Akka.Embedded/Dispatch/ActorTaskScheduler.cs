using Akka.Actor;
using Akka.Dispatch.SysMsg;

namespace Akka.Dispatch;

/// <summary>
/// Runs an actor's async code: every piece between two awaits is a system message of that actor, so it runs alone and with
/// Self, Sender and Context in place. While such code is under way the actor takes no user messages.
/// </summary>
public class ActorTaskScheduler : TaskScheduler
{
    private readonly ActorCell _cell;

    internal ActorTaskScheduler(ActorCell cell) => _cell = cell;

    public override int MaximumConcurrencyLevel => 1;
    public object? CurrentMessage { get; private set; }

    protected override IEnumerable<Task> GetScheduledTasks() => [];

    protected override void QueueTask(Task task) => _cell.SendSystemMessage(new ActorTask(task));

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued)
        => !taskWasPreviouslyQueued && ReferenceEquals(ActorCell.Current, _cell) && TryExecuteTask(task);

    internal void Execute(Task task)
    {
        _running?.Enter(_cell);
        TryExecuteTask(task);
    }

    private Operation? _running;

    public static void RunTask(Action action) => RunTask(() =>
    {
        action();
        return Task.CompletedTask;
    });

    /// <summary>Only from within the actor's message handling.</summary>
    public static void RunTask(Func<Task> asyncAction)
    {
        var cell = ActorCell.Current
                   ?? throw new InvalidOperationException("RunTask must be called from an actor context.");
        cell.TaskScheduler.Run(asyncAction);
    }

    private void Run(Func<Task> asyncAction)
    {
        var start = new Task<Task>(asyncAction);
        start.RunSynchronously(this);
        var task = start.GetAwaiter().GetResult() ?? Task.CompletedTask;
        if (task.IsCompletedSuccessfully)
            return;
        if (task.IsCompleted)
        {
            Rethrow(task);
            return;
        }
        var operation = new Operation(this, _cell.CurrentMessage, _cell.SenderOrNull, _running);
        _running = operation;
        CurrentMessage = operation.Message;
        _cell.Mailbox.Suspend();
        _ = task.ContinueWith(static (done, state) => ((Operation)state!).Complete(done), operation, CancellationToken.None,
            TaskContinuationOptions.None, this);
    }

    private static void Rethrow(Task task)
    {
        if (task.IsCanceled)
            throw new TaskCanceledException(task);
        var all = task.Exception!;
        System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(all.InnerExceptions.Count == 1 ? all.InnerException! : all);
    }

    /// <summary>One async handler under way, with the message it belongs to. A handler may start another before it ends.</summary>
    private sealed class Operation(ActorTaskScheduler owner, object? message, IActorRef? sender, Operation? outer)
    {
        public object? Message => message;

        public void Enter(ActorCell cell) => cell.RestoreMessage(message, sender);

        public void Complete(Task task)
        {
            var cell = owner._cell;
            owner._running = outer;
            owner.CurrentMessage = outer?.Message;
            cell.Mailbox.Resume();
            try
            {
                if (!task.IsCompletedSuccessfully)
                    Rethrow(task);
                cell.AsyncHandlerCompleted();
            }
            catch (Exception cause)
            {
                cell.HandleInvokeFailure(cause);
            }
        }
    }
}

/// <summary>Runs what is queued on the spot: a continuation in the thread that completed the task, without a detour.</summary>
internal sealed class InlineTaskScheduler : TaskScheduler
{
    public static readonly InlineTaskScheduler Instance = new();

    protected override IEnumerable<Task> GetScheduledTasks() => [];
    protected override void QueueTask(Task task) => TryExecuteTask(task);
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => TryExecuteTask(task);
}

/// <summary>Runs tasks on a dispatcher, and so in the order of the simulation when that is a simulated one.</summary>
internal sealed class DispatcherTaskScheduler(MessageDispatcher dispatcher) : TaskScheduler
{
    protected override IEnumerable<Task> GetScheduledTasks() => [];
    protected override void QueueTask(Task task) => dispatcher.Schedule(() => TryExecuteTask(task));
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;
}
