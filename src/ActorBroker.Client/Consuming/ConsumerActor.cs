using System.Security.Cryptography;
using ActorBroker.Protocol;
using Akka.Actor;

namespace ActorBroker.Client;

/// <summary>
/// The consumer as an actor: sends its target <see cref="ConsumerBatch"/> and goes on at <see cref="Processed"/>; takes
/// <see cref="Seek"/>, <see cref="Pause"/>, <see cref="Resume"/> and <see cref="GetConsumerPositions"/>. Stops with its target.
/// </summary>
public static class Consumer
{
    /// <exception cref="ClientSettingsException">The settings are wrong, or name nothing to read.</exception>
    public static Props Props(ConsumerSettings settings, IActorRef target) =>
        Props(settings, target, RandomNumberGenerator.GetInt32(int.MaxValue));

    internal static Props Props(ConsumerSettings settings, IActorRef target, int seed)
    {
        Check(settings);
        return Akka.Actor.Props.Create(() => new ConsumerActor(settings, target, seed));
    }

    internal static void Check(ConsumerSettings settings)
    {
        settings.Validate();
        if (settings.Topics.IsDefaultOrEmpty && settings.Partitions.IsDefaultOrEmpty)
            throw new ClientSettingsException(["the consumer is given neither topics (Subscribe) nor partitions (Assign) to read"]);
    }
}

/// <summary>Performs <see cref="ConsumerCore"/>'s effects.</summary>
internal sealed class ConsumerActor : UntypedActor, IWithTimers
{
    private readonly ConsumerSettings _settings;
    private readonly IActorRef _target;
    private readonly int _seed;
    private readonly ConsumerCore _core;
    private readonly List<ConsumerEffect> _effects = [];
    private Wakeup _wakeup = null!;
    private IActorRef _cluster = ActorRefs.Nobody;

    public ConsumerActor(ConsumerSettings settings, IActorRef target, int seed)
    {
        _settings = settings;
        _target = target;
        _seed = seed;
        _core = new ConsumerCore(settings, SystemFrame.Of(Context.System), new Random(seed), _effects);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Requests out would be lost with a restarted connection: both start anew together.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Escalate);

    protected override void PreStart()
    {
        _wakeup = new Wakeup(Timers, Context.System, clock: null);
        _cluster = Context.ActorOf(ClusterActor.Props(_settings.Client, _seed, Self), "cluster");
        Context.Watch(_target);
        _core.Start();
        Perform();
    }

    protected override void OnReceive(object message)
    {
        var now = _wakeup.Now;
        switch (message)
        {
            case Processed processed:
                _core.OnProcessed(processed.Batch, now);
                break;
            case ClusterProtocol.Completed { Response: { } response } completed:
                _core.OnResponse(completed.Token, response, now);
                break;
            case ClusterProtocol.Completed failed:
                _core.OnRequestFailed(failed.Token, failed.Error, failed.Message, now);
                break;
            case ClusterProtocol.Updated updated:
                _core.OnMetadata(updated.Image, now);
                break;
            case ClusterProtocol.Unreachable unreachable:
                _core.OnUnreachable(unreachable.Message);
                break;
            case Wakeup.Fired:
                _wakeup.OnFired();
                _core.Advance(now);
                break;
            default:
                OnCommand(message, now);
                break;
        }

        Perform();
        _wakeup.Arm(_core.NextWakeup(now));
    }

    private void OnCommand(object message, TimeSpan now)
    {
        switch (message)
        {
            case Seek seek:
                Sender.Tell(_core.OnSeek(seek.Partition, seek.Position, now), Self);
                break;
            case Pause pause:
                _core.OnPause(pause.Partitions, paused: true, now);
                break;
            case Resume resume:
                _core.OnPause(resume.Partitions, paused: false, now);
                break;
            case GetConsumerPositions:
                Sender.Tell(_core.Positions, Self);
                break;
            case Terminated terminated when terminated.ActorRef.Equals(_target):
                Context.Stop(Self);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Perform()
    {
        foreach (var effect in _effects)
        {
            switch (effect)
            {
                case ConsumerEffect.Deliver deliver:
                    _target.Tell(deliver.Batch, Self);
                    break;
                case ConsumerEffect.Notify notify:
                    _target.Tell(notify.Message, Self);
                    break;
                case ConsumerEffect.Send send:
                    _cluster.Tell(new ClusterProtocol.Submit(send.RequestId, RequestTarget.To(send.Broker), send.Request, send.Timeout), Self);
                    break;
                case ConsumerEffect.WantTopics want:
                    _cluster.Tell(new ClusterProtocol.WantTopics(want.Topics), Self);
                    break;
                case ConsumerEffect.RefreshMetadata:
                    _cluster.Tell(ClusterProtocol.Refresh.Instance, Self);
                    break;
            }
        }

        _effects.Clear();
    }
}
