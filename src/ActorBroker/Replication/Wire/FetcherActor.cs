using ActorBroker.Log;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Event;

namespace ActorBroker.Replication.Wire;

/// <summary>
/// Follows one leader's node: one connection for all partitions that it leads and this node follows. Performs what
/// <see cref="FetcherCore"/> decides: connects (again and again), sends requests, hands what came to the partitions.
/// </summary>
internal sealed class FetcherActor : ReceiveActor, IWithTimers
{
    private const int SessionId = 1;
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Lateness = TimeSpan.FromMilliseconds(3);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly BrokerId _self;
    private readonly BrokerId _leader;
    private readonly FollowerOptions _options;
    private readonly TimeProvider _time;
    private readonly Func<double> _nextJitter;
    private readonly FetcherCore _core;
    private FetcherProtocol.Target? _target;
    private FollowerLink? _link;
    private FetcherProtocol.Target? _opening;
    private int _failures;
    private long _openAtMs;
    private long _answerDueMs;
    private bool _sendIsDue;

    public FetcherActor(BrokerId self, BrokerId leader, FollowerOptions options, TimeProvider time, Func<double> nextJitter)
    {
        (_self, _leader, _options, _time, _nextJitter) = (self, leader, options, time, nextJitter);
        _core = new FetcherCore((long)options.Backoff.TotalMilliseconds, nextJitter);
        Receive<FetcherProtocol.Target>(OnTarget);
        Receive<FetcherProtocol.Follow>(OnFollow);
        Receive<FetcherProtocol.Unfollow>(OnUnfollow);
        Receive<FetcherProtocol.Replicated>(OnReplicated);
        Receive<Opened>(OnOpened);
        Receive<OpenFailed>(OnOpenFailed);
        Receive<FollowerLink.Received>(OnReceived);
        Receive<FollowerLink.Lost>(OnLost);
        Receive<Signal>(OnSignal);
    }

    private readonly Dictionary<ReplicaKey, IActorRef> _actors = [];

    public ITimerScheduler Timers { get; set; } = null!;

    private long NowMs => (long)_time.GetElapsedTime(0).TotalMilliseconds;

    private sealed record Opened(FollowerLink Link, FetcherProtocol.Target Target);

    private sealed record OpenFailed(Exception Cause, FetcherProtocol.Target Target);

    private enum Signal
    {
        Tick,
        SendDue,
        OthersWait,
    }

    public static Props Props(BrokerId self, BrokerId leader, FollowerOptions options, TimeProvider time, Func<double> nextJitter) =>
        Akka.Actor.Props.Create(() => new FetcherActor(self, leader, options, time, nextJitter));

    protected override void PreStart() => Timers.StartPeriodicTimer(Signal.Tick, Signal.Tick, TickInterval);

    protected override void PostStop() => _link?.Dispose();

    private void OnTarget(FetcherProtocol.Target target)
    {
        _target = target;
        Drop();
        (_failures, _openAtMs) = (0, 0);
        OpenIfDue();
    }

    private void OnFollow(FetcherProtocol.Follow follow)
    {
        _actors[follow.Key] = follow.Partition;
        _core.Follow(follow.Key, follow.Position);
        OpenIfDue();
        SendSoon();
    }

    private void OnUnfollow(FetcherProtocol.Unfollow unfollow)
    {
        _actors.Remove(unfollow.Key);
        _core.Unfollow(unfollow.Key);
        SendSoon();
    }

    private void OnReplicated(FetcherProtocol.Replicated replicated)
    {
        _core.OnReplicated(replicated.Key, replicated.Position, replicated.Error == PartitionError.None, NowMs);
        if (_core.HasStoring) SendSoon();
        else Send(isLate: false);
    }

    private void OnSignal(Signal signal)
    {
        if (signal == Signal.SendDue)
        {
            _sendIsDue = false;
            Send(isLate: false);
        }
        else if (signal == Signal.OthersWait)
        {
            Send(isLate: true);
        }
        else
        {
            OnTick();
        }
    }

    private void OnTick()
    {
        _core.OnTick(NowMs);
        if (_link is not null && _core.Outstanding > 0 && NowMs > _answerDueMs)
            Fail(new TimeoutException($"no answer within {_options.SocketTimeout.TotalMilliseconds} ms"));
        OpenIfDue();
        Send(isLate: false);
    }

    private void OpenIfDue()
    {
        if (_link is not null || _opening is not null || _target is not { } target || _core.Count == 0 || NowMs < _openAtMs) return;
        _opening = target;
        _ = FollowerLink.OpenAsync(_self, _leader, target, _options, _time)
            .PipeTo(Self, ActorRefs.NoSender, success: link => new Opened(link, target), failure: cause => new OpenFailed(cause, target));
    }

    private void OnOpened(Opened opened)
    {
        _opening = null;
        if (opened.Target != _target)
        {
            opened.Link.Dispose();
            OpenIfDue();
            return;
        }

        _log.Info("Broker {0} follows broker {1} at {2}:{3}", _self, _leader, opened.Target.Host, opened.Target.Port);
        _link = opened.Link;
        _failures = 0;
        _core.OnConnected();
        _link.Start(Self);
        Send(isLate: false);
    }

    private void OnOpenFailed(OpenFailed failed)
    {
        _opening = null;
        if (failed.Target == _target) Fail(failed.Cause);
        else OpenIfDue();
    }

    private void OnLost(FollowerLink.Lost lost)
    {
        if (ReferenceEquals(lost.Link, _link)) Fail(lost.Cause ?? new IOException("it closed the connection"));
    }

