using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>The half about consumer groups and their offsets.</summary>
public sealed partial class AdminClient
{
    private GroupCalls Groups => new(_calls, _settings, _time);

    /// <summary>Every group of every broker that answers, by id.</summary>
    /// <exception cref="AdminException">Some broker does not answer: the list would not be complete.</exception>
    public async Task<IReadOnlyList<GroupListing>> ListGroupsAsync(CancellationToken cancellation = default)
    {
        var groups = new SortedDictionary<string, GroupListing>(StringComparer.Ordinal);
        foreach (var broker in (await DescribeClusterAsync(cancellation: cancellation)).Brokers)
        {
            var response = await _calls.AskAsync(RequestTarget.To(broker.Id), new ListGroupsRequest(), r => r.ErrorCode.IsRetriable(), cancellation);
            ThrowIfFailed(response.ErrorCode, null);
            foreach (var group in response.Groups)
                groups[group.GroupId] = new GroupListing(group.GroupId, group.GroupState, group.GroupType, group.ProtocolType, broker.Id);
        }

        return [.. groups.Values];
    }

    /// <summary>One description per id, in the order given; of a group that there is not the error says so.</summary>
    public async Task<IReadOnlyList<GroupDescription>> DescribeGroupsAsync(IReadOnlyList<string> ids, CancellationToken cancellation = default)
    {
        var described = new List<GroupDescription>();
        foreach (var id in ids)
        {
            described.Add(await DescribeGroupAsync(id, cancellation));
        }

        return described;
    }

    /// <summary>As many members at a time as fit into a frame.</summary>
    private async Task<GroupDescription> DescribeGroupAsync(string id, CancellationToken cancellation)
    {
        var members = new List<DescribeGroupsResponse.DescribedGroupMember>();
        while (true)
        {
            var request = new DescribeGroupsRequest { Groups = [id], TakesParts = true, AfterMember = members.Count > 0 ? members[^1].MemberId : null };
            var (response, coordinator) = await Groups.AskAsync(
                id, request, r => r.Groups.Count == 1 ? r.Groups[0].ErrorCode : ErrorCode.UnknownServerError, cancellation);
            if (response.Groups.Count != 1)
                return new GroupDescription(id, ErrorCode.UnknownServerError, "the broker's answer says nothing about the group", "", "", "", coordinator, []);
            var group = response.Groups[0];
            members.AddRange(group.Members);
            if (!group.IsCut || group.Members.Count == 0)
                return Description(group with { Members = members }, coordinator);
        }
    }

    /// <summary>Deletes groups that have no member, with their offsets: one result per id, in the order given.</summary>
    public async Task<IReadOnlyList<GroupResult>> DeleteGroupsAsync(IReadOnlyList<string> ids, CancellationToken cancellation = default)
    {
        var results = new List<GroupResult>();
        foreach (var id in ids)
        {
            var (response, _) = await Groups.AskAsync(id, new DeleteGroupsRequest { GroupsNames = [id] }, ErrorOf, cancellation);
            results.Add(new GroupResult(id, ErrorOf(response), AdminCalls.MessageOf(ErrorOf(response), null)));
        }

        return results;

        static ErrorCode ErrorOf(DeleteGroupsResponse response) => response.Results.Count == 1 ? response.Results[0].ErrorCode : ErrorCode.UnknownServerError;
    }

