using System.Text;
using ActorBroker.Groups;
using ActorBroker.Log;
using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Tests.Groups;

/// <summary>One coordinator core, its log and its clock in the test's hands. Writes are committed at once, unless they are held.</summary>
internal sealed class GroupScript
{
    public const string Group = "delays";

    private readonly Dictionary<long, object> _answers = [];
    private readonly GroupStep _step = new();
    private long _call;
    private int _ids;

    public GroupScript(GroupOptions? options = null)
    {
        Options = options ?? Standard;
        Core = new CoordinatorCore(Options, () => new Guid(++_ids, 0, 0, new byte[8]));
        Core.OnLoaded(At());
    }

    public static GroupOptions Standard { get; } = new(
        MinSessionTimeout: TimeSpan.FromSeconds(1),
        MaxSessionTimeout: TimeSpan.FromMinutes(30),
        InitialRebalanceDelay: TimeSpan.Zero,
        MaxSize: int.MaxValue,
        CommitTimeout: TimeSpan.FromSeconds(5),
        MaxMetadataBytes: 10,
        OffsetsRetention: TimeSpan.FromDays(7),
        RetentionCheckInterval: TimeSpan.FromMinutes(10),
        LoadBufferBytes: 1 << 20,
        TopicPartitions: 1,
        TopicReplicationFactor: 1,
        TopicSegmentBytes: 1 << 20);

    public GroupOptions Options { get; }

    public CoordinatorCore Core { get; private set; }

    public long NowMs { get; private set; } = 1000;

    /// <summary>All that was committed.</summary>
    public List<GroupEvent> Log { get; } = [];

    /// <summary>Writes that wait for the test to say what becomes of them.</summary>
    public Queue<GroupWrite> Held { get; } = new();

    public bool HoldsWrites { get; set; }

    /// <summary>Another coordinator takes over with what the log holds; answers of the former one never come.</summary>
    public void FailOver()
    {
        Core = new CoordinatorCore(Options, () => new Guid(++_ids, 0, 0, new byte[8]));
        foreach (var change in Log) Core.Apply(change);
        Held.Clear();
        Core.OnLoaded(At());
        Perform();
    }

    /// <summary>Time passes, and whatever is due happens in its order.</summary>
    public void Advance(long ms)
    {
        var end = NowMs + ms;
        while (Core.NextAlarm <= end)
        {
            NowMs = Math.Max(NowMs, Core.NextAlarm);
            Core.OnTime(At());
            Perform();
        }

        NowMs = end;
    }

    public void Complete(ErrorCode error = ErrorCode.None)
    {
        var write = Held.Dequeue();
        Finish(write, error);
        Perform();
    }

    public void CheckExpiry()
    {
        Core.OnExpiryCheck(At());
        Perform();
    }

    public void DeleteTopics(params string[] topics)
    {
        Core.OnTopicsDeleted(topics.ToHashSet(), At());
        Perform();
    }

    /// <summary>The call's number: its answer may come later.</summary>
    public long Join(JoinGroupRequest request, int version = 9) =>
        Send(key => Core.OnJoin(new JoinInput(key, request, "app", "host", version >= 4, version >= 9), At()));

    public long Sync(SyncGroupRequest request) => Send(key => Core.OnSync(key, request, At()));

    public ErrorCode Heartbeat(string member, int generation, string? instance = null) =>
        Answer<HeartbeatResponse>(Send(key => Core.OnHeartbeat(
            key, new HeartbeatRequest { GroupId = Group, MemberId = member, GenerationId = generation, GroupInstanceId = instance }, At()))).ErrorCode;

    public LeaveGroupResponse Leave(params (string Member, string? Instance)[] members) => Answer<LeaveGroupResponse>(Send(key => Core.OnLeave(
        key, new LeaveGroupRequest { GroupId = Group, Members = [.. members.Select(m => new LeaveGroupRequest.MemberIdentity { MemberId = m.Member, GroupInstanceId = m.Instance })] }, At())));

    public long CommitLater(string member, int generation, string? instance, params (string Topic, int Partition, long Offset)[] offsets) =>
        Send(key => Core.OnCommit(
            new CommitInput(key, Group, generation, member, instance, -1, [.. offsets.Select(o => new CommitEntry(new TopicPartition(o.Topic, o.Partition), new Offset(o.Offset), new LeaderEpoch(3), "m"))]), At()));

    public ErrorCode Commit(string member, int generation, long offset = 1, string? instance = null) =>
        Answer<OffsetErrors>(CommitLater(member, generation, instance, ("flights", 0, offset))).Errors[0];

    public long? Committed(string topic = "flights", int partition = 0) =>
        Answer<FetchedOffsets>(Send(key => Core.OnFetch(key, Group, [new TopicPartition(topic, partition)], At()))).Offsets[0].Committed?.Offset.Value;

