using ActorBroker.Journal;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;

namespace ActorBroker.Replication;

/// <summary>The half of the partition's actor that speaks with other replicas, through connections and fetchers.</summary>
internal sealed partial class PartitionActor
{
    private static readonly TimeSpan Later = TimeSpan.FromMilliseconds(100);

    private IActorRef _journal = ActorRefs.Nobody;
    private IActorRef _fetcher = ActorRefs.Nobody;
    private SharedBuffer? _fetchedBuffer;

    /// <summary>The last stretch that a leader gave can't be taken: said once, not once per try.</summary>
    private bool _distrustsLeader;

    private sealed class LookAgain
    {
        public static readonly LookAgain Instance = new();
    }

    private void ReceiveReplication()
    {
        _journal = Persistence.Instance.Apply(Context.System).JournalFor(PartitionPersistence.JournalPluginId);
        Command<PartitionProtocol.FetchAsFollower>(OnFollowerFetch);
        Command<PartitionProtocol.FollowerGone>(gone => _core.OnFollowerGone(gone.Fetch));
        Command<PartitionProtocol.Fetched>(OnFetched);
        Command<PartitionProtocol.Diverging>(OnDiverging);
        Command<PartitionProtocol.OutOfRange>(OnOutOfRange);
        Command<PartitionProtocol.FetcherLost>(_ => OnFetcherLost());
        Command<PartitionProtocol.CheckIsr>(_ => OnCheckIsr());
        Command<PartitionProtocol.IsrRefused>(OnIsrRefused);
        Command<LookAgain>(_ => OnLookAgain());
    }

    private void OnFollowerFetch(PartitionProtocol.FetchAsFollower message)
    {
        _core.OnFollowerFetch(message.Fetch, NowMs, _effects);
        Finish();
    }

    private void OnFetched(PartitionProtocol.Fetched fetched)
    {
        _fetcher = Sender;
        var state = _core.State;
        RecordBatchEvent? batches = null;
        if (fetched.Batches is { } bytes && (batches = bytes.TryMakeEvent(state.LogEnd, LastEpoch, fetched.Epoch, out var first, out var reason)) is null)
        {
            OnUnusable(fetched, first, reason);
            bytes.Buffer.Release();
            return;
        }

        var takes = _core.OnFetched(
            new FetchedInput(fetched.Epoch, fetched.FetchOffset, batches?.SizeInBytes ?? 0, fetched.HighWatermark, fetched.LogStart),
            batches is null ? [] : HeadersOf(batches),
            NowMs,
            _effects);
        if (takes)
        {
            _distrustsLeader = false;
            _fetchedBuffer = fetched.Batches!.Buffer;
            Store(batches!);
        }
        else if (fetched.Batches is { } unwanted)
        {
            unwanted.Buffer.Release();
            Sender.Tell(Replicated(PartitionError.BatchRefused)); // of an epoch that is over, most likely: then the fetcher ignores it
        }

        Finish();
    }

    /// <summary>Damaged on the way, or not what this log can go on with: the fetcher asks again after a pause.</summary>
    private void OnUnusable(PartitionProtocol.Fetched fetched, Offset first, string reason)
    {
        var state = _core.State;
        if (fetched.FetchOffset == state.LogEnd)
        {
            if (!_distrustsLeader) _log.Warning("{0}: what its leader gave can't be taken: {1}", _handle.Partition, reason);
            _distrustsLeader = true;
            // The leader's log begins within a batch: an empty log takes it from that batch's first offset on.
            if (first < state.LogEnd && state.LogStart == state.LogEnd) _core.OnOutOfRange(fetched.Epoch, fetched.FetchOffset, first, _effects);
            Finish();
        }

        Sender.Tell(Replicated(PartitionError.BatchRefused));
    }

    private void OnDiverging(PartitionProtocol.Diverging diverging)
    {
        _fetcher = Sender;
        _core.OnDiverging(diverging.Epoch, diverging.FetchOffset, diverging.End, _effects);
        Finish();
    }