    /// <param name="group">Its id; one that there is not has committed nothing.</param>
    /// <param name="partitions">Null for all that have a committed offset; others are left out of the answer.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public async Task<IReadOnlyDictionary<TopicPartition, CommittedOffset>> ListGroupOffsetsAsync(
        string group, IReadOnlyList<TopicPartition>? partitions = null, CancellationToken cancellation = default)
    {
        var offsets = new Dictionary<TopicPartition, CommittedOffset>();
        var unasked = partitions?.Distinct().ToList();
        TopicPartition? last = null;
        while (unasked is null || unasked.Count > 0)
        {
            var (page, isCut) = await ListGroupOffsetsAsync(group, unasked?.Take(PartitionsAtOnce(unasked)), last, cancellation);
            foreach (var (partition, offset) in page)
            {
                if (offset.Offset != Offset.None)
                    offsets[partition] = offset;
            }

            if (page.Count == 0 || (unasked is null && !isCut))
                break;
            if (unasked is null)
                last = page.GetAt(page.Count - 1).Key;
            else
                unasked.RemoveAll(page.ContainsKey);
        }

        return offsets;
    }

    private int PartitionsAtOnce(List<TopicPartition> partitions) =>
        Math.Max(1, _frame.PayloadBytes / 2 / FrameBudget.PartitionOverhead(partitions.MaxBy(partition => partition.Topic.Length).Topic));

    /// <summary>As much of an answer as fits into a frame, in its order; partitions without an offset have none.</summary>
    private async Task<(OrderedDictionary<TopicPartition, CommittedOffset> Page, bool IsCut)> ListGroupOffsetsAsync(
        string group, IEnumerable<TopicPartition>? partitions, TopicPartition? after, CancellationToken cancellation)
    {
        var page = new OrderedDictionary<TopicPartition, CommittedOffset>();
        var (response, _) = await Groups.AskAsync(
            group,
            OffsetRequests.Fetch(group, partitions, after),
            response =>
            {
                page.Clear();
                var worst = ErrorCode.None;
                var whole = OffsetRequests.Read(response, (partition, error, offset) =>
                {
                    worst = error == ErrorCode.None ? worst : error;
                    page[partition] = offset;
                });
                worst = whole == ErrorCode.None ? worst : whole;
                return worst is ErrorCode.None || worst.IsRetriable() ? worst : throw new AdminException(worst, worst.Describe());
            },
            cancellation);
        return (page, response.Groups[0].IsCut);
    }

    /// <summary>
    /// Sets where a group reads on: one result per partition. A group that has members refuses it with
    /// <see cref="ErrorCode.UnknownMemberId"/>: they would not take notice.
    /// </summary>
    public async Task<IReadOnlyList<PartitionResult>> AlterGroupOffsetsAsync(
        string group, IReadOnlyDictionary<TopicPartition, Offset> offsets, CancellationToken cancellation = default)
    {
        var commit = offsets.ToDictionary(offset => offset.Key, offset => new CommittedOffset(offset.Value));
        var (response, _) = await Groups.AskAsync(
            group,
            OffsetRequests.Commit(group, member: "", generation: -1, instance: null, commit),
            r => r.Topics.SelectMany(topic => topic.Partitions).Select(partition => partition.ErrorCode)
                .FirstOrDefault(error => error.IsRetriable() && error != ErrorCode.UnknownTopicOrPartition),
            cancellation);
        return [.. response.Topics.SelectMany(topic => topic.Partitions.Select(partition => new PartitionResult(
            new TopicPartition(topic.Name, partition.PartitionIndex),
            partition.ErrorCode,
            partition.ErrorCode == ErrorCode.UnknownMemberId
                ? $"group {group} has members; its offsets can be set once they have left"
                : AdminCalls.MessageOf(partition.ErrorCode, null))))];
    }

    /// <summary>Forgets where a group was: one result per partition. Of topics that its members subscribe to it is refused.</summary>
    public async Task<IReadOnlyList<PartitionResult>> DeleteGroupOffsetsAsync(
        string group, IReadOnlyList<TopicPartition> partitions, CancellationToken cancellation = default)
    {
        var request = new OffsetDeleteRequest
        {
            GroupId = group,
            Topics = [.. partitions.GroupBy(partition => partition.Topic, StringComparer.Ordinal).Select(topic => new OffsetDeleteRequest.OffsetDeleteRequestTopic
            {
                Name = topic.Key,
                Partitions = [.. topic.Select(partition => new OffsetDeleteRequest.OffsetDeleteRequestPartition { PartitionIndex = partition.Partition })],
            })],
        };
        var (response, _) = await Groups.AskAsync(group, request, r => r.ErrorCode, cancellation);
        ThrowIfFailed(response.ErrorCode, null);
        return [.. response.Topics.SelectMany(topic => topic.Partitions.Select(partition => new PartitionResult(
            new TopicPartition(topic.Name, partition.PartitionIndex), partition.ErrorCode, AdminCalls.MessageOf(partition.ErrorCode, null))))];
    }

    /// <summary>Where the leaders' logs end: beyond what is committed by what the replicas have not all copied yet.</summary>
    public Task<IReadOnlyList<OffsetResult>> ListLogEndOffsetsAsync(IEnumerable<TopicPartition> partitions, CancellationToken cancellation = default) =>
        new OffsetLookup(_calls, MetadataAsync, OffsetLookup.NoConsumer).RunAsync(partitions.ToDictionary(partition => partition, _ => StartPosition.End), cancellation);

    /// <summary>The timestamp, in milliseconds since 1970 UTC, of the first record at or behind each offset; partitions without one are left out.</summary>
    public Task<IReadOnlyDictionary<TopicPartition, long>> ReadTimestampsAsync(
        IReadOnlyDictionary<TopicPartition, Offset> offsets, CancellationToken cancellation = default) =>
        new TimestampLookup(_calls, _frame, MetadataAsync).RunAsync(offsets, cancellation);

    private static GroupDescription Description(DescribeGroupsResponse.DescribedGroup group, BrokerId coordinator) => new(
        group.GroupId,
        group.ErrorCode,
        AdminCalls.MessageOf(group.ErrorCode, group.ErrorMessage),
        group.GroupState,
        group.ProtocolType,
        group.ProtocolData,
        coordinator,
        [.. group.Members.Select(member => new GroupMemberDescription(
            member.MemberId, member.GroupInstanceId, member.ClientId, member.ClientHost, AssignmentOf(group.ProtocolType, member.MemberAssignment)))]);

    /// <summary>What other kinds of groups are assigned is theirs to read.</summary>
    private static IReadOnlyList<TopicPartition> AssignmentOf(string protocolType, ReadOnlyMemory<byte> assignment) =>
        protocolType == ConsumerProtocol.Type ? ConsumerProtocol.ReadAssignment(assignment) : [];
}
