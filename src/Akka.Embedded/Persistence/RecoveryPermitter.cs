using Akka.Actor;

namespace Akka.Persistence;

internal sealed class RequestRecoveryPermit
{
    public static readonly RequestRecoveryPermit Instance = new();
}

internal sealed class RecoveryPermitGranted
{
    public static readonly RecoveryPermitGranted Instance = new();
}

internal sealed class ReturnRecoveryPermit
{
    public static readonly ReturnRecoveryPermit Instance = new();
}

/// <summary>
/// Lets at most so many actors recover at a time, first come, first served. An actor that stops gives its permit, or its
/// place in the queue, back by its termination.
/// </summary>
internal sealed class RecoveryPermitter(int maxPermits) : UntypedActor
{
    private readonly HashSet<IActorRef> _granted = [];
    private readonly LinkedList<IActorRef> _waiting = [];
    private readonly HashSet<IActorRef> _isWaiting = [];

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case RequestRecoveryPermit:
                OnRequest(Sender);
                break;
            case ReturnRecoveryPermit:
                Release(Sender);
                break;
            case Terminated terminated:
                if (_isWaiting.Remove(terminated.ActorRef)) _waiting.Remove(terminated.ActorRef);
                else Release(terminated.ActorRef);
                break;
        }
    }

    private void OnRequest(IActorRef actor)
    {
        Context.Watch(actor);
        if (_granted.Contains(actor))
            actor.Tell(RecoveryPermitGranted.Instance, Self); // A restart in the middle of a recovery keeps its permit.
        else if (_granted.Count < maxPermits)
            Grant(actor);
        else if (_isWaiting.Add(actor))
            _waiting.AddLast(actor);
    }

    private void Release(IActorRef actor)
    {
        if (!_granted.Remove(actor)) return;
        Context.Unwatch(actor);
        if (_waiting.First is not { } next) return;
        _waiting.RemoveFirst();
        _isWaiting.Remove(next.Value);
        Grant(next.Value);
    }

    private void Grant(IActorRef actor)
    {
        _granted.Add(actor);
        actor.Tell(RecoveryPermitGranted.Instance, Self);
    }
}
