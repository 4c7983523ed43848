using Akka.Actor.Internal;
using Akka.Dispatch;
using Akka.Dispatch.SysMsg;
using Akka.Event;
using Debug = Akka.Event.Debug;

namespace Akka.Actor;

/// <summary>
/// The runtime side of one actor: mailbox, children, watches, behaviour stack and supervision. Its parts are in
/// ActorCell.Children, .Faults, .Watching and .Messages. Everything but the Send methods and the children table belongs to the
/// thread that runs the mailbox.
/// </summary>
public sealed partial class ActorCell : IUntypedActorContext
{
    public const int UndefinedUid = 0;

    [ThreadStatic] private static ActorCell? t_current;

    private readonly IInternalActorRef _self;
    private readonly Props _props;
    private readonly MessageDispatcher _dispatcher;
    private readonly IActorRef _deadLetters;
    private volatile Mailbox _mailbox = null!;

    private ActorBase? _actor;
    private Receive? _behavior;
    private Stack<Receive>? _behaviorStack;
    private object? _currentMessage;
    private IActorRef? _sender;
    private ActorTaskScheduler? _taskScheduler;
    private TimerScheduler? _timers;

    internal ActorCell(ActorSystemImpl system, IInternalActorRef self, Props props, MessageDispatcher dispatcher, IInternalActorRef parent)
    {
        SystemImpl = system;
        _self = self;
        _props = props;
        _dispatcher = dispatcher;
        Parent = parent;
        _deadLetters = system.DeadLetters;
    }

    /// <summary>The cell whose actor runs on this thread.</summary>
    internal static ActorCell? Current
    {
        get => t_current;
        set => t_current = value;
    }

    public static IActorRef GetCurrentSelfOrNoSender() => t_current?._self ?? ActorRefs.NoSender;
    public static IActorRef GetCurrentSenderOrNoSender() => t_current?._sender ?? ActorRefs.NoSender;

    internal ActorSystemImpl SystemImpl { get; }
    public ActorSystem System => SystemImpl;
    public IActorRef Self => _self;
    internal IInternalActorRef SelfInternal => _self;
    public IInternalActorRef Parent { get; }
    IActorRef IActorContext.Parent => Parent;
    public Props Props => _props;
    public MessageDispatcher Dispatcher => _dispatcher;
    public Mailbox Mailbox => _mailbox;
    public IActorRef Sender => _sender ?? _deadLetters;
    public object? CurrentMessage => _currentMessage;
    public bool HasMessages => _mailbox.MessageQueue.HasMessages;
    public int NumberOfMessages => _mailbox.MessageQueue.Count;
    public bool IsLocal => true;
    public bool IsTerminated => _mailbox.IsClosed;
    internal ActorBase? Actor => _actor;

    internal bool IsCreatingActor { get; private set; }

    /// <summary>Runs this actor's async code one piece at a time, in its context.</summary>
    public ActorTaskScheduler TaskScheduler => _taskScheduler ?? CreateTaskScheduler();

    private ActorTaskScheduler CreateTaskScheduler()
    {
        var created = new ActorTaskScheduler(this);
        return Interlocked.CompareExchange(ref _taskScheduler, created, comparand: null) ?? created;
    }

    internal void Init(MailboxType mailboxType)
    {
        var mailbox = new Mailbox(mailboxType.Create(_self, System));
        mailbox.SetActor(this);
        _mailbox = mailbox;
        mailbox.SystemEnqueue(new Create());
    }

    /// <summary>Only to be called once the parent knows the child.</summary>
    public void Start() => _dispatcher.Attach(this);

    internal Mailbox SwapMailbox(Mailbox mailbox)
    {
        var old = _mailbox;
        _mailbox = mailbox;
        return old;
    }

    public void SendMessage(IActorRef sender, object message) => _dispatcher.Dispatch(this, new Envelope(message, sender ?? _deadLetters));

    public void SendMessage(Envelope message) => _dispatcher.Dispatch(this, message);

    public void SendSystemMessage(ISystemMessage systemMessage) => _dispatcher.SystemDispatch(this, systemMessage);

    public void Suspend() => SendSystemMessage(new Suspend());
    public void Resume(Exception? causedByFailure) => SendSystemMessage(new Resume(causedByFailure));
    public void Restart(Exception cause) => SendSystemMessage(new Recreate(cause));
    public void Stop() => SendSystemMessage(new Terminate());

    public void Become(Receive receive)
    {
        _behavior = receive;
    }

    public void BecomeStacked(Receive receive)
    {
        if (_behavior is not null)
            (_behaviorStack ??= new Stack<Receive>()).Push(_behavior);
        _behavior = receive;
    }

    public void UnbecomeStacked()
    {
        if (_behaviorStack is { Count: > 0 } stack)
            _behavior = stack.Pop();
        else
            _behavior = _actor is null ? null : InitialBehavior(_actor);
    }

    public void Become(UntypedReceive receive) => Become(AsReceive(receive));
    public void BecomeStacked(UntypedReceive receive) => BecomeStacked(AsReceive(receive));

    private static Receive AsReceive(UntypedReceive receive) => message =>
    {
        receive(message);
        return true;
    };

    private static Receive InitialBehavior(ActorBase actor)
        => actor is ReceiveActor receiveActor ? receiveActor.InitialBehavior : actor.ReceiveInternal;

    public ActorSelection ActorSelection(string path) => ActorRefFactoryShared.ActorSelection(path, SystemImpl, _self);
    public ActorSelection ActorSelection(ActorPath path) => ActorRefFactoryShared.ActorSelection(path, SystemImpl);

    internal void ActorUnderConstruction(ActorBase actor) => _actor = actor;

    private ActorBase NewActor()
    {
        _behavior = null;
        _behaviorStack = null;
        IsCreatingActor = true;
        ActorBase actor;
        try
        {
            actor = _props.NewActor() ?? throw new ActorInitializationException(_self, "The producer returned null in place of an actor.");
        }
        finally
        {
            IsCreatingActor = false;
        }
        _actor = actor;
        _behavior ??= InitialBehavior(actor);
        if (actor is IActorStash stashing)
            stashing.Stash = this.CreateStash(stashing);
        if (actor is IWithTimers timing)
            timing.Timers = _timers = new TimerScheduler(this);
        return actor;
    }

    /// <summary>Lets go of an actor that stopped or failed. What it had stashed returns to the mailbox.</summary>
    private void ReleaseActor()
    {
        var actor = _actor;
        _timers?.CancelAll();
        _timers = null;
        if (actor is null)
            return;
        if (actor is IActorStash { Stash: { } stash })
            stash.UnstashAll();
        _props.Release(actor);
        if (actor is IDisposable disposable)
            disposable.Dispose();
        _behavior = null;
        _behaviorStack = null;
        _currentMessage = null;
        _actor = null;
    }

    private void PublishDebug(bool enabled, string what)
    {
        if (enabled)
            SystemImpl.EventStream.Publish(new Debug(_self.Path.ToString(), _actor?.GetType() ?? _props.Type, what));
    }

    private void PublishError(Exception cause, string what)
        => SystemImpl.EventStream.Publish(new Error(cause, _self.Path.ToString(), _actor?.GetType() ?? _props.Type, what));

    public override string ToString() => _self.ToString()!;
}
