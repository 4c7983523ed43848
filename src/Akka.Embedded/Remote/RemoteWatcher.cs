using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Event;

namespace Akka.Remote;

/// <summary>
/// Watches remote actors for all local watchers, from one place per system (<c>/system/remote-watcher</c>): one Watch per watched
/// actor, one heartbeat per watched node. A node that falls silent is quarantined and declared lost to everyone at once.
/// </summary>
public class RemoteWatcher : UntypedActor
{
    public static Props Props(
        IFailureDetectorRegistry<Address> failureDetector, TimeSpan heartbeatInterval, TimeSpan unreachableReaperInterval, TimeSpan heartbeatExpectedResponseAfter)
        => Actor.Props.Create(() => new RemoteWatcher(failureDetector, heartbeatInterval, unreachableReaperInterval, heartbeatExpectedResponseAfter));

    public abstract class WatchCommand(IInternalActorRef watchee, IInternalActorRef watcher)
    {
        public IInternalActorRef Watchee { get; } = watchee;

        public IInternalActorRef Watcher { get; } = watcher;
    }

    public sealed class WatchRemote(IInternalActorRef watchee, IInternalActorRef watcher) : WatchCommand(watchee, watcher);

    public sealed class UnwatchRemote(IInternalActorRef watchee, IInternalActorRef watcher) : WatchCommand(watchee, watcher);

    public sealed class Heartbeat : IPriorityMessage, IDeadLetterSuppression
    {
        private Heartbeat() { }

        public static Heartbeat Instance { get; } = new();
    }

    public class HeartbeatRsp(int addressUid) : IPriorityMessage, IDeadLetterSuppression
    {
        public int AddressUid { get; } = addressUid;
    }

    private sealed class HeartbeatTick
    {
        public static readonly HeartbeatTick Instance = new();
    }

    private sealed class ReapTick
    {
        public static readonly ReapTick Instance = new();
    }

    private sealed record ExpectedFirstHeartbeat(Address From);

    private readonly IFailureDetectorRegistry<Address> _detectors;
    private readonly TimeSpan _expectedResponseAfter;
    private readonly IRemoteActorRefProvider _provider;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly HeartbeatRsp _response;
    private readonly ICancelable _heartbeats;
    private readonly ICancelable _reaps;
    private readonly Dictionary<IInternalActorRef, HashSet<IInternalActorRef>> _watchersOf = [];
    private readonly Dictionary<Address, HashSet<IInternalActorRef>> _watcheesOn = [];
    private readonly HashSet<Address> _unreachable = [];
    private readonly Dictionary<Address, int> _uids = [];

    public RemoteWatcher(
        IFailureDetectorRegistry<Address> failureDetector, TimeSpan heartbeatInterval, TimeSpan unreachableReaperInterval, TimeSpan heartbeatExpectedResponseAfter)
    {
        _detectors = failureDetector;
        _expectedResponseAfter = heartbeatExpectedResponseAfter;
        _provider = RARP.For(Context.System).Provider;
        _response = new HeartbeatRsp(AddressUidExtension.Uid(Context.System));
        var scheduler = Context.System.Scheduler;
        _heartbeats = scheduler.ScheduleTellRepeatedlyCancelable(heartbeatInterval, heartbeatInterval, Self, HeartbeatTick.Instance, Self);
        _reaps = scheduler.ScheduleTellRepeatedlyCancelable(unreachableReaperInterval, unreachableReaperInterval, Self, ReapTick.Instance, Self);
    }

