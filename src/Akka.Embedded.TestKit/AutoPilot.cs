using Akka.Actor;

namespace Akka.TestKit;

/// <summary>
/// Runs in the test actor for each message before it is queued, for example to answer at once. Returns what runs for the next
/// one; <see cref="KeepRunning"/> for itself.
/// </summary>
public abstract class AutoPilot
{
    public abstract AutoPilot Run(IActorRef sender, object message);

    public static NoAutoPilot NoAutoPilot => NoAutoPilot.Instance;

    public static KeepRunning KeepRunning => KeepRunning.Instance;
}

public sealed class NoAutoPilot : AutoPilot
{
    public static NoAutoPilot Instance { get; } = new();

    private NoAutoPilot() { }

    public override AutoPilot Run(IActorRef sender, object message) => this;
}

public sealed class KeepRunning : AutoPilot
{
    public static KeepRunning Instance { get; } = new();

    private KeepRunning() { }

    public override AutoPilot Run(IActorRef sender, object message) => throw new InvalidOperationException("KeepRunning is an answer of Run, not an auto pilot.");
}

public delegate AutoPilot AutoPilotDelegate(IActorRef sender, object message);

public sealed class DelegateAutoPilot(AutoPilotDelegate autoPilotDelegate) : AutoPilot
{
    public override AutoPilot Run(IActorRef sender, object message) => autoPilotDelegate(sender, message);
}
