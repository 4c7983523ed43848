using System.Security.Cryptography;
using ActorBroker.Log;
using ActorBroker.Protocol;
using Akka.Actor;

namespace ActorBroker.Client;

/// <summary>The producer as an actor: takes <see cref="Produce"/>, <see cref="Flush"/> and <see cref="GetProducerMetrics"/>.</summary>
public static class Producer
{
    /// <exception cref="ClientSettingsException">The settings are wrong.</exception>
    public static Props Props(ProducerSettings settings) =>
        Props(settings, new ProducerIntake(settings.BufferMemory), RandomNumberGenerator.GetInt32(int.MaxValue));

    internal static Props Props(ProducerSettings settings, ProducerIntake intake, int seed, Func<TimeSpan>? clock = null)
    {
        settings.Validate();
        return Akka.Actor.Props.Create(() => new ProducerActor(settings, intake, seed, clock));
    }
}

/// <summary>Performs <see cref="ProducerCore"/>'s effects. Whatever is unfinished when it stops fails with <see cref="DeliveryFailure.Closed"/>.</summary>
internal sealed class ProducerActor : UntypedActor, IWithTimers
{
    /// <summary>Of the request for a producer id; those of others are not negative.</summary>
    private const long IdentityToken = -1;

    /// <summary>Records taken up between two looks at answers and timers.</summary>
    private const int RecordsAtOnce = 4096;

    private readonly ProducerSettings _settings;
    private readonly ProducerIntake _intake;
    private readonly int _seed;
    private readonly Func<TimeSpan>? _clock;
    private readonly ProducerCore _core;
    private readonly List<ProducerEffect> _effects = [];
    private readonly Dictionary<long, (IActorRef Asker, object? Correlation)> _flushes = [];
    private Wakeup _wakeup = null!;
    private IActorRef _cluster = ActorRefs.Nobody;
    private long _lastFlush;

    public ProducerActor(ProducerSettings settings, ProducerIntake intake, int seed, Func<TimeSpan>? clock)
    {
        _settings = settings;
        _intake = intake;
        _seed = seed;
        _clock = clock;
        _core = new ProducerCore(settings, SystemFrame.Of(Context.System), new Random(seed), _effects);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Requests out would be lost with a restarted connection: both start anew together.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Escalate);

    protected override void PreStart()
    {
        _wakeup = new Wakeup(Timers, Context.System, _clock);
        _cluster = Context.ActorOf(ClusterActor.Props(_settings.Client, _seed, Self, _clock), "cluster");
        _intake.Open(Self);
    }

    protected override void PostStop()
    {
        _intake.Close();
        _core.Abort(ProducerIntake.Closed);
        Perform();
    }

    protected override void OnReceive(object message)
    {
        var now = _wakeup.Now;
        switch (message)
        {
            case ProducerIntake.Ready:
                _intake.OnReady();
                if (TakeUp(RecordsAtOnce, now))
                    _intake.Signal();
                break;
            case Produce produce:
                TakeUp(produce, now);
                break;
            case ClusterProtocol.Completed completed:
                OnCompleted(completed, now);
                break;
            case ClusterProtocol.Updated updated:
                _core.OnMetadata(updated.Image, now);
                break;
            case ClusterProtocol.Unreachable unreachable:
                _core.OnUnreachable(unreachable.Message, now);
                break;
            case Wakeup.Fired:
                _wakeup.OnFired();
                break;
            case Flush flush:
                TakeUp(int.MaxValue, now);
                _flushes.Add(++_lastFlush, (Sender, flush.Correlation));
                _core.OnFlush(_lastFlush, now);
                break;
            case GetProducerMetrics:
                Sender.Tell(_core.MetricsAt(now), Self);
                break;
            default:
                Unhandled(message);
                break;
        }

        _core.Advance(now);
        _intake.OnAdmitted(_core.BytesWaiting);
        Perform();
        _wakeup.Arm(_core.NextWakeup);
    }

    /// <summary>True if there are more.</summary>
    private bool TakeUp(int most, TimeSpan now)
    {
        var nowMs = Context.System.Scheduler.Now.ToUnixTimeMilliseconds();
        for (var i = 0; i < most; i++)
        {
            if (!_intake.TryTake(out var record))
                return false;
            var given = record.Delivery.TimestampMs;
            _core.OnRecord(record with { Taken = now }, now, given < 0 ? nowMs : given);
        }

        return true;
    }

    private void TakeUp(Produce produce, TimeSpan now)
    {
        var delivery = new ActorDelivery(Sender, Self, produce.Correlation);
        var record = new OutgoingRecord(
            produce.Topic, produce.Partition ?? -1, produce.Key, produce.Value, Headers.ToArray(produce.Headers), delivery, now, MayWait: false);
        var timestamp = produce.Timestamp ?? Context.System.Scheduler.Now;
        _core.OnRecord(record, now, timestamp.ToUnixTimeMilliseconds());
    }