    /// <summary>Said once; then it is tried until it works.</summary>
    private void Fail(Exception cause)
    {
        if (_failures++ == 0 && _target is { } target)
            _log.Warning("Broker {0} can't follow broker {1} at {2}:{3}: {4}", _self, _leader, target.Host, target.Port, cause.Message);
        Drop();
        var pause = FirstPause * Math.Pow(2, Math.Min(_failures - 1, 16));
        _openAtMs = NowMs + (long)((pause < _options.Backoff ? pause : _options.Backoff).TotalMilliseconds * (0.5 + (0.5 * _nextJitter())));
    }

    private void Drop()
    {
        _link?.Dispose();
        _link = null;
        _core.OnDisconnected();
    }

    /// <summary>Behind what waits in the mailbox now, so that all of it goes into one request.</summary>
    private void SendSoon()
    {
        if (_sendIsDue || _link is null) return;
        _sendIsDue = true;
        Self.Tell(Signal.SendDue);
    }

    private void Send(bool isLate)
    {
        if (_link is null || _core.TryMakeRequest(isLate) is not { } plan) return;
        if (_core.Outstanding == 1) _answerDueMs = NowMs + (long)(_options.SocketTimeout + _options.Wait).TotalMilliseconds;
        _link.Send(FetchFrames.Request(Request(plan), plan.Number));
    }

    private FetchRequest Request(FetchPlan plan) => new()
    {
        ReplicaState = new FetchRequest.ReplicaIdentity { ReplicaId = _self.Value, ReplicaEpoch = _target!.OwnBrokerEpoch },
        MaxWaitMs = (int)_options.Wait.TotalMilliseconds,
        MinBytes = _options.MinBytes,
        MaxBytes = _options.ResponseMaxBytes,
        SessionId = SessionId,
        SessionEpoch = plan.Number,
        Topics = [.. plan.Named.GroupBy(partition => partition.Key.Topic).Select(topic => new FetchRequest.FetchTopic
        {
            TopicId = topic.Key.Value,
            Partitions = [.. topic.Select(Named)],
        })],
        ForgottenTopicsData = [.. plan.Forgotten.GroupBy(key => key.Topic).Select(topic => new FetchRequest.ForgottenTopic
        {
            TopicId = topic.Key.Value,
            Partitions = [.. topic.Select(key => key.Partition.Partition)],
        })],
    };

    private FetchRequest.FetchPartition Named(FetchedPartition partition) => new()
    {
        Partition = partition.Key.Partition.Partition,
        CurrentLeaderEpoch = partition.Position.LeaderEpoch.Value,
        FetchOffset = partition.Position.Offset.Value,
        LastFetchedEpoch = partition.Position.LastEpoch.Value,
        LogStartOffset = partition.Position.LogStart.Value,
        PartitionMaxBytes = _options.PartitionMaxBytes,
    };

    private void OnReceived(FollowerLink.Received received)
    {
        if (!ReferenceEquals(received.Link, _link))
        {
            received.Frame.Release();
            return;
        }

        try
        {
            var (number, response) = FetchFrames.ReadResponse(received.Frame.Memory);
            if (response.ErrorCode != ErrorCode.None) throw new ProtocolException(ProtocolFault.Malformed, $"the leader ended the session: {response.ErrorCode}");
            if (!_core.TryAnswer(number)) throw new ProtocolException(ProtocolFault.Malformed, $"the leader answered request {number}, which was not asked");
            _answerDueMs = NowMs + (long)(_options.SocketTimeout + _options.Wait).TotalMilliseconds;
            foreach (var topic in response.Responses)
                foreach (var partition in topic.Partitions)
                    if (_core.Addressed(number, new TopicId(topic.TopicId), partition.PartitionIndex) is { } addressed) Deliver(addressed, partition, received.Frame);
        }
        catch (ProtocolException fault)
        {
            Fail(fault);
        }

        received.Frame.Release();
        Send(isLate: false);
        if (_core is { Outstanding: 0, HasStoring: true, HasOthersThanStoring: true }) Timers.StartSingleTimer(Signal.OthersWait, Signal.OthersWait, Lateness);
    }

    private void Deliver(FetchedPartition partition, FetchResponse.PartitionData data, SharedBuffer frame)
    {
        var actor = _actors[partition.Key];
        var (epoch, offset) = (partition.Position.LeaderEpoch, partition.Position.Offset);
        var diverging = data.DivergingEpoch;
        if (data.ErrorCode == ErrorCode.OffsetOutOfRange)
        {
            // The partition may need time (for a cut), or find nothing to do: it is asked about again in any case.
            _core.Pause(partition, NowMs);
            actor.Tell(new PartitionProtocol.OutOfRange(epoch, offset, new Offset(data.LogStartOffset)));
        }
        else if (data.ErrorCode != ErrorCode.None)
        {
            _core.Pause(partition, NowMs);
        }
        else if (diverging.EndOffset >= 0)
        {
            _core.Pause(partition, NowMs);
            actor.Tell(new PartitionProtocol.Diverging(epoch, offset, new EpochEnd(new LeaderEpoch(diverging.Epoch), new Offset(diverging.EndOffset))));
        }
        else
        {
            var records = data.Records.GetValueOrDefault();
            FetchedBatches? batches = null;
            if (!records.IsEmpty)
            {
                frame.Retain();
                batches = new FetchedBatches(frame, records);
                _core.OnRecords(partition);
            }

            actor.Tell(new PartitionProtocol.Fetched(epoch, offset, batches, new Offset(data.HighWatermark), new Offset(data.LogStartOffset)));
        }
    }
}
