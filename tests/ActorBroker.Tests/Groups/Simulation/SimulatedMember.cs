using System.Text;
using ActorBroker.Groups;
using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Tests.Groups.Simulation;

/// <summary>A consumer as simple as it can be: joins, works on what it owns, commits, and joins again when it is told to.</summary>
internal sealed class SimulatedMember(GroupWorld world, string? instanceId, string name)
{
    private const int HeartbeatMs = 1_000;

    private readonly Dictionary<int, long> _positions = [];
    private SimulatedCoordinator _coordinator = world.Leader;

    /// <summary>Grows with each new beginning: what belongs to a former one counts for nothing.</summary>
    private int _round;

    public string? InstanceId => instanceId;

    public string Id { get; private set; } = "";

    public int Generation { get; private set; } = -1;

    public bool IsAlive { get; private set; } = true;

    public IEnumerable<int> Owned => _positions.Keys;

    public void Start() => Join();

    public void Crash()
    {
        IsAlive = false;
        _round++;
    }

    public void Leave()
    {
        if (Id.Length > 0)
            Send(new LeaveGroupRequest { GroupId = GroupScript.Group, Members = [new() { MemberId = Id, GroupInstanceId = instanceId }] }, 1_000, _ => { });
        Crash();
    }

    public override string ToString() => $"{name} ({Id}, generation {Generation}: {string.Join(",", Owned)})";

    private void Join()
    {
        _round++;
        _positions.Clear();
        var request = GroupScript.Request(Id, instanceId, GroupWorld.SessionMs, GroupWorld.RebalanceMs);
        Send(request, GroupWorld.RebalanceMs + 5_000, answer =>
        {
            var joined = answer as JoinGroupResponse ?? new JoinGroupResponse { ErrorCode = (ErrorCode)answer };
            if (joined.ErrorCode is ErrorCode.None or ErrorCode.MemberIdRequired) Id = joined.MemberId;
            if (joined.ErrorCode == ErrorCode.MemberIdRequired) Join();
            else if (joined.ErrorCode != ErrorCode.None) OnError(joined.ErrorCode);
            else
            {
                Generation = joined.GenerationId;
                Sync(joined.Leader == Id && !joined.SkipAssignment ? joined.Members : []);
            }
        });
    }

    private void Sync(IReadOnlyList<JoinGroupResponse.JoinGroupResponseMember> members)
    {
        var request = GroupScript.SyncRequest(Id, Generation, [.. members.Select((member, i) => (member.MemberId, Share(i, members.Count)))]) with { GroupInstanceId = instanceId };
        Send(request, 5_000, answer =>
        {
            if (answer is SyncGroupResponse { ErrorCode: ErrorCode.None } synced) FetchOffsets(Encoding.UTF8.GetString(synced.Assignment.Span));
            else OnError(answer is SyncGroupResponse failed ? failed.ErrorCode : (ErrorCode)answer);
        });
    }

    private static string Share(int index, int count) =>
        string.Join(",", Enumerable.Range(0, GroupWorld.Partitions).Where(partition => partition % count == index));

    private void FetchOffsets(string assignment) => Send(new OffsetFetchRequest(), 5_000, answer =>
    {
        if (answer is not FetchedOffsets fetched)
        {
            OnError((ErrorCode)answer);
            return;
        }

        foreach (var partition in assignment.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(text => int.Parse(text, null)))
            _positions[partition] = fetched.Offsets[partition].Committed?.Offset.Value ?? 0;
        var round = _round;
        world.After(HeartbeatMs, () => Heartbeat(round));
        world.After(world.Random.Next(500), () => Work(round));
    });

    private void Heartbeat(int round)
    {
        if (round != _round) return;
        Send(new HeartbeatRequest { GroupId = GroupScript.Group, MemberId = Id, GenerationId = Generation, GroupInstanceId = instanceId }, 3_000, answer =>
        {
            var error = answer is HeartbeatResponse response ? response.ErrorCode : (ErrorCode)answer;
            if (error != ErrorCode.None) OnError(error);
            else world.After(HeartbeatMs, () => Heartbeat(round));
        });
    }

    /// <summary>Reads on and commits. When nobody answers it goes on all the same, as a consumer does that commits now and then.</summary>
    private void Work(int round)
    {
        if (round != _round) return;
        foreach (var partition in _positions.Keys.ToList()) _positions[partition] += world.Random.Next(4);
        if (_positions.Count > 0) Commit();
        world.After(world.Random.Next(200, 1_000), () => Work(round));
    }

    private void Commit()
    {
        var request = new OffsetCommitRequest
        {
            GroupId = GroupScript.Group,
            MemberId = Id,
            GroupInstanceId = instanceId,
            GenerationIdOrMemberEpoch = Generation,
            Topics =
            [
                new()
                {
                    Name = "t",
                    Partitions = [.. _positions.Select(p => new OffsetCommitRequest.OffsetCommitRequestPartition { PartitionIndex = p.Key, CommittedOffset = p.Value, CommittedMetadata = $"{Generation}" })],
                },
            ],
        };
        Send(request, null, answer =>
        {
            var error = answer is OffsetErrors errors ? errors.Errors[0] : (ErrorCode)answer;
            if (error is ErrorCode.IllegalGeneration or ErrorCode.UnknownMemberId or ErrorCode.FencedInstanceId) OnError(error);
        });
    }

    private void OnError(ErrorCode error)
    {
        _round++;
        _positions.Clear();
        if (error == ErrorCode.FencedInstanceId)
        {
            IsAlive = false;
            return;
        }

        if (error == ErrorCode.UnknownMemberId) Id = "";
        if (error is ErrorCode.NotCoordinator or ErrorCode.CoordinatorLoadInProgress or ErrorCode.RequestTimedOut) _coordinator = world.Leader;
        var round = _round;
        world.After(world.Random.Next(20, 200), () =>
        {
            if (round == _round && IsAlive) Join();
        });
    }

    /// <param name="timeoutMs">Null: what is lost is not missed.</param>
    private void Send(IRequest request, int? timeoutMs, Action<object> onAnswer)
    {
        var (round, done) = (_round, false);
        var coordinator = _coordinator;
        if (world.Delay() is { } ms) world.After(ms, () => coordinator.Receive(request, OnAnswer));
        if (timeoutMs is { } patience) world.After(patience, () => OnAnswer(ErrorCode.RequestTimedOut));

        void OnAnswer(object answer)
        {
            if (done || round != _round || !IsAlive) return;
            done = true;
            onAnswer(answer);
        }
    }
}
