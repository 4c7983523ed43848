using System.Collections.Concurrent;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace Akka.Actor;

/// <summary>
/// Stops a node in phases, each after those it depends on. The tasks of a phase run side by side; a phase ends when all have, or at its
/// timeout. Runs once.
/// </summary>
public sealed class CoordinatedShutdown : IExtension
{
    public const string PhaseBeforeServiceUnbind = "before-service-unbind";
    public const string PhaseServiceUnbind = "service-unbind";
    public const string PhaseServiceRequestsDone = "service-requests-done";
    public const string PhaseServiceStop = "service-stop";
    public const string PhaseBeforeClusterShutdown = "before-cluster-shutdown";
    public const string PhaseClusterShardingShutdownRegion = "cluster-sharding-shutdown-region";
    public const string PhaseClusterLeave = "cluster-leave";
    public const string PhaseClusterExiting = "cluster-exiting";
    public const string PhaseClusterExitingDone = "cluster-exiting-done";
    public const string PhaseClusterShutdown = "cluster-shutdown";
    public const string PhaseBeforeActorSystemTerminate = "before-actor-system-terminate";
    public const string PhaseActorSystemTerminate = "actor-system-terminate";

    public class Reason
    {
        protected Reason() { }
    }

    public class UnknownReason : Reason
    {
        public static readonly Reason Instance = new UnknownReason();
        private UnknownReason() { }
    }

    public class ActorSystemTerminateReason : Reason
    {
        public static readonly Reason Instance = new ActorSystemTerminateReason();
        private ActorSystemTerminateReason() { }
    }

    public class ClrExitReason : Reason
    {
        public static readonly Reason Instance = new ClrExitReason();
        private ClrExitReason() { }
    }

    public class ClusterDowningReason : Reason
    {
        public static readonly Reason Instance = new ClusterDowningReason();
        private ClusterDowningReason() { }
    }

    public class ClusterLeavingReason : Reason
    {
        public static readonly Reason Instance = new ClusterLeavingReason();
        private ClusterLeavingReason() { }
    }

    public class ClusterJoinUnsuccessfulReason : Reason
    {
        public static readonly Reason Instance = new ClusterJoinUnsuccessfulReason();
        private ClusterJoinUnsuccessfulReason() { }
    }

    private readonly ConcurrentDictionary<string, ConcurrentQueue<(string Name, Func<Task<Done>> Run)>> _tasks = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ShutdownPhase> _phases;
    private readonly List<string> _order;
    private readonly ILoggingAdapter _log;
    private readonly Lock _lock = new();
    private Task<Done>? _run;
    private EventHandler? _exitHook;

    internal CoordinatedShutdown(ExtendedActorSystem system)
    {
        System = system;
        _log = Logging.GetLogger(system, nameof(CoordinatedShutdown));
        var config = system.Settings.Config.GetConfig("akka.coordinated-shutdown")!;
        _phases = ShutdownPhase.Read(config);
        _order = ShutdownPhase.Sort(_phases);
        if (system.Settings.CoordinatedShutdownTerminateActorSystem)
            AddTask(PhaseActorSystemTerminate, "terminate-system", TerminateSystem);
        else if (system.Settings.CoordinatedShutdownRunByActorSystemTerminate)
            throw new ConfigurationException(
                "akka.coordinated-shutdown.run-by-actor-system-terminate=on and akka.coordinated-shutdown.terminate-actor-system=off is not a supported configuration.");
        ExitClr = config.GetBoolean("exit-clr");
        if (config.GetBoolean("run-by-clr-shutdown-hook"))
            HookProcessExit();
    }

    public ExtendedActorSystem System { get; }

    /// <summary>Null until <see cref="Run"/>.</summary>
    public Reason? ShutdownReason { get; private set; }

    private bool ExitClr { get; }

    public TimeSpan TotalTimeout
    {
        get
        {
            var total = TimeSpan.Zero;
            foreach (var phase in _order)
                total += _tasks.ContainsKey(phase) && _phases[phase].Enabled ? _phases[phase].Timeout : TimeSpan.Zero;
            return total;
        }
    }

    public static CoordinatedShutdown Get(ActorSystem sys) => (CoordinatedShutdown)sys.RegisterExtension(CoordinatedShutdownExtension.Instance);

    public TimeSpan Timeout(string phase) => Phase(phase).Timeout;

    private ShutdownPhase Phase(string name) => _phases.TryGetValue(name, out var phase)
        ? phase
        : throw new ArgumentException($"Unknown phase [{name}], known phases [{string.Join(", ", _order)}]. All phases (along with their optional dependencies) must be defined in configuration.", nameof(name));

    /// <summary>Also while the shutdown runs, for phases that are still to come.</summary>
    public void AddTask(string phase, string taskName, Func<Task<Done>> task)
    {
        _ = Phase(phase);
        if (string.IsNullOrEmpty(taskName))
            throw new ArgumentException("Set a task name when adding tasks to the coordinated shutdown.", nameof(taskName));
        _tasks.GetOrAdd(phase, static _ => new ConcurrentQueue<(string, Func<Task<Done>>)>()).Enqueue((taskName, task));
    }

