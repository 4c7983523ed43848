using Akka.Actor;
using Akka.Event;

namespace Akka.Cluster.Tools.Singleton;

/// <summary>
/// Passes messages on to the singleton, wherever it runs. While it is unknown they are kept, up to the size of the buffer; what is sent to one
/// that just died is lost.
/// </summary>
public sealed class ClusterSingletonProxy : UntypedActor, IWithTimers
{
    private sealed class TryToIdentify
    {
        public static readonly TryToIdentify Instance = new();
    }

    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly SortedSet<Member> _byAge = new(Member.AgeOrdering);
    private readonly Queue<(object Message, IActorRef Sender)> _buffer = new();
    private readonly ClusterSingletonProxySettings _settings;
    private readonly string[] _singletonPath;
    private IActorRef? _singleton;

    // Answers to questions that were asked of an earlier oldest member are not for us any more.
    private int _question;

    public ClusterSingletonProxy(string singletonManagerPath, ClusterSingletonProxySettings settings)
    {
        _settings = settings;
        _singletonPath = [.. singletonManagerPath.Split('/', StringSplitOptions.RemoveEmptyEntries), settings.SingletonName];
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <param name="singletonManagerPath">without an address, such as <c>/user/manager</c></param>
    /// <param name="settings">role and name as the manager's</param>
    public static Props Props(string singletonManagerPath, ClusterSingletonProxySettings settings)
        => Actor.Props.Of(() => new ClusterSingletonProxy(singletonManagerPath, settings));

    protected override void PreStart()
        => _cluster.Subscribe(Self, typeof(ClusterEvent.MemberUp), typeof(ClusterEvent.MemberExited), typeof(ClusterEvent.MemberRemoved));

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case ClusterEvent.CurrentClusterState state:
                ChangeAges(() =>
                {
                    foreach (var m in state.Members)
                        if (m.Status is MemberStatus.Up or MemberStatus.Leaving && Counts(m))
                            _byAge.Add(m);
                });
                break;
            case ClusterEvent.MemberUp up:
                if (Counts(up.Member))
                    ChangeAges(() => _byAge.Add(up.Member));
                break;
            case ClusterEvent.IMemberEvent gone:
                ChangeAges(() => _byAge.RemoveWhere(m => m.Equals(gone.Member)));
                break;
            case TryToIdentify:
                Identify();
                break;
            case ActorIdentity identity when identity.MessageId is int question:
                OnIdentity(question, identity.Subject);
                break;
            case Terminated terminated:
                // It may be back at the same place, or soon elsewhere.
                if (terminated.ActorRef.Equals(_singleton))
                    Search();
                break;
            default:
                Pass(message);
                break;
        }
    }

    private bool Counts(Member member) => _settings.Role is not { } role || member.HasRole(role);

    private void ChangeAges(Action change)
    {
        var before = _byAge.Min;
        change();
        if (!Equals(before, _byAge.Min))
            Search();
    }

    private void Search()
    {
        _singleton = null;
        _question++;
        Timers.StartPeriodicTimer(TryToIdentify.Instance, TryToIdentify.Instance, TimeSpan.Zero, _settings.SingletonIdentificationInterval);
    }

    private void Identify()
    {
        if (_singleton is null && _byAge.Min is { } oldest)
            Context.ActorSelection(new RootActorPath(oldest.Address) / _singletonPath).Tell(new Identify(_question), Self);
    }

    private void OnIdentity(int question, IActorRef? found)
    {
        if (question != _question || found is null || _singleton is not null)
            return;
        _log.Info("Singleton identified at [{0}]", found.Path);
        _singleton = Context.Watch(found);
        Timers.Cancel(TryToIdentify.Instance);
        while (_buffer.TryDequeue(out var kept))
            found.Tell(kept.Message, kept.Sender);
    }

    private void Pass(object message)
    {
        if (_singleton is not null)
        {
            _singleton.Tell(message, Sender);
            return;
        }

        if (_settings.BufferSize == 0)
        {
            _log.Debug("Singleton not available and buffering is disabled, dropping message [{0}]", message.GetType());
            return;
        }

        if (_buffer.Count == _settings.BufferSize)
        {
            var (dropped, sender) = _buffer.Dequeue();
            _log.Debug("Singleton not available, buffer is full, dropping first message [{0}]", dropped.GetType());
            Context.System.DeadLetters.Tell(dropped, sender);
        }

        _buffer.Enqueue((message, Sender));
    }
}
