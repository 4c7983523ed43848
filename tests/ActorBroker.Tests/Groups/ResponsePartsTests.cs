using ActorBroker.Protocol;

namespace ActorBroker.Tests.Groups;

/// <summary>
/// Clients whose transport takes little ask about groups that have much: whoever takes parts gets all of it in parts that fit,
/// anybody else an error.
/// </summary>
public sealed class ResponsePartsTests : IAsyncLifetime
{
    private const string Group = "g";
    private const int Topics = 4;
    private const int Partitions = 25;

    private GroupBroker _broker = null!;

    public async Task InitializeAsync()
    {
        _broker = await GroupBroker.StartAsync("actorbroker.group.initial.rebalance.delay.ms = 600000");
        for (var topic = 0; topic < Topics; topic++) await _broker.CreateTopicAsync($"topic-{topic}", Partitions);
        await _broker.FindCoordinatorAsync(Group);
    }

    public async Task DisposeAsync() => await _broker.DisposeAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(1200)]
    [InlineData(4000)]
    [InlineData(int.MaxValue)]
    public async Task All_offsets_come_in_parts_that_fit(int maxResponseBytes)
    {
        await CommitAsync();
        var seen = new List<(string, int, long)>();
        (string? Topic, int Partition) last = (null, -1);
        for (var parts = 1; ; parts++)
        {
            var response = await FetchAsync(maxResponseBytes, null, last.Topic, last.Partition);
            var group = Assert.Single(response.Groups);
            Assert.Equal(ErrorCode.None, group.ErrorCode);
            var offsets = group.Topics.SelectMany(topic => topic.Partitions.Select(partition => (topic.Name, partition.PartitionIndex, partition.CommittedOffset))).ToList();
            seen.AddRange(offsets);
            // One always goes in, or nobody would ever come to the end.
            if (offsets.Count > 1) Assert.True(response.ToBytes(9).Length <= maxResponseBytes);
            Assert.NotEmpty(offsets);
            if (!group.IsCut) break;
            last = (offsets[^1].Name, offsets[^1].PartitionIndex);
            Assert.InRange(parts, 1, 1000);
        }

        Assert.Equal(Topics * Partitions, seen.Count);
        Assert.Equal(seen.Order(), seen);
        Assert.All(seen, offset => Assert.Equal(offset.Item2 + 1, offset.Item3));
    }

    [Fact]
    public async Task Of_those_asked_about_the_first_are_told()
    {
        await CommitAsync();
        OffsetFetchRequest.OffsetFetchRequestTopics[] asked = [new() { Name = "topic-2", PartitionIndexes = [.. Enumerable.Range(0, Partitions)] }, new() { Name = "topic-1", PartitionIndexes = [3] }];
        var group = Assert.Single((await FetchAsync(3000, asked)).Groups);
        Assert.True(group.IsCut);
        var told = Assert.Single(group.Topics);
        Assert.Equal("topic-2", told.Name);
        Assert.Equal(Enumerable.Range(0, told.Partitions.Count), told.Partitions.Select(partition => partition.PartitionIndex));
        Assert.InRange(told.Partitions.Count, 1, Partitions - 1);
    }

    [Fact]
    public async Task Who_takes_no_parts_gets_an_error_that_says_so()
    {
        await CommitAsync();
        var offsets = (OffsetFetchResponse)await _broker.AskAnyAsync(new OffsetFetchRequest { Groups = [new() { GroupId = Group, Topics = null }] }, 9, 3000);
        Assert.Equal((ErrorCode.MessageTooLarge, 0), (offsets.Groups[0].ErrorCode, offsets.Groups[0].Topics.Count));
        await JoinAsync();
        var members = (DescribeGroupsResponse)await _broker.AskAnyAsync(new DescribeGroupsRequest { Groups = [Group] }, 6, 3000);
        Assert.Equal(ErrorCode.MessageTooLarge, members.Groups[0].ErrorCode);
        Assert.Contains("maximum-frame-size", members.Groups[0].ErrorMessage, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3000)]
    [InlineData(int.MaxValue)]
    public async Task All_members_come_in_parts_that_fit(int maxResponseBytes)
    {
        var all = await JoinAsync();
        var seen = new List<string>();
        while (true)
        {
            var request = new DescribeGroupsRequest { Groups = [Group], TakesParts = true, AfterMember = seen.LastOrDefault() };
            var response = (DescribeGroupsResponse)await _broker.AskAnyAsync(request, 6, maxResponseBytes);
            var group = Assert.Single(response.Groups);
            Assert.Equal((ErrorCode.None, "PreparingRebalance"), (group.ErrorCode, group.GroupState));
            Assert.True(response.ToBytes(6).Length <= maxResponseBytes);
            Assert.NotEmpty(group.Members);
            seen.AddRange(group.Members.Select(member => member.GroupInstanceId!));
            if (!group.IsCut) break;
            seen[^1] = group.Members[^1].MemberId;
        }

        Assert.Equal(all, seen.Select(member => member[..InstanceLength]));
    }

    [Fact]
    public async Task A_member_that_fits_into_no_answer_is_an_error_and_not_an_endless_list()
    {
        await JoinAsync();
        var described = (DescribeGroupsResponse)await _broker.AskAnyAsync(new DescribeGroupsRequest { Groups = [Group], TakesParts = true }, 6, 1100);
        Assert.Equal((ErrorCode.MessageTooLarge, false), (described.Groups[0].ErrorCode, described.Groups[0].IsCut));
    }

    private const int InstanceLength = 102;

    /// <summary>Static members whose joins wait for the first generation, which nobody lives to see.</summary>
    private async Task<IEnumerable<string>> JoinAsync()
    {
        var instances = Enumerable.Range(10, 10).Select(i => $"{new string('m', InstanceLength - 2)}{i}").ToList();
        foreach (var instance in instances)
        {
            _broker.Tell(new JoinGroupRequest
            {
                GroupId = Group,
                SessionTimeoutMs = 600_000,
                RebalanceTimeoutMs = 600_000,
                GroupInstanceId = instance,
                ProtocolType = "consumer",
                Protocols = [new() { Name = "range", Metadata = new byte[300] }],
            });
        }

        for (var deadline = DateTimeOffset.UtcNow + GroupBroker.Deadline; ; await Task.Delay(5))
        {
            var described = await _broker.AskAsync(new DescribeGroupsRequest { Groups = [Group] });
            if (described.Groups[0].Members.Count == instances.Count) return instances;
            Assert.True(DateTimeOffset.UtcNow < deadline, $"{described.Groups[0].Members.Count} members");
        }
    }

    private async Task CommitAsync()
    {
        var committed = await _broker.AskAsync(new OffsetCommitRequest
        {
            GroupId = Group,
            GenerationIdOrMemberEpoch = -1,
            Topics = [.. Enumerable.Range(0, Topics).Select(topic => new OffsetCommitRequest.OffsetCommitRequestTopic
            {
                Name = $"topic-{topic}",
                Partitions = [.. Enumerable.Range(0, Partitions).Select(partition => new OffsetCommitRequest.OffsetCommitRequestPartition
                {
                    PartitionIndex = partition, CommittedOffset = partition + 1, CommittedMetadata = new string('m', 50),
                })],
            })],
        });
        Assert.All(committed.Topics.SelectMany(topic => topic.Partitions), partition => Assert.Equal(ErrorCode.None, partition.ErrorCode));
    }

    private async Task<OffsetFetchResponse> FetchAsync(
        int maxResponseBytes, OffsetFetchRequest.OffsetFetchRequestTopics[]? topics, string? afterTopic = null, int afterPartition = -1) =>
        (OffsetFetchResponse)await _broker.AskAnyAsync(
            new OffsetFetchRequest { TakesParts = true, Groups = [new() { GroupId = Group, Topics = topics, AfterTopic = afterTopic, AfterPartition = afterPartition }] }, 9, maxResponseBytes);
}
