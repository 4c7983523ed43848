using System.Text;
using ActorBroker.Protocol;

namespace ActorBroker.Tests.Groups;

/// <summary>Scenario: clients of one real broker form groups, commit, come back after a restart, and are looked at by operators.</summary>
public sealed class GroupEndpointTests
{
    private const string Group = "delays";

    [Fact]
    public async Task Two_members_form_a_generation_and_get_what_their_leader_assigned()
    {
        await using var broker = await GroupBroker.StartAsync();
        await broker.FindCoordinatorAsync(Group);
        var first = await JoinNewAsync(broker);
        var alone = await broker.AskAsync(Join(first));
        Assert.Equal((ErrorCode.None, 1, first, "range", "consumer"), (alone.ErrorCode, alone.GenerationId, alone.Leader, alone.ProtocolName, alone.ProtocolType));
        Assert.Equal("A", Text((await SyncAsync(broker, alone, (first, "A"))).Assignment));

        var second = await JoinNewAsync(broker);
        var joins = new[] { broker.AskAsync(Join(second)), RejoinAsync(broker, first, 1) };
        var joined = await Task.WhenAll(joins);
        Assert.All(joined, join => Assert.Equal((ErrorCode.None, 2, first), (join.ErrorCode, join.GenerationId, join.Leader)));
        Assert.Equal([first, second], joined[1].Members.Select(member => member.MemberId));
        Assert.Empty(joined[0].Members);

        var waiting = SyncAsync(broker, joined[0]);
        var leaders = SyncAsync(broker, joined[1], (first, "A"), (second, "B"));
        Assert.Equal(["B", "A"], (await Task.WhenAll(waiting, leaders)).Select(sync => Text(sync.Assignment)));

        var described = await broker.AskAsync(new DescribeGroupsRequest { Groups = [Group], IncludeAuthorizedOperations = true });
        var group = Assert.Single(described.Groups);
        Assert.Equal(("Stable", "consumer", "range"), (group.GroupState, group.ProtocolType, group.ProtocolData));
        Assert.Equal([(first, "test", "A"), (second, "test", "B")], group.Members.Select(member => (member.MemberId, member.ClientId, Text(member.MemberAssignment))));
        Assert.Equal((1 << 3) | (1 << 6) | (1 << 8), group.AuthorizedOperations);
    }

    [Fact]
    public async Task Committed_offsets_and_the_group_outlive_the_broker()
    {
        await using var broker = await GroupBroker.StartAsync();
        await broker.CreateTopicAsync("flights", 2);
        await broker.FindCoordinatorAsync(Group);
        var member = await JoinNewAsync(broker);
        var joined = await broker.AskAsync(Join(member));
        await SyncAsync(broker, joined, (member, "mine"));
        Assert.Equal([ErrorCode.None, ErrorCode.UnknownTopicOrPartition], await CommitAsync(broker, joined.GenerationId, member, ("flights", 1, 42), ("flights", 2, 1)));

        await broker.RestartAsync();
        await broker.FindCoordinatorAsync(Group);

        Assert.Equal([("flights", 0, -1L, ""), ("flights", 1, 42L, "flights-1")], await FetchAsync(broker, "flights", 0, 1));
        var beat = await broker.AskAsync(new HeartbeatRequest { GroupId = Group, GenerationId = joined.GenerationId, MemberId = member });
        Assert.Equal(ErrorCode.None, beat.ErrorCode);
        Assert.Equal("mine", Text((await SyncAsync(broker, joined)).Assignment));
        Assert.Equal([ErrorCode.IllegalGeneration], await CommitAsync(broker, joined.GenerationId + 1, member, ("flights", 1, 7)));
        Assert.Equal([ErrorCode.UnknownMemberId], await CommitAsync(broker, joined.GenerationId, "stranger", ("flights", 1, 7)));
        Assert.Equal(42, (await FetchAsync(broker, "flights", 1))[0].Offset);
    }