    private void OnOutOfRange(PartitionProtocol.OutOfRange outside)
    {
        _fetcher = Sender;
        _core.OnOutOfRange(outside.Epoch, outside.FetchOffset, outside.LeaderLogStart, _effects);
        Finish();
    }

    private void OnFetcherLost()
    {
        _core.OnFetcherLost(_effects);
        Finish();
    }

    private void OnCheckIsr()
    {
        _core.OnIsrTick(NowMs, _effects);
        Finish();
    }

    private void OnLookAgain()
    {
        _core.OnLookAgain(NowMs, _effects);
        Finish();
    }

    private void OnIsrRefused(PartitionProtocol.IsrRefused refused)
    {
        _core.OnIsrRefused(refused.PartitionEpoch, NowMs, _effects);
        Finish();
    }

    private void PerformReplication(in PartitionEffect effect)
    {
        var (key, offset, epoch) = (effect.Key, effect.Offset, effect.Epoch);
        switch (effect.Kind)
        {
            case PartitionEffectKind.FollowerAnswer:
                ((IActorRef)key.Client).Tell(new PartitionProtocol.FollowerAnswer(key.Call, effect.Error, epoch, offset));
                break;
            case PartitionEffectKind.FollowerAccepted:
                ((IActorRef)key.Client).Tell(new PartitionProtocol.FollowerAccepted(key.Call));
                break;
            case PartitionEffectKind.LookAgain:
                if (!Timers.IsTimerActive(LookAgain.Instance)) Timers.StartSingleTimer(LookAgain.Instance, LookAgain.Instance, Later);
                break;
            case PartitionEffectKind.ProposeIsr:
                Context.Parent.Tell(new PartitionProtocol.ProposeIsr(_handle, effect.Isr!));
                break;
            case PartitionEffectKind.AssignEpoch:
                RunOnLog(log => log.AssignEpoch(epoch));
                break;
            case PartitionEffectKind.StartFetching:
                RunOnLog(static log => log.DropEmptyEpochs());
                Context.Parent.Tell(new PartitionProtocol.StartFetching(_handle, _core.Leader!.Value, Position(epoch)));
                break;
            case PartitionEffectKind.Replicated:
                _fetcher.Tell(Replicated(effect.Error));
                break;
            case PartitionEffectKind.AdvanceLogStart:
                RunOnLog(log => log.AdvanceLogStartOffset(offset));
                break;
            case PartitionEffectKind.Cut or PartitionEffectKind.StartOver:
                var startsOver = effect.Kind == PartitionEffectKind.StartOver;
                _log.Info("{0}: {1} offset {2} on, by leader epoch {3}; it ended at {4}", _handle.Partition, startsOver ? "begins anew from" : "is cut from", offset, epoch, _core.State.LogEnd);
                Context.Parent.Tell(new PartitionProtocol.CutNeeded(_handle, new LogCut(offset, startsOver)));
                break;
            default:
                throw new InvariantException($"{effect.Kind} is not performed");
        }
    }

    /// <summary>The log's writer answers the replica manager, which looks after log starts anyway.</summary>
    private void RunOnLog(Action<PartitionLog> work) => _journal.Tell(
        new JournalProtocol.RunOnLog(PersistenceId, log =>
        {
            work(log);
            return null;
        }),
        Context.Parent);

    private FetcherProtocol.Replicated Replicated(PartitionError error) =>
        new(new ReplicaKey(_handle.TopicId, _handle.Partition), Position(_core.LeaderEpoch), error);

    private FetchPosition Position(LeaderEpoch leaderEpoch) => new(leaderEpoch, _core.State.LogEnd, LastEpoch, _core.State.LogStart);

    private LeaderEpoch LastEpoch => _core.State.LogStart == _core.State.LogEnd ? LeaderEpoch.None : _core.State.LastBatchEpoch;

    private void ReleaseFetched()
    {
        _fetchedBuffer?.Release();
        _fetchedBuffer = null;
    }
}
