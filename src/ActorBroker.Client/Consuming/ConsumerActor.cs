using System.Security.Cryptography;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Event;

namespace ActorBroker.Client;

/// <summary>
/// The consumer as an actor: sends its target <see cref="ConsumerBatch"/> and goes on at <see cref="Processed"/> or
/// <see cref="Failed"/>; takes <see cref="Seek"/>, <see cref="Pause"/>, <see cref="Resume"/>, <see cref="CommitOffsets"/>,
/// <see cref="GetConsumerPositions"/> and <see cref="StopConsumer"/>. Stops with its target.
/// </summary>
public static class Consumer
{
    /// <exception cref="ClientSettingsException">The settings are wrong, or name nothing to read.</exception>
    public static Props Props(ConsumerSettings settings, IActorRef target) =>
        Props(settings, target, RandomNumberGenerator.GetInt32(int.MaxValue));

    /// <summary>The consumer makes its target itself and restarts it when it fails: what was out to it then counts as failed and comes again.</summary>
    /// <exception cref="ClientSettingsException">The settings are wrong, or name nothing to read.</exception>
    public static Props Props(ConsumerSettings settings, Props target)
    {
        Check(settings);
        var seed = RandomNumberGenerator.GetInt32(int.MaxValue);
        return Akka.Actor.Props.Create(() => new ConsumerActor(settings, target, seed));
    }

    internal static Props Props(ConsumerSettings settings, IActorRef target, int seed)
    {
        Check(settings);
        return Akka.Actor.Props.Create(() => new ConsumerActor(settings, target, seed));
    }

    internal static void Check(ConsumerSettings settings)
    {
        settings.Validate();
        if (settings.Topics.IsDefaultOrEmpty && settings.Partitions.IsDefaultOrEmpty && settings.TopicPattern is null)
            throw new ClientSettingsException(["the consumer is given neither topics (Subscribe) nor partitions (Assign) to read"]);
    }
}

/// <summary>Performs the effects of <see cref="ConsumerCore"/> and, with a group, of <see cref="GroupSession"/>.</summary>
internal sealed class ConsumerActor : UntypedActor, IWithTimers
{
    private readonly ConsumerSettings _settings;
    private readonly Props? _targetProps;
    private readonly int _seed;
    private readonly ConsumerCore _core;
    private readonly GroupSession? _group;
    private readonly List<ConsumerEffect> _effects = [];
    private IActorRef _target;
    private Wakeup _wakeup = null!;
    private IActorRef _cluster = ActorRefs.Nobody;
    private IActorRef _deadLetters = ActorRefs.Nobody;

    public ConsumerActor(ConsumerSettings settings, IActorRef target, int seed)
    {
        _settings = settings;
        _target = target;
        _seed = seed;
        var (frame, random) = (SystemFrame.Of(Context.System), new Random(seed));
        _core = new ConsumerCore(settings, frame, random, _effects);
        _group = settings.GroupId.Length > 0 ? new GroupSession(settings, frame, random, _core, _effects) : null;
    }

    public ConsumerActor(ConsumerSettings settings, Props target, int seed)
        : this(settings, ActorRefs.Nobody, seed) => _targetProps = target;

    public ITimerScheduler Timers { get; set; } = null!;

    private ILoggingAdapter Log { get; } = Context.GetLogger();

    /// <summary>Requests out would be lost with a restarted connection: both start anew together.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Escalate);

    protected override void PreStart()
    {
        _wakeup = new Wakeup(Timers, Context.System, clock: null);
        _cluster = Context.ActorOf(ClusterActor.Props(_settings.Client, _seed, Self), "cluster");
        if (_settings.DeadLetterTopic.Length > 0)
        {
            var producer = (ProducerSettings.Create(Context.System) with { Client = _settings.Client }).WithAcks(Acks.All);
            _deadLetters = Context.ActorOf(Producer.Props(producer), "dead-letters");
        }

        if (_targetProps is not null)
            _target = Context.ActorOf(TargetHost.Props(_targetProps, Self), "target");
        Context.Watch(_target);
        _core.Start();
        _group?.Start(_wakeup.Now);
        Finish(_wakeup.Now);
    }

    protected override void OnReceive(object message)
    {
        var now = _wakeup.Now;
        switch (message)
        {
            case Processed processed:
                _core.OnProcessed(processed.Batch, now);
                _group?.OnTargetHeard(now);
                break;
            case ClusterProtocol.Completed completed:
                OnCompleted(completed, now);
                break;
            case ClusterProtocol.Updated updated:
                _core.OnMetadata(updated.Image, now);
                _group?.OnMetadata(updated.Image, now);
                break;
            case ClusterProtocol.Unreachable unreachable:
                _core.OnUnreachable(unreachable.Message);
                break;
            case Wakeup.Fired:
                _wakeup.OnFired();
                _core.Advance(now);
                break;
            case Delivered { Correlation: DeadLetter letter }:
                _core.OnBuried(letter, failure: null, now);
                break;
            case DeliveryFailed { Correlation: DeadLetter letter } failed:
                _core.OnBuried(letter, failed.Message, now);
                break;
            default:
                OnCommand(message, now);
                break;
        }

        Finish(now);
    }

