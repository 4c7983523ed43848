using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace Akka.Cluster.Tools.Singleton;

/// <summary>A hand-over did not come to an end in all its retries. The manager restarts, and asks anew.</summary>
public sealed class ClusterSingletonManagerIsStuckException(string message) : AkkaException(message);

/// <summary>
/// Runs one actor in the whole cluster, as a child of the manager on the oldest member of the role; the manager runs on all of them, at the same
/// path. A partition can still make two of them run for a while: what the singleton does must be fenced.
/// </summary>
public sealed class ClusterSingletonManager : UntypedActor, IWithTimers
{
    private sealed class SelfExiting
    {
        public static readonly SelfExiting Instance = new();
    }

    private sealed class SelfUp
    {
        public static readonly SelfUp Instance = new();
    }

    private sealed record Retry(SingletonTimer Timer, int Attempt);

    private sealed record RemovalSettled(UniqueAddress Node);

    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly IActorRefProvider _provider = ((ExtendedActorSystem)Context.System).Provider;
    private readonly TaskCompletionSource<Done> _mayExit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Props _singletonProps;
    private readonly object _terminationMessage;
    private readonly ClusterSingletonManagerSettings _settings;
    private readonly TimeSpan _removalMargin;
    private readonly SingletonCore _core;
    private IActorRef? _singleton;

