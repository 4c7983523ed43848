using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Event;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>
/// Keeps a controller running: a persistent actor whose write failed has stopped for good, so a new one is made, with
/// growing and jittered pauses, and bids for its journal anew. Meanwhile commands are answered with
/// <see cref="ControllerUnavailable"/>.
/// </summary>
internal sealed class ControllerSupervisor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <summary>A controller that has lived for so long begins with short pauses when it stops: what stopped those before it is over.</summary>
    public static readonly TimeSpan Steady = TimeSpan.FromSeconds(30);

    private static readonly ControllerUnavailable Away = new("The controller is being restarted; try again.");

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly MessageReader _messages = new((ExtendedActorSystem)Context.System);
    private readonly Props _controller;
    private readonly Func<double> _nextJitter;
    private readonly TimeSpan _steady;
    private IActorRef? _child;
    private int _failures;

    /// <param name="nextJitter">From 0 up to 1.</param>
    /// <param name="steady">See <see cref="Steady"/>.</param>
    public ControllerSupervisor(Props controller, Func<double> nextJitter, TimeSpan steady)
    {
        _controller = controller;
        _nextJitter = nextJitter;
        _steady = steady;
        Receive<Terminated>(_ => OnStopped());
        Receive<Recreate>(_ => Start());
        Receive<Lasts>(_ => _failures = 0);
        Receive<MessagePiece>(OnPiece);
        Receive<ICommand>(OnCommand);
        Receive<DeadLetter>(OnDeadLetter);
        ReceiveAny(message => _child?.Forward(message));
    }

    /// <summary>On the event stream of the node that runs the controller.</summary>
    /// <param name="Controller">Null: it has stopped here.</param>
    public sealed record RunsHere(IActorRef? Controller);

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(Props controller, Func<double> nextJitter, TimeSpan steady) =>
        Akka.Actor.Props.Create(() => new ControllerSupervisor(controller, nextJitter, steady));

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(DeadLetter));
        Context.System.EventStream.Publish(new RunsHere(Self));
        Start();
    }

    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        Context.System.EventStream.Publish(new RunsHere(null));
    }

    /// <summary>A crash restarts nothing in place: a new instance recovers from the journal, as after a failed write.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private void OnCommand(ICommand command)
    {
        if (_child is null) Sender.Tell(Away);
        else _child.Forward(command);
    }

    private void OnPiece(MessagePiece piece)
    {
        try
        {
            if (_messages.On(piece, Sender) is ICommand command) OnCommand(command);
        }
        catch (SerializationException damage)
        {
            _log.Error(damage, "A command from {0} can't be read", Sender);
        }
    }

    /// <summary>What a controller had not got to when it stopped: whoever asked need not wait for nothing.</summary>
    private void OnDeadLetter(DeadLetter letter)
    {
        if (letter.Message is ICommand && letter.Recipient.Path.Parent.Equals(Self.Path)) letter.Sender.Tell(Away);
    }

    private void Start()
    {
        _child = Context.ActorOf(_controller);
        Context.Watch(_child);
        Timers.StartSingleTimer(Lasts.Instance, Lasts.Instance, _steady);
    }

    private void OnStopped()
    {
        _child = null;
        Timers.Cancel(Lasts.Instance);
        var doubled = FirstPause * Math.Pow(2, Math.Min(_failures++, 16));
        var pause = (doubled < LongestPause ? doubled : LongestPause) * (0.5 + 0.5 * _nextJitter());
        _log.Warning("The controller stopped; starting it again in {0} ms", (int)pause.TotalMilliseconds);
        Timers.StartSingleTimer(Recreate.Instance, Recreate.Instance, pause);
    }

    private sealed class Lasts
    {
        public static readonly Lasts Instance = new();
    }

    private sealed class Recreate
    {
        public static readonly Recreate Instance = new();
    }
}
