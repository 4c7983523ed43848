using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>The half about answers, and about assigning where this member leads.</summary>
internal sealed partial class MembershipCore
{
    /// <summary>False if the answer is not to a question of this core; one that no longer counts is taken and ignored.</summary>
    public bool TryTake(long requestId, IResponse response, TimeSpan now)
    {
        if (response is not (JoinGroupResponse or SyncGroupResponse or HeartbeatResponse or LeaveGroupResponse))
            return false;
        if (!_questions.Remove(requestId, out var question))
            return true;
        switch (response)
        {
            case JoinGroupResponse join when _state == State.Joining:
                OnJoined(join, question, now);
                break;
            case SyncGroupResponse sync when _state == State.Syncing:
                OnSynced(sync, question, now);
                break;
            case HeartbeatResponse heartbeat when IsAlive && question.Generation == Generation && question.Member == MemberId:
                OnHeartbeat(heartbeat.ErrorCode, question, now);
                break;
            case LeaveGroupResponse when _state == State.Left:
                _effects.Add(GroupEffect.Left.Instance);
                break;
        }

        Advance(now);
        return true;
    }

    /// <summary>A request without an answer.</summary>
    /// <returns>False if it is not one of this core's.</returns>
    public bool TryTakeFailure(long requestId, ErrorCode error, string message, TimeSpan now)
    {
        if (!_questions.Remove(requestId, out var question))
            return false;
        if (question.Kind == QuestionKind.Leave)
        {
            if (_state == State.Left)
                _effects.Add(GroupEffect.Left.Instance);
        }
        else if (error == ErrorCode.None || error.IsRetriable())
        {
            OnCoordinatorLost(question, now);
        }
        else
        {
            Fail(error, message);
        }

        Advance(now);
        return true;
    }

    private void OnJoined(JoinGroupResponse response, in Question question, TimeSpan now)
    {
        if (response.ErrorCode == ErrorCode.MemberIdRequired)
        {
            MemberId = response.MemberId;
            BecomeUnjoined("the member has its id");
            return;
        }

        if (response.ErrorCode != ErrorCode.None)
        {
            OnRefused(response.ErrorCode, question, now);
            return;
        }

        if (!Assignors.TryParse(response.ProtocolName ?? "", out _strategy))
        {
            Fail(ErrorCode.InconsistentGroupProtocol, $"the coordinator chose the assignor '{response.ProtocolName}', which this member did not offer");
            return;
        }

        (MemberId, Generation, _failures) = (response.MemberId, response.GenerationId, 0);
        IsLeader = response.Leader == response.MemberId;
        (_lastHeard, _heartbeatAt) = (now, now + _settings.HeartbeatInterval);
        if (!IsLeader)
        {
            Sync([]);
        }
        else if (TryReadMembers(response))
        {
            _effects.Add(new GroupEffect.WantTopics([.. TopicsOf(_members!)]));
            if (response.SkipAssignment)
            {
                // A static leader that came back: the group keeps what it has, and this member watches its topics again.
                _counts = CountPartitions();
                Sync([]);
            }
            else
            {
                _state = State.Assigning;
                _assignBy = now + _settings.Client.RequestTimeout;
                TryAssign(now);
            }
        }
    }

    private bool TryReadMembers(JoinGroupResponse response)
    {
        try
        {
            _members = [.. response.Members.Select(member =>
                ConsumerProtocol.ReadSubscription(member.MemberId, member.GroupInstanceId, _strategy, member.Metadata))];
            return true;
        }
        catch (ProtocolException e)
        {
            Fail(ErrorCode.InconsistentGroupProtocol, $"a member's subscription can't be read: {e.Message}");
            return false;
        }
    }

    /// <summary>Assigns once the metadata of all topics is there; a topic that stays unknown has no partitions until it is made.</summary>
    private void TryAssign(TimeSpan now)
    {
        if (now < _assignBy && TopicsOf(_members!).Any(topic => !_image.Topics.ContainsKey(topic)))
            return;
        _counts = CountPartitions();
        var assignment = Assignors.Assign(_strategy, _members!, _counts);
        Sync([.. assignment.ByMember.Select(member => new SyncGroupRequest.SyncGroupRequestAssignment
        {
            MemberId = member.Key, Assignment = ConsumerProtocol.WriteAssignment(member.Value),
        })]);
    }

    private static HashSet<string> TopicsOf(List<GroupMember> members) =>
        members.SelectMany(member => member.Topics).ToHashSet(StringComparer.Ordinal);