    public DescribeGroupsResponse.DescribedGroup Describe() => Answer<DescribeGroupsResponse.DescribedGroup>(Send(key => Core.OnDescribe(key, Group, At())));

    public string Phase => Describe().GroupState;

    public ErrorCode Delete() => Answer<ErrorCode>(DeleteLater());

    public long DeleteLater() => Send(key => Core.OnDelete(key, Group, At()));

    public OffsetErrors DeleteOffsets(params (string Topic, int Partition)[] partitions) =>
        Answer<OffsetErrors>(Send(key => Core.OnDeleteOffsets(key, Group, [.. partitions.Select(p => new TopicPartition(p.Topic, p.Partition))], At())));

    public long Send(Action<RequestKey> input)
    {
        var call = ++_call;
        input(new RequestKey(this, call, 0));
        Perform();
        return call;
    }

    public bool IsAnswered(long call) => _answers.ContainsKey(call);

    public T Answer<T>(long call) => Assert.IsAssignableFrom<T>(Assert.Contains(call, (IReadOnlyDictionary<long, object>)_answers));

    public JoinGroupResponse Joined(long call) => Answer<JoinGroupResponse>(call);

    public SyncGroupResponse Synced(long call) => Answer<SyncGroupResponse>(call);

    public GroupStep At()
    {
        _step.Now = new Moment(NowMs, 1_000_000_000_000 + NowMs);
        return _step;
    }

    public void Perform()
    {
        while (_step.Replies.Count + _step.Writes.Count > 0)
        {
            foreach (var reply in _step.Replies) Assert.True(_answers.TryAdd(reply.Key.Call, reply.Answer), $"call {reply.Key.Call} is answered twice");
            var writes = _step.Writes.ToList();
            _step.Clear();
            foreach (var write in writes)
            {
                if (HoldsWrites) Held.Enqueue(write);
                else Finish(write, ErrorCode.None);
            }
        }
    }

    private void Finish(GroupWrite write, ErrorCode error)
    {
        if (error == ErrorCode.None)
        {
            foreach (var change in write.Events)
            {
                Log.Add(change);
                Core.Apply(change);
            }
        }
        else
        {
            write.Fail(error);
        }

        CoordinatorCore.OnWritten(write, At());
    }

    public static JoinGroupRequest Request(string member = "", string? instance = null, int sessionMs = 10_000, int rebalanceMs = 60_000, string[]? protocols = null, string metadata = "m") => new()
    {
        GroupId = Group,
        MemberId = member,
        GroupInstanceId = instance,
        SessionTimeoutMs = sessionMs,
        RebalanceTimeoutMs = rebalanceMs,
        ProtocolType = "consumer",
        Protocols = [.. (protocols ?? ["range"]).Select(name => new JoinGroupRequest.JoinGroupRequestProtocol { Name = name, Metadata = Encoding.UTF8.GetBytes(metadata) })],
    };

    public static SyncGroupRequest SyncRequest(string member, int generation, params (string Member, string Assignment)[] assignments) => new()
    {
        GroupId = Group,
        MemberId = member,
        GenerationId = generation,
        Assignments = [.. assignments.Select(a => new SyncGroupRequest.SyncGroupRequestAssignment { MemberId = a.Member, Assignment = Encoding.UTF8.GetBytes(a.Assignment) })],
    };

    public static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    /// <summary>A new dynamic member's id.</summary>
    public string NewMember(int sessionMs = 10_000)
    {
        var refused = Joined(Join(Request(sessionMs: sessionMs)));
        Assert.Equal(ErrorCode.MemberIdRequired, refused.ErrorCode);
        return refused.MemberId;
    }

    /// <summary>A stable group of so many dynamic members, the first of which leads; each owns its own number.</summary>
    public (string[] Members, int Generation) Stable(int count, int rebalanceMs = 60_000)
    {
        var members = Enumerable.Range(0, count).Select(_ => NewMember()).ToArray();
        var joins = members.Select(member => Join(Request(member, rebalanceMs: rebalanceMs))).ToArray();
        var generation = Joined(joins[0]).GenerationId;
        Assert.All(joins, join => Assert.Equal((ErrorCode.None, generation, members[0]), (Joined(join).ErrorCode, Joined(join).GenerationId, Joined(join).Leader)));
        SyncAll(members, generation);
        return (members, generation);
    }

    public void SyncAll(string[] members, int generation)
    {
        var syncs = members.Skip(1).Select(member => Sync(SyncRequest(member, generation))).ToList();
        syncs.Insert(0, Sync(SyncRequest(members[0], generation, [.. members.Select((member, i) => (member, $"{i}"))])));
        for (var i = 0; i < syncs.Count; i++) Assert.Equal((ErrorCode.None, $"{i}"), (Synced(syncs[i]).ErrorCode, Text(Synced(syncs[i]).Assignment)));
    }
}
