using System.Text;
using Akka.Actor;
using Akka.Dispatch.SysMsg;

namespace Akka.Remote;

public interface IRemoteRef : IActorRefScope;

/// <summary>An actor of another system. Nothing is known of it but its path.</summary>
public class RemoteActorRef : InternalActorRefBase, IRemoteRef
{
    private byte[]? _serializedPath;

    public RemoteActorRef(RemoteTransport remote, Address localAddressToUse, ActorPath path, IInternalActorRef parent)
    {
        if (path.Address.HasLocalScope)
            throw new ArgumentException($"{path} names no node", nameof(path));
        Remote = remote;
        LocalAddressToUse = localAddressToUse;
        Path = path;
        Parent = parent;
    }

    public Address LocalAddressToUse { get; }

    public override ActorPath Path { get; }

    public override IInternalActorRef Parent { get; }

    public override IActorRefProvider Provider => Remote.Provider;

    public override bool IsLocal => false;

    /// <summary>Always false: only death watch can tell.</summary>
    public override bool IsTerminated => false;

    internal RemoteTransport Remote { get; }

    internal ReadOnlySpan<byte> SerializedPath => _serializedPath ??= Encoding.UTF8.GetBytes(Path.ToSerializationFormat());

    /// <summary>Kept by remoting, so that a message needs no lookup by address.</summary>
    internal Association? Association { get; set; }

    public override IActorRef GetChild(IReadOnlyList<string> name)
    {
        IActorRef current = this;
        for (var i = 0; i < name.Count; i++)
        {
            if (current is not RemoteActorRef remote)
                return Nobody.Instance;
            if (name[i].Length == 0)
                continue;
            current = name[i] == ".." ? remote.Parent : new RemoteActorRef(Remote, LocalAddressToUse, remote.Path / name[i], Nobody.Instance);
        }

        return current;
    }

    public override void Start() { }

    public override void Stop() => SendSystemMessage(new Terminate());

    public override void Suspend() => SendSystemMessage(new Suspend());

    public override void Resume(Exception? causedByFailure = null) => SendSystemMessage(new Resume(causedByFailure));

    public override void Restart(Exception cause) => SendSystemMessage(new Recreate(cause));

    public override void SendSystemMessage(ISystemMessage message)
    {
        // Watches go through the remote watcher, which also notices when the whole node is lost.
        var watcher = Remote.Provider.RemoteWatcher;
        switch (message)
        {
            case Watch watch when IsWatchIntercepted(watch.Watchee, watch.Watcher):
                watcher.Tell(new RemoteWatcher.WatchRemote(watch.Watchee, watch.Watcher), ActorRefs.NoSender);
                break;
            case Unwatch unwatch when IsWatchIntercepted(unwatch.Watchee, unwatch.Watcher):
                watcher.Tell(new RemoteWatcher.UnwatchRemote(unwatch.Watchee, unwatch.Watcher), ActorRefs.NoSender);
                break;
            default:
                Remote.Send(message, null, this);
                break;
        }
    }

    public bool IsWatchIntercepted(IActorRef watchee, IActorRef watcher) => !watcher.Equals(Remote.Provider.RemoteWatcher) && watchee.Equals(this);

    protected override void TellInternal(object message, IActorRef sender) => Remote.Send(message, sender, this);
}
