using ActorBroker.Log;
using ActorBroker.Protocol;
using ActorBroker.Replication;
using Akka.Actor;
using Akka.Event;

namespace ActorBroker.Groups;

/// <param name="Partition">Of <c>__consumer_offsets</c>.</param>
/// <param name="NewId">Never the same value twice.</param>
internal sealed record CoordinatorSetup(int Partition, PartitionDirectory Partitions, GroupOptions Options, Func<Guid> NewId, TimeProvider Time);

/// <summary>
/// Coordinates the groups of one partition while this node leads it: finds the partition, loads it, serves what
/// <see cref="CoordinatorCore"/> decides, and forgets everything at the end of the epoch.
/// <code>
/// state      input                                         becomes
/// standby    Lead                                          opening
/// opening    the partition serves this epoch               loading
/// loading    log read to its end, and all of it committed  serving
/// any        Resign, another epoch                         standby, or opening again: whoever waits is sent away
/// serving    a write of unknown outcome, partition gone    opening: what the log holds is found by loading it
/// </code>
/// It writes as any client with acks=all would, fenced by its leader epoch.
/// </summary>
internal sealed partial class CoordinatorActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan PauseAfterFault = TimeSpan.FromSeconds(5);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CoordinatorSetup _setup;
    private readonly GroupStep _step = new();
    private readonly long _started;
    private CoordinatorProtocol.Lead? _lead;
    private PartitionHandle? _handle;
    private CoordinatorLoader? _loader;
    private CoordinatorCore? _core;
    private GroupWriteQueue? _writes;
    private long _term;
    private long _loadStartMs;
    private long _alarmAt = Alarm.Never;
    private bool _isServing;

    public CoordinatorActor(CoordinatorSetup setup)
    {
        _setup = setup;
        _started = setup.Time.GetTimestamp();
        Receive<CoordinatorProtocol.IQuestion>(OnQuestion);
        Receive<PartitionProtocol.AppendReply>(OnWritten);
        Receive<CoordinatorProtocol.Lead>(OnLead);
        Receive<CoordinatorProtocol.Resign>(_ => OnResign());
        Receive<CoordinatorProtocol.TopicsDeleted>(deleted => Serve(core => core.OnTopicsDeleted(deleted.Names, _step)));
        Receive<GoOn>(OnGoOn);
        Receive<PartitionProtocol.DataReady>(ready => OnGoOn(new GoOn(ready.Call)));
        Receive<Terminated>(gone => OnPartitionGone(gone.ActorRef));
        Receive<AlarmTick>(_ => OnAlarm());
        Receive<ExpiryTick>(_ => Serve(core => core.OnExpiryCheck(_step)));
    }

    /// <summary>One more step on the way to serve, if the term is still this one.</summary>
    private sealed record GoOn(long Term);

    private sealed class AlarmTick
    {
        public static readonly AlarmTick Instance = new();
    }

    private sealed class ExpiryTick
    {
        public static readonly ExpiryTick Instance = new();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private long NowMs => (long)_setup.Time.GetElapsedTime(_started).TotalMilliseconds;

    public static Props Props(CoordinatorSetup setup) => Akka.Actor.Props.Create(() => new CoordinatorActor(setup)).WithDispatcher(Api.ApiDispatcher.Path);

    protected override void PreStart() => Timers.StartPeriodicTimer(ExpiryTick.Instance, ExpiryTick.Instance, _setup.Options.RetentionCheckInterval);

    protected override void PostStop() => Close();

    private void OnLead(CoordinatorProtocol.Lead lead)
    {
        if (_lead == lead) return;
        Close();
        _lead = lead;
        Open();
    }

    private void OnResign()
    {
        Close();
        _lead = null;
    }

    private void OnPartitionGone(IActorRef partition)
    {
        if (_handle is not null && partition.Equals(_handle.Actor)) Reopen(Pause);
    }

    private void OnQuestion(CoordinatorProtocol.IQuestion question)
    {
        if (_isServing && !_setup.Partitions.IsSelfFenced)
        {
            Serve(core => Ask(core, question));
            return;
        }

        // While a coordinator loads, members can't be told anything better than to go on (as Kafka does).
        var key = question.Key;
        Tell(key, question switch
        {
            CoordinatorProtocol.Heartbeat when IsLoading => new HeartbeatResponse(),
            _ => IsLoading ? ErrorCode.CoordinatorLoadInProgress : ErrorCode.NotCoordinator,
        });
    }

    private bool IsLoading => _lead is not null && !_isServing && !_setup.Partitions.IsSelfFenced;

    private void Ask(CoordinatorCore core, CoordinatorProtocol.IQuestion question)
    {
        switch (question)
        {
            case CoordinatorProtocol.Heartbeat beat:
                core.OnHeartbeat(beat.Key, beat.Request, _step);
                break;
            case CoordinatorProtocol.Commit commit:
                core.OnCommit(commit.Input, _step);
                break;
            case CoordinatorProtocol.Fetch fetch:
                core.OnFetch(fetch.Key, fetch.Group, fetch.Partitions, _step);
                break;
            case CoordinatorProtocol.Join join:
                core.OnJoin(join.Input, _step);
                break;
            case CoordinatorProtocol.Sync sync:
                core.OnSync(sync.Key, sync.Request, _step);
                break;
            case CoordinatorProtocol.Leave leave:
                core.OnLeave(leave.Key, leave.Request, _step);
                break;
            case CoordinatorProtocol.DeleteOffsets delete:
                core.OnDeleteOffsets(delete.Key, delete.Group, delete.Partitions, _step);
                break;
            case CoordinatorProtocol.Describe describe:
                core.OnDescribe(describe.Key, describe.Group, _step);
                break;
            case CoordinatorProtocol.ListGroups list:
                core.OnList(list.Key, list.States, list.Types, _step);
                break;
            case CoordinatorProtocol.Delete delete:
                core.OnDelete(delete.Key, delete.Group, _step);
                break;
            default:
                throw new InvariantException($"{question.GetType().Name} is not answered");
        }
    }

    /// <summary>One input to the core, then what it decided.</summary>
    private void Serve(Action<CoordinatorCore> input)
    {
        if (!_isServing) return;
        _step.Now = new Moment(NowMs, _setup.Time.GetUtcNow().ToUnixTimeMilliseconds());
        input(_core!);
        Perform();
    }

    private void Perform()
    {
        foreach (var reply in _step.Replies) Tell(reply.Key, reply.Answer);
        foreach (var write in _step.Writes) _writes!.Add(write, _step.Now.UnixMs);
        _step.Clear();
        Send();
        SetAlarm();
    }

    private static void Tell(in RequestKey key, object answer) =>
        ((IActorRef)key.Client).Tell(new CoordinatorProtocol.Answer(key.Call, key.Slot, answer), ActorRefs.NoSender);

    private void Send()
    {
        while (_writes!.TryTake(out var id, out var bytes))
            _handle!.Actor.Tell(new PartitionProtocol.Append(new RequestKey(Self, id, (int)_term), Acks.All, _lead!.Epoch, bytes), Self);
    }

    private void OnWritten(PartitionProtocol.AppendReply reply)
    {
        if (!_isServing || reply.Slot != (int)_term) return;
        if (reply.Error is PartitionError.NotLeader or PartitionError.FencedLeaderEpoch or PartitionError.UnknownLeaderEpoch or PartitionError.StorageFailed)
        {
            // Whether it will be committed after all only the log can tell.
            Reopen(Pause);
            return;
        }

        if (_writes!.OnAnswer(reply.Call, CodeOf(reply.Error)) is not { } batch) return;
        Serve(core =>
        {
            if (reply.Error == PartitionError.None)
                foreach (var change in batch.Events) core.Apply(change);
            foreach (var write in batch.Completes) CoordinatorCore.OnWritten(write, _step);
        });
    }

    /// <summary>Of those after which nothing was written.</summary>
    private static ErrorCode CodeOf(PartitionError error) => error switch
    {
        PartitionError.None => ErrorCode.None,
        PartitionError.NotEnoughReplicas or PartitionError.StorageFull or PartitionError.BehindRefused => ErrorCode.CoordinatorNotAvailable,
        PartitionError.MessageTooLarge => ErrorCode.MessageTooLarge,
        _ => ErrorCode.UnknownServerError,
    };

    private void OnAlarm()
    {
        _alarmAt = Alarm.Never;
        Serve(core => core.OnTime(_step));
    }

    private void SetAlarm()
    {
        var next = _core!.NextAlarm;
        if (next >= _alarmAt) return;
        _alarmAt = next;
        var wait = Math.Clamp(next - NowMs, 1, (long)TimeSpan.FromDays(1).TotalMilliseconds);
        Timers.StartSingleTimer(AlarmTick.Instance, AlarmTick.Instance, TimeSpan.FromMilliseconds(wait));
    }
}