    /// <summary>Only the first call counts; all get the same task.</summary>
    /// <param name="fromPhase">skips the phases before it</param>
    public Task<Done> Run(Reason reason, string? fromPhase = null)
    {
        lock (_lock)
        {
            if (_run is not null)
                return _run;
            if (fromPhase is not null)
                _ = Phase(fromPhase);
            ShutdownReason = reason;
            _run = Task.Factory.StartNew(() => RunPhases(fromPhase), CancellationToken.None, TaskCreationOptions.None,
                new DispatcherTaskScheduler(System.Dispatchers.DefaultGlobalDispatcher)).Unwrap();
            return _run;
        }
    }

    // On the dispatcher throughout: no await here leaves it.
    private async Task<Done> RunPhases(string? fromPhase)
    {
        var started = fromPhase is null;
        foreach (var name in _order)
        {
            started |= name == fromPhase;
            if (!started || !_tasks.TryGetValue(name, out var tasks))
                continue;
            var phase = _phases[name];
            if (!phase.Enabled)
                _log.Info("Phase [{0}] disabled through configuration", name);
            else
                await RunPhase(phase, tasks);
        }
        if (ExitClr)
            Environment.Exit(0);
        return Done.Instance;
    }

    private async Task RunPhase(ShutdownPhase phase, ConcurrentQueue<(string Name, Func<Task<Done>> Run)> tasks)
    {
        _log.Debug("Performing phase [{0}] with [{1}] tasks", phase.Name, tasks.Count);
        var timedOut = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // Before the tasks: the last one ends the scheduler.
        using var timer = new Cancelable(System.Scheduler);
        System.Scheduler.Advanced.ScheduleOnce(phase.Timeout, () => timedOut.TrySetResult(), timer);
        var running = new List<Task>();
        foreach (var (name, run) in tasks)
            running.Add(RunTask(phase, name, run));
        var all = Task.WhenAll(running);
        if (await Task.WhenAny(all, timedOut.Task) == all)
        {
            timer.Cancel();
            await all;
            return;
        }
        // The system, and its scheduler with it, is gone already when this is the last phase.
        var message = $"Coordinated shutdown phase [{phase.Name}] timed out after [{phase.Timeout}]";
        if (!phase.Recover)
            throw new TimeoutException(message);
        _log.Warning(message);
    }

    private async Task RunTask(ShutdownPhase phase, string name, Func<Task<Done>> run)
    {
        try
        {
            await run();
        }
        catch (Exception cause) when (phase.Recover)
        {
            _log.Error(cause, "Task [{0}] failed in phase [{1}]: {2}", name, phase.Name, cause.Message);
        }
    }

    private async Task<Done> TerminateSystem()
    {
        Unhook();
        await ((Internal.ActorSystemImpl)System).FinalTerminate();
        return Done.Instance;
    }

    private void HookProcessExit()
    {
        _exitHook = (_, _) =>
        {
            // The last thread of the process: the phases must be over before it returns.
            var run = Run(ClrExitReason.Instance);
            run.Wait(TotalTimeout);
        };
        AppDomain.CurrentDomain.ProcessExit += _exitHook;
        System.RegisterOnTermination(Unhook);
    }

    private void Unhook()
    {
        if (Interlocked.Exchange(ref _exitHook, value: null) is { } hook)
            AppDomain.CurrentDomain.ProcessExit -= hook;
    }
}

public sealed class CoordinatedShutdownExtension : ExtensionIdProvider<CoordinatedShutdown>
{
    internal static readonly CoordinatedShutdownExtension Instance = new();
    public override CoordinatedShutdown CreateExtension(ExtendedActorSystem system) => new(system);
}

internal sealed record ShutdownPhase(string Name, IReadOnlyList<string> DependsOn, TimeSpan Timeout, bool Recover, bool Enabled)
{
    public static Dictionary<string, ShutdownPhase> Read(Config config)
    {
        var defaultTimeout = config.GetTimeSpan("default-phase-timeout");
        var phases = new Dictionary<string, ShutdownPhase>(StringComparer.Ordinal);
        foreach (var (name, value) in config.GetConfig("phases")!.AsEnumerable())
        {
            var settings = value.ToConfig();
            phases[name] = new ShutdownPhase(name, [.. settings.GetStringList("depends-on")],
                settings.GetTimeSpan("timeout", defaultTimeout), settings.GetBoolean("recover", @default: true), settings.GetBoolean("enabled", @default: true));
        }
        // A phase may be known only as one that others wait for.
        foreach (var missing in phases.Values.SelectMany(static p => p.DependsOn).Where(d => !phases.ContainsKey(d)).ToArray())
            phases[missing] = new ShutdownPhase(missing, [], defaultTimeout, Recover: true, Enabled: true);
        return phases;
    }

    /// <summary>Dependencies first.</summary>
    public static List<string> Sort(Dictionary<string, ShutdownPhase> phases)
    {
        var order = new List<string>();
        var done = new HashSet<string>(StringComparer.Ordinal);
        var path = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in phases.Keys)
            Visit(name);
        return order;

        void Visit(string name)
        {
            if (done.Contains(name))
                return;
            if (!path.Add(name))
                throw new ArgumentException($"Cycle detected in graph of phases. It must be a DAG. phase [{name}] depends transitively on itself.");
            foreach (var dependency in phases[name].DependsOn)
                Visit(dependency);
            path.Remove(name);
            done.Add(name);
            order.Add(name);
        }
    }
}
