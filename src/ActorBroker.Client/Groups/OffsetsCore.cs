using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>
/// Commits and fetches a group's offsets. One commit is out at a time; what is asked for meanwhile joins the next one. A
/// commit that a rebalance refused is repeated in the next generation; what is not owned any more by then is left out.
/// Invariants: a member commits only what it owns, in the generation it is in, so that a committed offset never goes back to
/// one of an earlier owner; whoever asked for a commit hears of its end once, within default.api.timeout.ms.
/// </summary>
/// <param name="membership">Null for a consumer that is told its partitions: it commits as nobody's member.</param>
internal sealed class OffsetsCore(
    ConsumerSettings settings, FrameBudget frame, CoordinatorFinder coordinator, MembershipCore? membership, RequestIds ids, Random random, List<GroupEffect> effects)
{
    private readonly Backoff _backoff = new(settings.Client.RetryBackoff, settings.Client.RetryBackoffMax, random);
    private readonly HashSet<TopicPartition> _unfetched = [];
    private Dictionary<TopicPartition, CommittedOffset> _queued = [];
    private List<(object Token, TimeSpan Deadline)> _waiting = [];
    private Commit? _commit;
    private (long Id, BrokerId Broker) _fetch;
    private int _failures;
    private TimeSpan _notBefore;

    /// <param name="Tokens">Of whoever waits for this commit and no further one.</param>
    private sealed record Commit(
        long Id, BrokerId Broker, string Member, int Generation, Dictionary<TopicPartition, CommittedOffset> Offsets, List<(object Token, TimeSpan Deadline)> Waiting);

    /// <summary>Nothing is to be committed or being so.</summary>
    public bool IsIdle => _commit is null && _queued.Count == 0;

    /// <summary>When <see cref="Advance"/> is needed though nothing else happens; past, where it waits for something else.</summary>
    public TimeSpan NextWakeup
    {
        get
        {
            var next = TimeSpan.MaxValue;
            foreach (var (_, deadline) in _waiting)
                next = deadline < next ? deadline : next;
            var isDue = (_commit is null && _queued.Count > 0) || (_fetch.Id == 0 && _unfetched.Count > 0);
            return isDue && coordinator.IsKnown && _notBefore < next ? _notBefore : next;
        }
    }

    private string? InstanceId => membership is null || settings.GroupInstanceId.Length == 0 ? null : settings.GroupInstanceId;

    /// <summary>Asks for these; <see cref="GroupEffect.Fetched"/> brings them, in one or several.</summary>
    public void Fetch(IEnumerable<TopicPartition> partitions, TimeSpan now)
    {
        _unfetched.UnionWith(partitions);
        Advance(now);
    }

    /// <param name="offsets">Where to read on.</param>
    /// <param name="token">Comes back with the end of it; null if nobody wants to know.</param>
    /// <param name="now">Monotonic.</param>
    public void Store(IReadOnlyDictionary<TopicPartition, CommittedOffset> offsets, object? token, TimeSpan now)
    {
        if (membership is not null && offsets.Keys.FirstOrDefault(partition => !membership.Owned.Contains(partition)) is { Topic: not null } stranger)
        {
            if (token is not null)
                effects.Add(new GroupEffect.CommitDone([token], offsets, ErrorCode.UnknownMemberId, $"{stranger} is not assigned to this member"));
            return;
        }

        foreach (var (partition, offset) in offsets)
            _queued[partition] = offset;
        if (token is not null && offsets.Count == 0 && IsIdle)
            effects.Add(new GroupEffect.CommitDone([token], offsets, ErrorCode.None, ""));
        else if (token is not null)
            _waiting.Add((token, now + settings.Client.DefaultApiTimeout));
        Advance(now);
    }

    /// <summary>Lost: others read them, and commit.</summary>
    public void Drop(IEnumerable<TopicPartition> partitions)
    {
        foreach (var partition in partitions)
        {
            _queued.Remove(partition);
            _unfetched.Remove(partition);
        }
    }

    public void Advance(TimeSpan now)
    {
        GiveUp(now);
        if (_commit is null && _queued.Count > 0 && MayCommit(now))
            Send();
        if (_fetch.Id == 0 && _unfetched.Count > 0 && MayAsk(now))
            SendFetch();
    }

    public bool TryTake(long requestId, IResponse response, TimeSpan now)
    {
        if (response is OffsetFetchResponse fetched)
        {
            if (requestId == _fetch.Id)
                OnFetched(fetched, now);
        }
        else if (response is not OffsetCommitResponse committed)
        {
            return false;
        }
        else if (_commit is { } commit && commit.Id == requestId)
        {
            OnCommitted(commit, committed, now);
        }

        Advance(now);
        return true;
    }

    public bool TryTakeFailure(long requestId, ErrorCode error, string message, TimeSpan now)
    {
        var isFetch = requestId == _fetch.Id;
        if (!isFetch && requestId != _commit?.Id)
            return false;
        var broker = isFetch ? _fetch.Broker : _commit!.Broker;
        if (error == ErrorCode.None || error.IsRetriable())
        {
            coordinator.Lose(broker);
            BackOff(now);
            if (isFetch)
                _fetch = default;
            else
                Requeue(_commit!);
        }
        else if (isFetch)
        {
            FailFetch(error, message);
        }
        else
        {
            End(_commit!, error, message);
        }

        Advance(now);
        return true;
    }

    private bool MayAsk(TimeSpan now)
    {
        coordinator.Seek(now);
        return coordinator.IsKnown && now >= _notBefore;
    }

    private bool MayCommit(TimeSpan now)
    {
        if (membership is null)
            return MayAsk(now);
        foreach (var partition in _queued.Keys.ToArray())
        {
            if (!membership.Owned.Contains(partition))
                _queued.Remove(partition);
        }

        if (_queued.Count == 0)
        {
            Tell(TakeWaiting(), new Dictionary<TopicPartition, CommittedOffset>(), ErrorCode.IllegalGeneration, "the partitions went to another member first");
            return false;
        }

        return membership.IsStable && MayAsk(now);
    }

    /// <summary>As many as fit into a frame; who waits, waits for the last of them.</summary>
    private void Send()
    {
        var offsets = new Dictionary<TopicPartition, CommittedOffset>();
        var bytes = 0;
        foreach (var (partition, offset) in _queued)
        {
            bytes += FrameBudget.PartitionOverhead(partition.Topic) + 3 * offset.Metadata.Length;
            if (offsets.Count > 0 && bytes > frame.PayloadBytes / 2)
                break;
            offsets.Add(partition, offset);
        }

        foreach (var partition in offsets.Keys)
            _queued.Remove(partition);
        var (member, generation) = membership is null ? ("", -1) : (membership.MemberId, membership.Generation);
        _commit = new Commit(ids.Next(), coordinator.Broker, member, generation, offsets, _queued.Count == 0 ? TakeWaiting() : []);
        effects.Add(new GroupEffect.Send(
            _commit.Id, _commit.Broker, OffsetRequests.Commit(settings.GroupId, member, generation, InstanceId, offsets), settings.Client.RequestTimeout));
    }

    private void SendFetch()
    {
        var most = Math.Max(1, frame.PayloadBytes / 2 / FrameBudget.PartitionOverhead(_unfetched.MaxBy(partition => partition.Topic.Length).Topic));
        _fetch = (ids.Next(), coordinator.Broker);
        effects.Add(new GroupEffect.Send(
            _fetch.Id, _fetch.Broker, OffsetRequests.Fetch(settings.GroupId, _unfetched.Take(most)), settings.Client.RequestTimeout));
    }

    private void OnFetched(OffsetFetchResponse response, TimeSpan now)
    {
        var found = new Dictionary<TopicPartition, CommittedOffset>();
        var broker = _fetch.Broker;
        _fetch = default;
        var retry = ErrorCode.None;
        var fault = ErrorCode.None;
        var whole = OffsetRequests.Read(response, (partition, error, offset) =>
        {
            if (error == ErrorCode.None && _unfetched.Remove(partition))
                found.Add(partition, offset);
            else if (error.IsRetriable())
                retry = error;
            else if (error != ErrorCode.None)
                fault = error;
        });
        if (whole != ErrorCode.None && (whole.IsRetriable() || whole == ErrorCode.UnknownServerError))
            retry = whole;
        else if (whole != ErrorCode.None)
            fault = whole;
        if (found.Count > 0)
            effects.Add(new GroupEffect.Fetched(found));
        if (fault != ErrorCode.None)
            FailFetch(fault, fault.Describe());
        else if (retry != ErrorCode.None)
            OnRetriable(retry, broker, now);
        else
            _failures = 0;
    }

    private void FailFetch(ErrorCode error, string message)
    {
        _fetch = default;
        _unfetched.Clear();
        effects.Add(new GroupEffect.Failed(error, $"the committed offsets of group {settings.GroupId} can't be read: {message}", IsFinal: true));
    }

    private void OnCommitted(Commit commit, OffsetCommitResponse response, TimeSpan now)
    {
        var error = ErrorCode.None;
        foreach (var topic in response.Topics)
        {
            foreach (var partition in topic.Partitions)
                error = error == ErrorCode.None ? partition.ErrorCode : error;
        }

        switch (error)
        {
            case ErrorCode.None:
                _failures = 0;
                End(commit, error, "");
                break;
            case ErrorCode.RebalanceInProgress:
                Requeue(commit);
                BackOff(now);
                membership?.OnRebalance(now);
                break;
            case ErrorCode.IllegalGeneration or ErrorCode.UnknownMemberId or ErrorCode.FencedInstanceId:
                OnFenced(commit, error, now);
                break;
            default:
                if (error.IsRetriable() && error != ErrorCode.UnknownTopicOrPartition)
                {
                    Requeue(commit);
                    OnRetriable(error, commit.Broker, now);
                }
                else
                {
                    End(commit, error, error.Describe());
                }

                break;
        }
    }

    /// <summary>Refused for what it was when it was sent; if the group has moved on since and the member with it, it is sent again as what it is.</summary>
    private void OnFenced(Commit commit, ErrorCode error, TimeSpan now)
    {
        if (membership is not null && (membership.MemberId != commit.Member || membership.Generation != commit.Generation))
        {
            Requeue(commit);
            return;
        }

        End(commit, error, error.Describe());
        membership?.OnCommitRefused(error, commit.Member, commit.Generation, now);
    }

    private void OnRetriable(ErrorCode error, BrokerId broker, TimeSpan now)
    {
        if (error is ErrorCode.NotCoordinator or ErrorCode.CoordinatorNotAvailable)
            coordinator.Lose(broker);
        BackOff(now);
    }

    private void BackOff(TimeSpan now) => _notBefore = now + _backoff.Delay(++_failures);

    /// <summary>To be sent again, except what was asked to be overwritten since.</summary>
    private void Requeue(Commit commit)
    {
        _commit = null;
        foreach (var (partition, offset) in commit.Offsets)
            _queued.TryAdd(partition, offset);
        _waiting.InsertRange(0, commit.Waiting);
    }

    /// <summary>A part of a commit that fails fails it for all who wait for it.</summary>
    private void End(Commit commit, ErrorCode error, string message)
    {
        _commit = null;
        Tell(error == ErrorCode.None ? commit.Waiting : [.. commit.Waiting, .. TakeWaiting()], commit.Offsets, error, message);
    }

    private List<(object Token, TimeSpan Deadline)> TakeWaiting()
    {
        var waiting = _waiting;
        _waiting = [];
        return waiting;
    }

    private void Tell(
        List<(object Token, TimeSpan Deadline)> waiting, Dictionary<TopicPartition, CommittedOffset> offsets, ErrorCode error, string message) =>
        effects.Add(new GroupEffect.CommitDone(waiting.ConvertAll(waiter => waiter.Token), offsets, error, message));

    /// <summary>Whoever has waited too long is told; the commit itself goes on.</summary>
    private void GiveUp(TimeSpan now)
    {
        var late = _waiting.FindAll(waiter => waiter.Deadline <= now);
        if (late.Count == 0)
            return;
        _waiting.RemoveAll(waiter => waiter.Deadline <= now);
        Tell(late, [], ErrorCode.RequestTimedOut, "the coordinator did not take the commit within default.api.timeout.ms");
    }
}