    protected override void PostStop()
    {
        _heartbeats.Cancel();
        _reaps.Cancel();
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case HeartbeatTick:
                SendHeartbeats();
                break;
            case Heartbeat:
                Sender.Tell(_response);
                break;
            case HeartbeatRsp response:
                OnResponse(Sender.Path.Address, response.AddressUid);
                break;
            case ReapTick:
                ReapUnreachable();
                break;
            case ExpectedFirstHeartbeat expected:
                if (_watcheesOn.ContainsKey(expected.From) && !_detectors.IsMonitoring(expected.From))
                    _detectors.Heartbeat(expected.From);
                break;
            case WatchRemote watch:
                AddWatch(watch.Watchee, watch.Watcher);
                break;
            case UnwatchRemote unwatch:
                RemoveWatch(unwatch.Watchee, unwatch.Watcher);
                break;
            case Terminated terminated:
                OnTerminated((IInternalActorRef)terminated.ActorRef, terminated.ExistenceConfirmed, terminated.AddressTerminated);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void SendHeartbeats()
    {
        foreach (var node in _watcheesOn.Keys)
        {
            if (_unreachable.Contains(node) || !Monitors(node))
                continue;
            // A node that never answers would never be monitored, hence never missed: pretend one answer.
            if (!_detectors.IsMonitoring(node))
                Context.System.Scheduler.ScheduleTellOnce(_expectedResponseAfter, Self, new ExpectedFirstHeartbeat(node), Self);
            Context.ActorSelection(new RootActorPath(node) / Self.Path.Elements).Tell(Heartbeat.Instance, Self);
        }
    }

    private void OnResponse(Address from, int uid)
    {
        if (!_watcheesOn.TryGetValue(from, out var watchees) || _unreachable.Contains(from))
            return;
        if (!_uids.TryGetValue(from, out var known) || known != uid)
        {
            // A node heard from for the first time, or restarted: earlier Watch messages may never have reached it.
            foreach (var watchee in watchees)
                watchee.SendSystemMessage(new Watch(watchee, (IInternalActorRef)Self));
        }

        _uids[from] = uid;
        _detectors.Heartbeat(from);
    }

    private void ReapUnreachable()
    {
        foreach (var node in _watcheesOn.Keys)
        {
            if (!Monitors(node) || _detectors.IsAvailable(node) || !_unreachable.Add(node))
                continue;
            _log.Warning("Detected unreachable: [{0}]", node);
            _provider.Quarantine(node, _uids.TryGetValue(node, out var uid) ? uid : null);
            AddressTerminatedTopic.Get(Context.System).Publish(new AddressTerminated(node));
        }
    }

    /// <summary>Whether that node's life is this actor's to judge.</summary>
    protected virtual bool Monitors(Address node) => true;

    /// <summary>From now on somebody else judges.</summary>
    protected void StopMonitoring(Address node)
    {
        _unreachable.Remove(node);
        _detectors.Remove(node);
    }

    /// <summary>Somebody else's judgement: the node is lost to everyone.</summary>
    /// <param name="uid">that incarnation is quarantined; null: it has ended in order</param>
    protected void Lose(Address node, int? uid)
    {
        if (uid is not null)
            _provider.Quarantine(node, uid);
        AddressTerminatedTopic.Get(Context.System).Publish(new AddressTerminated(node));
    }

    private void AddWatch(IInternalActorRef watchee, IInternalActorRef watcher)
    {
        var node = watchee.Path.Address;
        if (!_watchersOf.TryGetValue(watchee, out var watchers))
            _watchersOf.Add(watchee, watchers = []);
        watchers.Add(watcher);
        if (!_watcheesOn.TryGetValue(node, out var watchees))
        {
            _watcheesOn.Add(node, watchees = []);
            // Watched again after it was lost: it gets another chance.
            if (_unreachable.Remove(node))
                _detectors.Remove(node);
        }

        watchees.Add(watchee);
        Context.Watch(watchee);
    }

    private void RemoveWatch(IInternalActorRef watchee, IInternalActorRef watcher)
    {
        if (!_watchersOf.TryGetValue(watchee, out var watchers) || !watchers.Remove(watcher) || watchers.Count > 0)
            return;
        Context.Unwatch(watchee);
        Forget(watchee);
    }

    private void OnTerminated(IInternalActorRef watchee, bool existenceConfirmed, bool addressTerminated)
    {
        // When the whole node is lost every watcher hears so by itself.
        if (!addressTerminated && _watchersOf.TryGetValue(watchee, out var watchers))
            foreach (var watcher in watchers)
                watcher.SendSystemMessage(new DeathWatchNotification(watchee, existenceConfirmed, addressTerminated));
        Forget(watchee);
    }

    private void Forget(IInternalActorRef watchee)
    {
        var node = watchee.Path.Address;
        _watchersOf.Remove(watchee);
        if (!_watcheesOn.TryGetValue(node, out var watchees))
            return;
        watchees.Remove(watchee);
        if (watchees.Count > 0)
            return;
        _watcheesOn.Remove(node);
        _uids.Remove(node);
        _detectors.Remove(node);
    }
}
