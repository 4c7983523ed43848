using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Akka.Cluster.SBR;

/// <summary>The default downing provider.</summary>
public class SplitBrainResolverProvider : IDowningProvider
{
    private readonly Cluster _cluster;
    private readonly SplitBrainResolverSettings _settings;

    public SplitBrainResolverProvider(ActorSystem system, Cluster cluster)
    {
        _cluster = cluster;
        _settings = new SplitBrainResolverSettings(system.Settings.Config);
    }

    public TimeSpan DownRemovalMargin => _cluster.Settings.DownRemovalMargin is var margin && margin > TimeSpan.Zero ? margin : _settings.DowningStableAfter;

    public Props DowningActorProps
    {
        get
        {
            DowningStrategy strategy = _settings.DowningStrategy == SplitBrainResolverSettings.DownAllName
                ? new DownAllNodes()
                : new KeepMajority(_settings.KeepMajorityRole);
            return Props.Of(() => new SplitBrainResolver(_cluster, _settings, strategy)).WithDispatcher(_cluster.Settings.UseDispatcher);
        }
    }
}

/// <summary>
/// Waits until unreachability has stood still for stable-after; then the leader of this side downs whom the strategy says. When it never stands
/// still, every node downs everybody.
/// </summary>
internal sealed class SplitBrainResolver : UntypedActor, IWithTimers
{
    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }

    private static readonly TimeSpan LongestTick = TimeSpan.FromSeconds(1);

    private readonly Cluster _cluster;
    private readonly SplitBrainResolverSettings _settings;
    private readonly DowningStrategy _strategy;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private SplitView _view = SplitView.Empty;
    private TimeSpan _stableAt;

    /// <summary>Since when there have been changes of reachability without an end; null: all is well.</summary>
    private TimeSpan? _unstableSince;
    private bool _leader;
    private bool _selfUp;

    public SplitBrainResolver(Cluster cluster, SplitBrainResolverSettings settings, DowningStrategy strategy)
    {
        _cluster = cluster;
        _settings = settings;
        _strategy = strategy;
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private TimeSpan Now => Context.System.Scheduler.MonotonicClock;

    protected override void PreStart()
    {
        // A short stable-after should not be made longer by the wait for the next look.
        var tick = _settings.DowningStableAfter / 4;
        Timers.StartPeriodicTimer(Tick.Instance, Tick.Instance, tick < LongestTick ? tick : LongestTick);
        Restart();
        _cluster.Subscribe(Self, ClusterEvent.InitialStateAsEvents, typeof(ClusterEvent.IClusterDomainEvent));
    }

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Tick:
                OnTick();
                break;
            case ClusterEvent.SeenChanged seen:
                _view = _view with { SeenBy = seen.SeenBy };
                break;
            case ClusterEvent.ReachabilityChanged changed:
                _view = _view with { Reachability = changed.Reachability };
                break;
            case ClusterEvent.UnreachableMember unreachable:
                OnReachability(unreachable.Member, _view.WithUnreachable(unreachable.Member));
                break;
            case ClusterEvent.ReachableMember reachable:
                OnReachability(reachable.Member, _view.WithReachable(reachable.Member));
                break;
            case ClusterEvent.LeaderChanged leader:
                _leader = _cluster.SelfAddress.Equals(leader.Leader);
                break;
            case ClusterEvent.IMemberEvent change:
                OnMember(change);
                break;
            case ClusterEvent.IClusterDomainEvent:
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private bool IsSelf(Member member) => member.UniqueAddress.Equals(_cluster.SelfUniqueAddress);

    private void Restart() => _stableAt = Now + _settings.DowningStableAfter;

    private void OnMember(ClusterEvent.IMemberEvent change)
    {
        var member = change.Member;
        switch (change)
        {
            case ClusterEvent.MemberRemoved when IsSelf(member):
                Context.Stop(Self);
                break;
            case ClusterEvent.MemberRemoved:
                _view = _view.Without(member);
                CalmDown();
                break;
            case ClusterEvent.MemberDowned:
                // It is as good as gone, reachable or not.
                OnReachability(member, _view.WithUnreachable(member));
                break;
            default:
                _view = _view.With(member);
                if (change is ClusterEvent.MemberUp or ClusterEvent.MemberExited)
                    Restart();
                if (IsSelf(member) && change is ClusterEvent.MemberUp or ClusterEvent.MemberWeaklyUp)
                    _selfUp = true;
                break;
        }
    }

    private void OnReachability(Member member, SplitView view)
    {
        if (IsSelf(member))
            return;
        if (_leader && _selfUp && view.Unreachable.Count > 0 && view.Unreachable.Count != _view.Unreachable.Count)
            _log.Info("SBR found [{0}] unreachable members, waiting for stable-after = {1} ms before taking downing decision.",
                view.Unreachable.Count, _settings.DowningStableAfter.TotalMilliseconds);
        _view = view;
        _unstableSince ??= Now;
        CalmDown();
        Restart();
    }

    private void CalmDown()
    {
        if (_view.AllUnreachableAreOnTheirWayOut)
            _unstableSince = null;
    }

    private void OnTick()
    {
        if (_settings.DownAllWhenUnstable > TimeSpan.Zero && _unstableSince is { } since && Now - since > _settings.DowningStableAfter + _settings.DownAllWhenUnstable)
        {
            _log.Warning("SBR detected instability and will down all nodes");
            Act(Decision.DownAll);
        }
        else if (_leader && _selfUp && !_view.Unreachable.IsEmpty && Now >= _stableAt)
            Act(_strategy.Decide(_view));
    }

    private void Act(Decision decision)
    {
        var nodes = _strategy.NodesToDown(_view, decision);
        if (nodes.IsEmpty)
            return;
        var self = nodes.Contains(_cluster.SelfUniqueAddress);
        _log.Warning("SBR took decision {0} and is downing [{1}]{2}, [{3}] unreachable of [{4}] members, full reachability status: [{5}]",
            decision, string.Join(", ", nodes.Select(static n => n.Address)), self ? " including myself" : "", _view.Unreachable.Count, _view.Members.Count, _view.Reachability);
        foreach (var node in nodes.Remove(_cluster.SelfUniqueAddress))
            _cluster.Down(node.Address);
        // Last, since this node may stop at once.
        if (self)
            _cluster.Down(_cluster.SelfAddress);
        _unstableSince = null;
        Restart();
    }
}