    /// <summary>The group's requests have negative tokens.</summary>
    private void OnCompleted(ClusterProtocol.Completed completed, TimeSpan now)
    {
        switch (completed)
        {
            case { Token: > 0, Response: { } response }:
                _core.OnResponse(completed.Token, response, now);
                break;
            case { Token: > 0 }:
                _core.OnRequestFailed(completed.Token, completed.Error, completed.Message, now);
                break;
            case { Response: { } response }:
                _group!.OnResponse(-completed.Token, response, now);
                break;
            default:
                _group!.OnRequestFailed(-completed.Token, completed.Error, completed.Message, now);
                break;
        }
    }

    private void OnCommand(object message, TimeSpan now)
    {
        switch (message)
        {
            case Failed failed:
                _core.OnFailed(failed.Batch, failed.At, failed.Reason, now);
                _group?.OnTargetHeard(now);
                break;
            case Redeliver redeliver:
                _core.OnTargetRestarted(redeliver.Reason, now);
                _group?.OnTargetHeard(now);
                break;
            case Seek seek:
                Sender.Tell(_core.OnSeek(seek.Partition, seek.Position, now), Self);
                _group?.OnSought(seek.Partition);
                break;
            case Pause pause:
                _core.OnPause(pause.Partitions, paused: true, now);
                break;
            case Resume resume:
                _core.OnPause(resume.Partitions, paused: false, now);
                break;
            case GetConsumerPositions:
                Sender.Tell(Positions(), Self);
                break;
            default:
                OnGroupCommand(message, now);
                break;
        }
    }

    private void OnGroupCommand(object message, TimeSpan now)
    {
        switch (message)
        {
            case CommitOffsets commit when _group is not null:
                _group.OnCommit(commit, Sender, now);
                break;
            case CommitOffsets commit:
                Sender.Tell(
                    new OffsetsCommitted(commit.Correlation, commit.Offsets ?? commit.Further, ErrorCode.InvalidGroupId, "offsets are committed for a group: group.id is not set"), Self);
                break;
            case Released released:
                _group?.OnReleased(released.Revocation);
                break;
            case StopConsumer stop:
                Close(stop.Drain, now);
                break;
            case Terminated terminated when terminated.ActorRef.Equals(_target):
                Close(drain: false, now);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Close(bool drain, TimeSpan now)
    {
        if (_group is null)
            Context.Stop(Self);
        else
            _group.Close(drain, now);
    }

    private ConsumerPositions Positions() => _group is null ? _core.Positions : new ConsumerPositions(
        [.. _core.Positions.Partitions.Select(position => position with { Committed = _group.CommittedOf(position.Partition) })])
    {
        MemberId = _group.MemberId,
        Generation = _group.Generation,
    };

    private void Finish(TimeSpan now)
    {
        _group?.Advance(now);
        foreach (var effect in _effects)
            Perform(effect);
        _effects.Clear();
        var next = _core.NextWakeup(now);
        if (_group?.NextWakeup(now) is { } groups && groups < next)
            next = groups;
        _wakeup.Arm(next);
    }

    private void Perform(ConsumerEffect effect)
    {
        switch (effect)
        {
            case ConsumerEffect.Deliver deliver:
                _target.Tell(deliver.Batch, Self);
                break;
            case ConsumerEffect.Notify notify:
                LogNotice(notify.Message);
                _target.Tell(notify.Message, Self);
                break;
            case ConsumerEffect.Reply reply:
                ((IActorRef)reply.Asker).Tell(reply.Message, Self);
                break;
            case ConsumerEffect.Send send:
                _cluster.Tell(new ClusterProtocol.Submit(send.RequestId, RequestTarget.To(send.Broker), send.Request, send.Timeout), Self);
                break;
            case ConsumerEffect.WantTopics want:
                _cluster.Tell(new ClusterProtocol.WantTopics(want.Topics), Self);
                break;
            case ConsumerEffect.WantAllTopics:
                _cluster.Tell(ClusterProtocol.WantAllTopics.Instance, Self);
                break;
            case ConsumerEffect.RefreshMetadata:
                _cluster.Tell(ClusterProtocol.Refresh.Instance, Self);
                break;
            case ConsumerEffect.Bury bury:
                _deadLetters.Tell(DeadLetters.Of(bury.Letter, _settings), Self);
                break;
            case ConsumerEffect.Stop:
                Context.Stop(Self);
                break;
        }
    }

    private void LogNotice(object notice)
    {
        switch (notice)
        {
            case PartitionsAssigned assigned when _settings.IsMember:
                Log.Info("Group {0}, generation {1}: {2} has {3} partitions, {4} of them new.", _settings.GroupId, _group!.Generation, _group.MemberId, assigned.Partitions.Count, assigned.Added.Count);
                break;
            case PartitionsLost lost:
                Log.Warning("Group {0}: {1} partitions are lost: {2}", _settings.GroupId, lost.Partitions.Count, lost.Reason);
                break;
            case GroupFailed failed:
                Log.Error("Group {0}: {1}", _settings.GroupId, failed.Message);
                break;
            case OffsetsCommitted committed:
                Log.Warning("Group {0}: offsets of {1} partitions are not committed: {2}", _settings.GroupId, committed.Offsets.Count, committed.Message);
                break;
            case DeadLettered letter:
                Log.Warning("{0}, offset {1} failed {2} times and went to {3}: {4}", letter.Partition, letter.Offset, letter.Attempts, letter.Topic, letter.Reason);
                break;
            case DeadLetterFailed letter:
                Log.Error("{0}, offset {1} can't be written to {2}: {3}", letter.Partition, letter.Offset, letter.Topic, letter.Message);
                break;
        }
    }
}
