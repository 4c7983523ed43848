using Akka.Event;

namespace Akka.Dispatch;

/// <summary>
/// On threads that nothing else uses. Threads that have nothing to do sleep at once rather than spin: work that comes to a
/// dedicated thread waits for a device sooner or later, and others need the core. As few are woken as there is work.
/// </summary>
internal class DedicatedThreadsDispatcher : MessageDispatcher
{
    private readonly Queue<IRunnable> _work = new();
    private readonly Lazy<Thread[]> _threads;
    private int _sleeping;

    /// <summary>Threads told to wake that have not looked at the queue since.</summary>
    private int _waking;
    private bool _stopped;

    public DedicatedThreadsDispatcher(MessageDispatcherConfigurator configurator, int threadCount) : base(configurator)
        => _threads = new Lazy<Thread[]>(() => StartThreads(threadCount));

    protected override void ExecuteTask(IRunnable run)
    {
        _ = _threads.Value;
        lock (_work)
        {
            if (!_stopped)
            {
                _work.Enqueue(run);
                if (_sleeping > _waking)
                {
                    _waking++;
                    Monitor.Pulse(_work);
                }

                return;
            }
        }

        ThreadPool.UnsafeQueueUserWorkItem(run, preferLocal: false); // the last words of a system that shuts down
    }

    protected override void Shutdown()
    {
        lock (_work)
        {
            _stopped = true;
            Monitor.PulseAll(_work);
        }
    }

    private Thread[] StartThreads(int count)
    {
        var threads = new Thread[count];
        for (var i = 0; i < count; i++)
        {
            threads[i] = new Thread(Work) { IsBackground = true, Name = $"{Id}-{i + 1}" };
            threads[i].Start();
        }

        return threads;
    }

    private void Work()
    {
        while (Next() is { } run)
        {
            try
            {
                run.Run();
            }
            catch (Exception cause)
            {
                EventStream.Publish(new Error(cause, Id, GetType(), "A task of the dispatcher failed"));
            }
        }
    }

    /// <summary>Null once the dispatcher has been shut down and everything is done.</summary>
    private IRunnable? Next()
    {
        lock (_work)
        {
            IRunnable? run;
            while (!_work.TryDequeue(out run) && !_stopped)
            {
                _sleeping++;
                Monitor.Wait(_work);
                _sleeping--;
                if (_waking > 0)
                    _waking--;
            }

            return run;
        }
    }
}
