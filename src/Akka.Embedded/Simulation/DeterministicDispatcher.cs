using Akka.Configuration;
using Akka.Dispatch;

namespace Akka.Embedded.Simulation;

/// <summary>Hands its mailboxes to the <see cref="SimulatedRuntime"/> of the configuration.</summary>
public sealed class DeterministicDispatcherConfigurator : MessageDispatcherConfigurator
{
    private readonly DeterministicDispatcher _dispatcher;

    public DeterministicDispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites) : base(config, prerequisites)
        => _dispatcher = new DeterministicDispatcher(this, SimulatedRuntime.Of(prerequisites.Settings.Config));

    public override MessageDispatcher Dispatcher() => _dispatcher;
}

internal sealed class DeterministicDispatcher : MessageDispatcher
{
    private readonly SimulatedRuntime _runtime;

    public DeterministicDispatcher(MessageDispatcherConfigurator configurator, SimulatedRuntime runtime) : base(configurator)
    {
        _runtime = runtime;
        // One message at a time and no clock: every interleaving of actors can come up.
        Throughput = 1;
        ThroughputDeadlineTime = null;
    }

    protected override void ExecuteTask(IRunnable run) => _runtime.Enqueue(run);
    protected override void Shutdown() { }
}