    [Fact]
    public async Task A_member_that_is_silent_is_out_after_its_session_and_the_group_goes_on_without_it()
    {
        await using var broker = await GroupBroker.StartAsync();
        await broker.FindCoordinatorAsync(Group);
        var silent = await JoinNewAsync(broker);
        var first = await broker.AskAsync(Join(silent) with { SessionTimeoutMs = 300 });
        await SyncAsync(broker, first, (silent, "all"));

        // It waits until the silent one's session is over.
        var other = await JoinNewAsync(broker);
        var joined = await broker.AskAsync(Join(other) with { RebalanceTimeoutMs = 60_000 });

        Assert.Equal((ErrorCode.None, first.GenerationId + 1, other), (joined.ErrorCode, joined.GenerationId, joined.Leader));
        var beat = await broker.AskAsync(new HeartbeatRequest { GroupId = Group, GenerationId = first.GenerationId, MemberId = silent });
        Assert.Equal(ErrorCode.UnknownMemberId, beat.ErrorCode);
    }

    [Fact]
    public async Task Operators_list_describe_forget_offsets_and_delete()
    {
        await using var broker = await GroupBroker.StartAsync();
        await broker.CreateTopicAsync("flights", 2);
        await broker.FindCoordinatorAsync(Group);
        Assert.Equal([ErrorCode.None, ErrorCode.None], await CommitAsync(broker, -1, "", ("flights", 0, 1), ("flights", 1, 2)));

        var listed = await broker.AskAsync(new ListGroupsRequest { StatesFilter = ["empty"] });
        Assert.Equal((Group, "Empty", "classic"), Assert.Single(listed.Groups.Select(group => (group.GroupId, group.GroupState, group.GroupType))));
        Assert.Empty((await broker.AskAsync(new ListGroupsRequest { StatesFilter = ["Stable"] })).Groups);

        var deleted = await broker.AskAsync(new OffsetDeleteRequest { GroupId = Group, Topics = [new() { Name = "flights", Partitions = [new() { PartitionIndex = 0 }] }] });
        Assert.Equal(ErrorCode.None, deleted.Topics[0].Partitions[0].ErrorCode);
        Assert.Equal([("flights", 1, 2L, "flights-1")], await FetchAsync(broker, topic: null));

        var gone = await broker.AskAsync(new DeleteGroupsRequest { GroupsNames = [Group, "nobody"] });
        Assert.Equal([ErrorCode.None, ErrorCode.GroupIdNotFound], gone.Results.Select(result => result.ErrorCode));
        Assert.Empty((await broker.AskAsync(new ListGroupsRequest())).Groups);
        var described = await broker.AskAsync(new DescribeGroupsRequest { Groups = [Group] });
        Assert.Equal((ErrorCode.GroupIdNotFound, "Dead"), (described.Groups[0].ErrorCode, described.Groups[0].GroupState));
        var before = await broker.AskAsync(new DescribeGroupsRequest { Groups = [Group] }, version: 5);
        Assert.Equal((ErrorCode.None, "Dead"), (before.Groups[0].ErrorCode, before.Groups[0].GroupState));

        await broker.RestartAsync();
        await broker.FindCoordinatorAsync(Group);
        Assert.Empty(await FetchAsync(broker, topic: null));
    }

    [Fact]
    public async Task Offsets_of_a_deleted_topic_go_with_it()
    {
        await using var broker = await GroupBroker.StartAsync();
        await broker.CreateTopicAsync("flights", 1);
        await broker.FindCoordinatorAsync(Group);
        await CommitAsync(broker, -1, "", ("flights", 0, 9));

        await broker.AskAsync(new DeleteTopicsRequest { Topics = [new() { Name = "flights" }] });

        for (var deadline = DateTimeOffset.UtcNow + GroupBroker.Deadline; (await FetchAsync(broker, topic: null)).Count > 0; await Task.Delay(10))
            Assert.True(DateTimeOffset.UtcNow < deadline, "the offset is still there");
    }