    private void OnCompleted(ClusterProtocol.Completed completed, TimeSpan now)
    {
        if (completed.Token == IdentityToken)
        {
            OnIdentityCompleted(completed, now);
            return;
        }

        var requestId = completed.Token >> 1;
        var isFence = (completed.Token & 1) != 0;
        if (completed.Response is ProduceResponse response)
            _core.OnProduced(requestId, response, now);
        else if (completed.Failure == RequestFailure.None && !isFence)
            _core.OnSent(requestId, now);
        else
            _core.OnRequestEnded(requestId, completed.Failure, completed.Error, completed.Message, now);
    }

    private void OnIdentityCompleted(ClusterProtocol.Completed completed, TimeSpan now)
    {
        if (completed.Response is InitProducerIdResponse { ErrorCode: ErrorCode.None } given)
            _core.OnIdentity(new ProducerId(given.ProducerId), new ProducerEpoch(given.ProducerEpoch), now);
        else if (completed.Response is InitProducerIdResponse refused)
            _core.OnNoIdentity(refused.ErrorCode.Describe(), now);
        else
            _core.OnNoIdentity(completed.Error == ErrorCode.None ? completed.Message : $"{completed.Error.KafkaName()}: {completed.Message}", now);
    }

    private void Perform()
    {
        foreach (var effect in _effects)
            Perform(effect);
        _effects.Clear();
    }

    private void Perform(ProducerEffect effect)
    {
        switch (effect)
        {
            case ProducerEffect.Send send:
                Send(send);
                break;
            case ProducerEffect.Succeed succeed:
                Succeed(succeed);
                break;
            case ProducerEffect.Fail fail:
                foreach (var delivery in fail.Batch.Deliveries)
                    delivery.Failed(fail.Batch.Queue.Partition.Topic, fail.Batch.Queue.Partition.Partition, fail.Reason, fail.Error, fail.Message);
                break;
            case ProducerEffect.FailRecord fail:
                int? partition = fail.Record.Partition < 0 ? null : fail.Record.Partition;
                fail.Record.Delivery.Failed(fail.Record.Topic, partition, fail.Reason, fail.Error, fail.Message);
                break;
            case ProducerEffect.WantTopic want:
                _cluster.Tell(new ClusterProtocol.WantTopics([want.Topic]), Self);
                break;
            case ProducerEffect.ForgetTopic forget:
                _cluster.Tell(new ClusterProtocol.ForgetTopic(forget.Topic), Self);
                break;
            case ProducerEffect.AskIdentity:
                var ask = new InitProducerIdRequest { TransactionalId = null, TransactionTimeoutMs = int.MaxValue };
                _cluster.Tell(new ClusterProtocol.Submit(IdentityToken, RequestTarget.Any, ask, _settings.Client.RequestTimeout), Self);
                break;
            case ProducerEffect.RefreshMetadata:
                _cluster.Tell(ClusterProtocol.Refresh.Instance, Self);
                break;
            case ProducerEffect.FlushCompleted flushed:
                if (_flushes.Remove(flushed.Token, out var flush))
                    flush.Asker.Tell(new Flushed(flush.Correlation), Self);
                break;
        }
    }

    /// <summary>
    /// A request that nobody answers (acks=0) is followed by one that the broker answers in turn: so no more than the
    /// window is ever on its way, where remoting itself would queue without bound.
    /// </summary>
    private void Send(ProducerEffect.Send send)
    {
        var answered = _settings.Acks != Acks.None;
        var target = RequestTarget.To(send.Broker);
        var request = ProduceRequests.From(send.Batches, _settings);
        _cluster.Tell(new ClusterProtocol.Submit(send.RequestId << 1, target, request, _settings.Client.RequestTimeout, answered), Self);
        if (!answered)
            _cluster.Tell(new ClusterProtocol.Submit((send.RequestId << 1) | 1, target, new ApiVersionsRequest(), _settings.Client.RequestTimeout), Self);
    }

    private static void Succeed(ProducerEffect.Succeed succeed)
    {
        var partition = succeed.Batch.Queue.Partition;
        var offset = succeed.BaseOffset;
        foreach (var delivery in succeed.Batch.Deliveries)
        {
            delivery.Succeeded(partition, offset, succeed.AppendTimeMs < 0 ? delivery.TimestampMs : succeed.AppendTimeMs);
            if (offset != Offset.None)
                offset += 1;
        }
    }
}

internal static class Headers
{
    /// <summary>Null if there are none; an array is taken as it is.</summary>
    public static RecordHeader[]? ToArray(IReadOnlyList<RecordHeader>? headers) => headers switch
    {
        null or { Count: 0 } => null,
        RecordHeader[] array => array,
        _ => [.. headers],
    };
}