    public ClusterSingletonManager(Props singletonProps, object terminationMessage, ClusterSingletonManagerSettings settings)
    {
        if (settings.Role is { } role && !_cluster.SelfRoles.Contains(role))
            throw new ArgumentException($"This cluster member [{_cluster.SelfAddress}] doesn't have the role [{role}]");
        _singletonProps = singletonProps;
        _terminationMessage = terminationMessage;
        _settings = settings;
        _removalMargin = settings.RemovalMargin > TimeSpan.Zero ? settings.RemovalMargin : _cluster.DowningProvider.DownRemovalMargin;
        var least = Context.System.Settings.Config.GetInt("akka.cluster.singleton.min-number-of-hand-over-retries");
        if (least < 1)
            throw new ConfigurationException("akka.cluster.singleton.min-number-of-hand-over-retries must be above 0");
        var retries = Math.Max(least, (int)(_removalMargin / settings.HandOverRetryInterval) + 3);
        _core = new SingletonCore(_cluster.SelfUniqueAddress, settings.Role, Math.Max(retries, 4));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>With <see cref="PoisonPill"/> as the message that ends the singleton.</summary>
    public static Props Props(Props singletonProps, ClusterSingletonManagerSettings settings) => Props(singletonProps, PoisonPill.Instance, settings);

    /// <param name="singletonProps">the actor to run</param>
    /// <param name="terminationMessage">after this it must stop by itself; the next one starts only then</param>
    /// <param name="settings">the same on all members</param>
    public static Props Props(Props singletonProps, object terminationMessage, ClusterSingletonManagerSettings settings)
        => Actor.Props.Of(() => new ClusterSingletonManager(singletonProps, terminationMessage, settings));

    protected override void PreStart()
    {
        if (_cluster.IsTerminated)
        {
            Context.Stop(Self);
            return;
        }

        var self = Self;
        CoordinatedShutdown.Get(Context.System).AddTask(CoordinatedShutdown.PhaseClusterExiting, "singleton-exiting", () =>
        {
            if (_mayExit.Task.IsCompleted || _cluster.IsTerminated || _cluster.SelfMember.Status == MemberStatus.Down)
                return Task.FromResult(Done.Instance);
            self.Tell(SelfExiting.Instance, ActorRefs.NoSender);
            return _mayExit.Task;
        });
        _cluster.RegisterOnMemberUp(() => self.Tell(SelfUp.Instance, ActorRefs.NoSender));
    }

    protected override void PostStop()
    {
        _cluster.Unsubscribe(Self);
        _mayExit.TrySetResult(Done.Instance);
    }

    protected override void OnReceive(object message)
    {
        var before = _core.State;
        if (!Take(message))
            Unhandled(message);
        if (_core.State != before)
            _log.Info("ClusterSingletonManager state change [{0} -> {1}]", before, _core.State);
        Perform();
    }

    private bool Take(object message)
    {
        switch (message)
        {
            case SelfUp:
                _cluster.Subscribe(Self, typeof(ClusterEvent.MemberUp), typeof(ClusterEvent.MemberExited), typeof(ClusterEvent.MemberDowned),
                    typeof(ClusterEvent.MemberRemoved), typeof(ClusterEvent.ClusterShuttingDown));
                break;
            case ClusterEvent.CurrentClusterState state:
                _core.Start(state.Members);
                break;
            case ClusterEvent.MemberUp up:
                _core.OnMemberUp(up.Member);
                break;
            case ClusterEvent.MemberExited exited:
                _core.OnMemberExited(exited.Member);
                break;
            case ClusterEvent.MemberDowned downed:
                if (downed.Member.UniqueAddress.Equals(_cluster.SelfUniqueAddress))
                    _core.OnSelfDowned();
                break;
            case ClusterEvent.MemberRemoved removed:
                if (_core.OnMemberRemoved(removed.Member.UniqueAddress))
                    Settle(removed.Member.UniqueAddress);
                break;
            case ClusterEvent.ClusterShuttingDown:
                _core.OnClusterEnding();
                break;
            case RemovalSettled settled:
                _core.OnRemovalSettled(settled.Node);
                break;
            case SelfExiting:
                _core.OnSelfExiting();
                break;
            case Retry retry:
                _core.OnTimer(retry.Timer, retry.Attempt);
                break;
            case HandOverMessage handOver:
                OnHandOver(handOver.Kind);
                break;
            case Terminated terminated when terminated.ActorRef.Equals(_singleton):
                _log.Info("Singleton actor [{0}] was terminated", _singleton.Path);
                _singleton = null;
                _core.OnSingletonTerminated();
                break;
            default:
                return false;
        }

        return true;
    }

    private void OnHandOver(HandOver kind)
    {
        var from = Sender.Path.Address;
        var member = _cluster.State.Members.FirstOrDefault(m => m.Address.Equals(from) && m.Status != MemberStatus.Down)?.UniqueAddress;
        _core.OnHandOver(kind, from, member, leaving: _cluster.SelfMember.Status is MemberStatus.Leaving or MemberStatus.Exiting);
    }

    private void Settle(UniqueAddress node)
    {
        if (_removalMargin > TimeSpan.Zero)
            Timers.StartSingleTimer(node, new RemovalSettled(node), _removalMargin);
        else
            Self.Tell(new RemovalSettled(node));
    }

    private void Perform()
    {
        foreach (var effect in _core.Effects.ToArray())
        {
            switch (effect)
            {
                case SingletonEffect.StartSingleton:
                    _log.Info("Singleton manager starting singleton actor [{0}]", Self.Path / _settings.SingletonName);
                    _singleton = Context.Watch(Context.ActorOf(_singletonProps, _settings.SingletonName));
                    break;
                case SingletonEffect.TerminateSingleton:
                    _log.Info("Singleton manager stopping singleton actor [{0}]", _singleton!.Path);
                    _singleton.Tell(_terminationMessage);
                    break;
                case SingletonEffect.Send send:
                    _provider.ResolveActorRef(new RootActorPath(send.To) / Self.Path.Elements).Tell(HandOverMessage.Of(send.Message), Self);
                    break;
                case SingletonEffect.SetTimer timer:
                    Timers.StartSingleTimer(timer.Timer, new Retry(timer.Timer, timer.Attempt), _settings.HandOverRetryInterval);
                    break;
                case SingletonEffect.CancelTimer timer:
                    Timers.Cancel(timer.Timer);
                    break;
                case SingletonEffect.ConfirmExit:
                    _mayExit.TrySetResult(Done.Instance);
                    break;
                case SingletonEffect.Stop:
                    Context.Stop(Self);
                    break;
                case SingletonEffect.Fail fail:
                    throw new ClusterSingletonManagerIsStuckException(fail.Reason);
            }
        }

        _core.Effects.Clear();
    }
}