    [Fact]
    public async Task Older_versions_are_answered_in_their_own_shape()
    {
        await using var broker = await GroupBroker.StartAsync();
        await broker.CreateTopicAsync("flights", 1);
        await broker.FindCoordinatorAsync(Group);
        var found = await broker.AskAsync(new FindCoordinatorRequest { Key = Group }, version: 0);
        Assert.Equal((ErrorCode.None, 1), (found.ErrorCode, found.NodeId));
        var joined = await broker.AskAsync(Join("") with { GroupInstanceId = null }, version: 3);
        Assert.Equal((ErrorCode.None, 1), (joined.ErrorCode, joined.GenerationId)); // no MEMBER_ID_REQUIRED before version 4
        var synced = await broker.AskAsync(
            new SyncGroupRequest { GroupId = Group, GenerationId = 1, MemberId = joined.MemberId, Assignments = [new() { MemberId = joined.MemberId, Assignment = "x"u8.ToArray() }] }, version: 0);
        Assert.Equal("x", Text(synced.Assignment));
        var fetched = await broker.AskAsync(new OffsetFetchRequest { GroupId = Group, Topics = [new() { Name = "flights", PartitionIndexes = [0] }] }, version: 1);
        Assert.Equal((ErrorCode.None, -1), (fetched.Topics[0].Partitions[0].ErrorCode, fetched.Topics[0].Partitions[0].CommittedOffset));
        var left = await broker.AskAsync(new LeaveGroupRequest { GroupId = Group, MemberId = joined.MemberId }, version: 2);
        Assert.Equal(ErrorCode.None, left.ErrorCode);
        var again = await broker.AskAsync(new LeaveGroupRequest { GroupId = Group, MemberId = joined.MemberId }, version: 2);
        Assert.Equal(ErrorCode.UnknownMemberId, again.ErrorCode);
    }

    [Fact]
    public async Task What_is_asked_amiss_gets_Kafkas_error()
    {
        await using var broker = await GroupBroker.StartAsync("actorbroker.offset.metadata.max.bytes = 5\nactorbroker.offsets.topic.num.partitions = 1");
        Assert.Equal(ErrorCode.NotCoordinator, (await broker.AskAsync(Join(""))).ErrorCode); // before anybody has asked for a coordinator
        await broker.CreateTopicAsync("flights", 1);
        await broker.FindCoordinatorAsync(Group);
        Assert.Equal(ErrorCode.InvalidGroupId, (await broker.AskAsync(Join("") with { GroupId = "" })).ErrorCode);
        Assert.Equal(ErrorCode.InvalidSessionTimeout, (await broker.AskAsync(Join("") with { SessionTimeoutMs = 1 })).ErrorCode);
        Assert.Equal(ErrorCode.UnknownMemberId, (await broker.AskAsync(Join("nobody"))).ErrorCode);
        Assert.Equal(ErrorCode.InconsistentGroupProtocol, (await broker.AskAsync(Join("") with { Protocols = [] })).ErrorCode);
        Assert.Equal(ErrorCode.UnknownMemberId, (await broker.AskAsync(new HeartbeatRequest { GroupId = Group, MemberId = "nobody" })).ErrorCode);
        Assert.Equal(ErrorCode.InconsistentGroupProtocol, (await broker.AskAsync(new SyncGroupRequest { GroupId = Group, MemberId = "nobody" })).ErrorCode);
        Assert.Equal([ErrorCode.OffsetMetadataTooLarge], await CommitAsync(broker, -1, "", ("flights", 0, 9)));
        Assert.Equal([ErrorCode.IllegalGeneration], await CommitAsync(broker, 4, "nobody", ("flights", 0, 9)));
        var transactional = await broker.AskAsync(new FindCoordinatorRequest { KeyType = CoordinatorType.Transaction, CoordinatorKeys = ["t"] });
        Assert.Equal(ErrorCode.InvalidRequest, transactional.Coordinators[0].ErrorCode);
    }

