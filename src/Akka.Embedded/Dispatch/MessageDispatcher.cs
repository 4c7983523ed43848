using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch.SysMsg;
using Akka.Event;

namespace Akka.Dispatch;

public interface IDispatcherPrerequisites
{
    EventStream EventStream { get; }
    IScheduler Scheduler { get; }
    Settings Settings { get; }
    Mailboxes Mailboxes { get; }
}

public sealed class DefaultDispatcherPrerequisites(EventStream eventStream, IScheduler scheduler, Settings settings, Mailboxes mailboxes)
    : IDispatcherPrerequisites
{
    public EventStream EventStream { get; } = eventStream;
    public IScheduler Scheduler { get; } = scheduler;
    public Settings Settings { get; } = settings;
    public Mailboxes Mailboxes { get; } = mailboxes;
}

/// <summary>Makes dispatchers from their configuration; named by the <c>type</c> of a dispatcher's settings.</summary>
public abstract class MessageDispatcherConfigurator
{
    protected MessageDispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites)
    {
        Config = config;
        Prerequisites = prerequisites;
    }

    public Config Config { get; }
    public IDispatcherPrerequisites Prerequisites { get; }

    public abstract MessageDispatcher Dispatcher();
}

/// <summary>Decides on which thread, and when, the mailboxes of its actors run. A subclass needs only <see cref="ExecuteTask"/>.</summary>
public abstract class MessageDispatcher
{
    public const int DefaultThroughput = 100;

    protected MessageDispatcher(MessageDispatcherConfigurator configurator)
    {
        Configurator = configurator;
        var config = configurator.Config;
        Id = config.GetString("id", "");
        Throughput = config.GetInt("throughput", DefaultThroughput);
        ThroughputDeadlineTime = config.GetTimeSpan("throughput-deadline-time", TimeSpan.Zero).Ticks;
        ShutdownTimeout = config.GetTimeSpan("shutdown-timeout", TimeSpan.FromSeconds(1));
    }

    public MessageDispatcherConfigurator Configurator { get; }
    public string Id { get; set; }
    public EventStream EventStream => Configurator.Prerequisites.EventStream;
    public Mailboxes Mailboxes => Configurator.Prerequisites.Mailboxes;

    /// <summary>Messages that one actor handles before it lets others run.</summary>
    public int Throughput { get; set; }

    /// <summary>In ticks of <see cref="TimeSpan"/>; none when zero or null.</summary>
    public long? ThroughputDeadlineTime { get; set; }

    public TimeSpan ShutdownTimeout { get; set; }

    internal long DeadlineStopwatchTicks(long ticks) => (long)(ticks * ((double)Stopwatch.Frequency / TimeSpan.TicksPerSecond));

    public virtual void Attach(ActorCell cell) => RegisterForExecution(cell.Mailbox, hasMessage: false, hasSystemMessage: true);

    public virtual void Detach(ActorCell cell)
    {
        var mailbox = cell.SwapMailbox(cell.SystemImpl.Mailboxes.DeadLetterMailbox);
        mailbox.BecomeClosed();
        mailbox.CleanUp();
    }

    public virtual void Dispatch(ActorCell cell, Envelope envelope)
    {
        var mailbox = cell.Mailbox;
        mailbox.MessageQueue.Enqueue(cell.Self, envelope);
        RegisterForExecution(mailbox, hasMessage: true, hasSystemMessage: false);
        if (mailbox.IsClosed)
            mailbox.CleanUp(); // it was closed in between: nobody else looks into it any more
    }

    public virtual void SystemDispatch(ActorCell cell, ISystemMessage message)
    {
        var mailbox = cell.Mailbox;
        mailbox.SystemEnqueue(message);
        RegisterForExecution(mailbox, hasMessage: false, hasSystemMessage: true);
    }

    internal void RegisterForExecution(Mailbox mailbox, bool hasMessage, bool hasSystemMessage)
    {
        if (!mailbox.CanBeScheduled(hasMessage, hasSystemMessage) || !mailbox.TrySetScheduled())
            return;
        try
        {
            ExecuteTask(mailbox);
        }
        catch (Exception cause)
        {
            mailbox.SetIdle();
            EventStream.Publish(new Error(cause, GetType().FullName!, GetType(), $"Dispatcher {Id} refused a mailbox"));
            throw;
        }
    }

    public void Schedule(Action run) => ExecuteTask(new ActionRunnable(run));
    public void Schedule(IRunnable run) => ExecuteTask(run);

    protected abstract void ExecuteTask(IRunnable run);

    /// <summary>Frees the threads, if it has any of its own.</summary>
    protected abstract void Shutdown();

    internal void ShutdownNow() => Shutdown();
}
