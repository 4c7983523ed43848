using Akka.Dispatch.SysMsg;
using Akka.Event;

namespace Akka.Actor;

public sealed partial class ActorCell
{
    // Watched actor -> message to deliver in place of Terminated, or null.
    private Dictionary<IActorRef, object?>? _watching;
    private HashSet<IActorRef>? _watchedBy;

    // Ended, and the Terminated message is in the mailbox: an Unwatch must still be able to swallow it.
    private Dictionary<IActorRef, object?>? _terminatedQueued;

    public IActorRef Watch(IActorRef subject) => WatchWithOrNull(subject, message: null);

    public IActorRef WatchWith(IActorRef subject, object message)
        => WatchWithOrNull(subject, message ?? throw new ArgumentNullException(nameof(message), "Watch without a message is Watch."));

    private IActorRef WatchWithOrNull(IActorRef subject, object? message)
    {
        var watchee = (IInternalActorRef)subject;
        if (watchee.Equals(_self))
            return subject;
        if (_watching is not null && _watching.ContainsKey(watchee))
            return subject; // the first watch stands, its message included
        SubscribeToLostAddress(watchee);
        (_watching ??= []).Add(watchee, message);
        watchee.SendSystemMessage(new Watch(watchee, _self));
        return subject;
    }

    public IActorRef Unwatch(IActorRef subject)
    {
        var watchee = (IInternalActorRef)subject;
        if (watchee.Equals(_self))
            return subject;
        if (_watching is not null && _watching.Remove(watchee))
            watchee.SendSystemMessage(new Unwatch(watchee, _self));
        _terminatedQueued?.Remove(watchee);
        return subject;
    }

    private void ReceivedTerminated(Terminated terminated)
    {
        if (_terminatedQueued is null || !_terminatedQueued.Remove(terminated.ActorRef, out var message))
            return;
        if (message is null)
        {
            _actor!.AroundReceive(_behavior!, terminated);
            return;
        }
        _currentMessage = message;
        ReceiveMessage(message);
    }

    /// <summary>A notification arrived: about a watched actor, a child, or one that both forgot.</summary>
    private void WatchedActorTerminated(IActorRef actor, bool existenceConfirmed, bool addressTerminated)
    {
        if (_watching is not null && _watching.Remove(actor, out var message))
        {
            if (!IsTerminating)
            {
                (_terminatedQueued ??= [])[actor] = message;
                _self.Tell(new Terminated(actor, existenceConfirmed, addressTerminated), actor);
            }
        }
        if (_children.TryGetByRef(actor, out _))
            HandleChildTerminated(actor);
    }

    private void AddWatcher(IInternalActorRef watchee, IInternalActorRef watcher)
    {
        if (watchee.Equals(_self) && !watcher.Equals(_self))
        {
            if ((_watchedBy ??= []).Add(watcher))
                SubscribeToLostAddress(watcher);
        }
        else if (!watchee.Equals(_self) && watcher.Equals(_self))
            Watch(watchee);
        else
            SystemImpl.EventStream.Publish(new Warning(_self.Path.ToString(), _props.Type, $"BUG: illegal Watch({watchee},{watcher}) for {_self}"));
    }

    private void RemoveWatcher(IInternalActorRef watchee, IInternalActorRef watcher)
    {
        if (watchee.Equals(_self) && !watcher.Equals(_self))
            _watchedBy?.Remove(watcher);
        else if (!watchee.Equals(_self) && watcher.Equals(_self))
            Unwatch(watchee);
        else
            SystemImpl.EventStream.Publish(new Warning(_self.Path.ToString(), _props.Type, $"BUG: illegal Unwatch({watchee},{watcher}) for {_self}"));
    }

    private void TellWatchersWeDied()
    {
        var watchers = _watchedBy;
        _watchedBy = null;
        if (watchers is null)
            return;
        // Remote ones first: a local one may end the system before the news is out.
        foreach (var watcher in watchers)
            if (!((IInternalActorRef)watcher).IsLocal)
                NotifyWatcher((IInternalActorRef)watcher);
        foreach (var watcher in watchers)
            if (((IInternalActorRef)watcher).IsLocal)
                NotifyWatcher((IInternalActorRef)watcher);
    }

    private void NotifyWatcher(IInternalActorRef watcher)
    {
        // The parent is told anyway.
        if (!watcher.Equals(Parent))
            watcher.SendSystemMessage(new DeathWatchNotification(_self, existenceConfirmed: true, addressTerminated: false));
    }

    private void UnwatchWatchedActors()
    {
        if (_watching is not null)
            foreach (var watchee in _watching.Keys)
                ((IInternalActorRef)watchee).SendSystemMessage(new Unwatch((IInternalActorRef)watchee, _self));
        _watching = null;
        _terminatedQueued = null;
        AddressTerminatedTopic.Get(System).Unsubscribe(_self);
    }

    private void SubscribeToLostAddress(IInternalActorRef other)
    {
        if (!other.IsLocal)
            AddressTerminatedTopic.Get(System).Subscribe(_self);
    }

    /// <summary>A node is lost: its actors no longer watch this one, and those watched there count as ended.</summary>
    private void AddressTerminated(Address address)
    {
        _watchedBy?.RemoveWhere(watcher => watcher.Path.Address.Equals(address));
        if (_watching is null)
            return;
        // Not for children: their end is announced by their own supervision.
        var lost = new List<IActorRef>();
        foreach (var watchee in _watching.Keys)
            if (watchee.Path.Address.Equals(address))
                lost.Add(watchee);
        foreach (var watchee in lost)
            _self.SendSystemMessage(new DeathWatchNotification(watchee, _children.TryGetByRef(watchee, out _), addressTerminated: true));
    }
}