    private static JoinGroupRequest Join(string member) => new()
    {
        GroupId = Group,
        MemberId = member,
        SessionTimeoutMs = 10_000,
        RebalanceTimeoutMs = 20_000,
        ProtocolType = "consumer",
        Protocols = [new() { Name = "range", Metadata = "m"u8.ToArray() }],
    };

    /// <summary>The round trip in which a member gets its id.</summary>
    private static async Task<string> JoinNewAsync(GroupBroker broker)
    {
        var refused = await broker.AskAsync(Join(""));
        Assert.Equal(ErrorCode.MemberIdRequired, refused.ErrorCode);
        Assert.StartsWith("test-", refused.MemberId, StringComparison.Ordinal);
        return refused.MemberId;
    }

    /// <summary>As members do: they join again when a heartbeat tells them to.</summary>
    private static async Task<JoinGroupResponse> RejoinAsync(GroupBroker broker, string member, int generation)
    {
        var deadline = DateTimeOffset.UtcNow + GroupBroker.Deadline;
        while ((await broker.AskAsync(new HeartbeatRequest { GroupId = Group, GenerationId = generation, MemberId = member })).ErrorCode != ErrorCode.RebalanceInProgress)
        {
            Assert.True(DateTimeOffset.UtcNow < deadline, "no rebalance began");
            await Task.Delay(10);
        }

        return await broker.AskAsync(Join(member));
    }

    private static Task<SyncGroupResponse> SyncAsync(GroupBroker broker, JoinGroupResponse joined, params (string Member, string Assignment)[] assignments) =>
        broker.AskAsync(new SyncGroupRequest
        {
            GroupId = Group,
            GenerationId = joined.GenerationId,
            MemberId = joined.MemberId,
            ProtocolType = "consumer",
            ProtocolName = "range",
            Assignments = [.. assignments.Select(assignment => new SyncGroupRequest.SyncGroupRequestAssignment { MemberId = assignment.Member, Assignment = Encoding.UTF8.GetBytes(assignment.Assignment) })],
        });

    private static async Task<IEnumerable<ErrorCode>> CommitAsync(GroupBroker broker, int generation, string member, params (string Topic, int Partition, long Offset)[] offsets)
    {
        var response = await broker.AskAsync(new OffsetCommitRequest
        {
            GroupId = Group,
            GenerationIdOrMemberEpoch = generation,
            MemberId = member,
            Topics = [.. offsets.GroupBy(offset => offset.Topic).Select(topic => new OffsetCommitRequest.OffsetCommitRequestTopic
            {
                Name = topic.Key,
                Partitions = [.. topic.Select(offset => new OffsetCommitRequest.OffsetCommitRequestPartition { PartitionIndex = offset.Partition, CommittedOffset = offset.Offset, CommittedMetadata = $"{topic.Key}-{offset.Partition}" })],
            })],
        });
        return response.Topics.SelectMany(topic => topic.Partitions).Select(partition => partition.ErrorCode).ToList();
    }

    private static async Task<List<(string Topic, int Partition, long Offset, string Metadata)>> FetchAsync(GroupBroker broker, string? topic, params int[] partitions)
    {
        var response = await broker.AskAsync(new OffsetFetchRequest
        {
            Groups = [new() { GroupId = Group, Topics = topic is null ? null : [new() { Name = topic, PartitionIndexes = partitions }] }],
        });
        var group = Assert.Single(response.Groups);
        Assert.Equal(ErrorCode.None, group.ErrorCode);
        return [.. group.Topics.SelectMany(found => found.Partitions.Select(partition => (found.Name, partition.PartitionIndex, partition.CommittedOffset, partition.Metadata!)))];
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