    private Dictionary<string, int> CountPartitions()
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var topic in TopicsOf(_members!))
            counts.Add(topic, _image.Topics.TryGetValue(topic, out var view) ? view.Partitions.Length : 0);
        return counts;
    }

    /// <summary>The leader notices for all: what it assigned is no longer all there is. A topic whose metadata failed just now does not count as gone.</summary>
    private void CheckCounts()
    {
        foreach (var (topic, count) in _counts)
        {
            if (!_image.Topics.TryGetValue(topic, out var view) || (view.Partitions.IsEmpty && view.Error is not (ErrorCode.None or ErrorCode.UnknownTopicOrPartition)))
                continue;
            if (view.Partitions.Length != count)
                _rejoinReason ??= $"topic {topic} has {view.Partitions.Length} partitions, no longer {count}";
        }
    }

    private void Sync(IReadOnlyList<SyncGroupRequest.SyncGroupRequestAssignment> assignments)
    {
        _state = State.Syncing;
        Ask(QuestionKind.Sync, _settings.MaxPollInterval + JoinGrace, new SyncGroupRequest
        {
            GroupId = _settings.GroupId,
            GenerationId = Generation,
            MemberId = MemberId,
            GroupInstanceId = InstanceId,
            ProtocolType = ConsumerProtocol.Type,
            ProtocolName = Assignors.NameOf(_strategy),
            Assignments = assignments,
        });
    }

    private void OnSynced(SyncGroupResponse response, in Question question, TimeSpan now)
    {
        if (response.ErrorCode != ErrorCode.None)
        {
            OnRefused(response.ErrorCode, question, now);
            return;
        }

        List<TopicPartition> assigned;
        try
        {
            assigned = ConsumerProtocol.ReadAssignment(response.Assignment);
        }
        catch (ProtocolException e)
        {
            Fail(ErrorCode.InconsistentGroupProtocol, $"the assignment can't be read: {e.Message}");
            return;
        }

        // What was unsubscribed since the join is not read; joining again, which is due, tells the leader.
        assigned.RemoveAll(partition => !_joinedTopics.Contains(partition.Topic));
        Take(assigned, now);
    }

    private void Take(List<TopicPartition> assigned, TimeSpan now)
    {
        (_state, _failures, _notBefore) = (State.Stable, 0, TimeSpan.Zero);
        _previous = [.. assigned];
        var added = assigned.Where(partition => !_owned.Contains(partition)).ToArray();
        var revoked = _owned.Except(assigned).ToArray();
        _owned.UnionWith(added);
        _effects.Add(new GroupEffect.Assigned(assigned, added));
        if (revoked.Length > 0)
        {
            Revoke(revoked, now);
            _rejoinReason ??= "partitions were given up that others wait for";
        }

        if (IsLeader)
            CheckCounts();
    }

    private void OnHeartbeat(ErrorCode error, in Question question, TimeSpan now)
    {
        switch (error)
        {
            case ErrorCode.None:
                _lastHeard = now;
                break;
            case ErrorCode.RebalanceInProgress:
                _lastHeard = now;
                if (_state == State.Stable)
                    _rejoinReason ??= "the group is rebalancing";
                break;
            default:
                OnRefused(error, question, now);
                break;
        }
    }

    /// <summary>The coordinator said no to a join, a sync or a heartbeat.</summary>
    private void OnRefused(ErrorCode error, in Question question, TimeSpan now)
    {
        switch (error)
        {
            case ErrorCode.NotCoordinator or ErrorCode.CoordinatorNotAvailable:
                OnCoordinatorLost(question, now);
                break;
            case ErrorCode.RebalanceInProgress:
                Retry(question, "the group is rebalancing", question.Kind == QuestionKind.Join, now);
                break;
            case ErrorCode.IllegalGeneration or ErrorCode.UnknownMemberId or ErrorCode.FencedInstanceId:
                OnFenced(error, now);
                if (question.Kind == QuestionKind.Join)
                    BackOff(now);
                break;
            default:
                if (error.IsRetriable() || error == ErrorCode.UnknownServerError)
                    Retry(question, error.Describe(), backsOff: true, now);
                else
                    Fail(error, error.Describe());
                break;
        }
    }

    private void OnCoordinatorLost(in Question question, TimeSpan now)
    {
        _coordinator.Lose(question.Broker);
        _effects.Add(GroupEffect.RefreshMetadata.Instance);
        Retry(question, "the coordinator changed", backsOff: true, now);
    }

    private void Retry(in Question question, string reason, bool backsOff, TimeSpan now)
    {
        if (backsOff)
            BackOff(now);
        if (question.Kind != QuestionKind.Heartbeat)
            BecomeUnjoined(reason);
        else
            _heartbeatAt = _notBefore > now ? _notBefore : now;
    }

    private void BackOff(TimeSpan now) => _notBefore = now + _backoff.Delay(++_failures);

    /// <summary>To join again. What is owned is read on until the group says otherwise.</summary>
    private void BecomeUnjoined(string reason)
    {
        _state = State.Unjoined;
        _rejoinReason ??= reason;
    }

    /// <summary>The group went on without this member: its partitions are others'.</summary>
    private void OnFenced(ErrorCode error, TimeSpan now)
    {
        if (error == ErrorCode.FencedInstanceId)
        {
            Fail(error, $"another member of group {_settings.GroupId} goes by group.instance.id = {_settings.GroupInstanceId}");
            return;
        }

        Lose(error.Describe());
        var member = error == ErrorCode.UnknownMemberId ? NoMember : MemberId;
        Forget();
        MemberId = member;
        BecomeUnjoined(error.Describe());
    }

    private void Fail(ErrorCode error, string message)
    {
        Lose(message);
        Forget();
        _state = State.Failed;
        _effects.Add(new GroupEffect.Failed(error, message, IsFinal: true));
    }
}
