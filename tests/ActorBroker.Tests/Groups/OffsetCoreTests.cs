using ActorBroker.Groups;
using ActorBroker.Log;
using ActorBroker.Protocol;
using static ActorBroker.Tests.Groups.GroupScript;

namespace ActorBroker.Tests.Groups;

/// <summary>What becomes of committed offsets: stored before they are seen, deleted when nobody reads, expired when nobody comes back.</summary>
public class OffsetCoreTests
{
    private const long Days = 24L * 3600 * 1000;

    private readonly GroupScript _script = new();

    [Fact]
    public void A_commit_is_answered_and_seen_once_it_is_stored()
    {
        _script.HoldsWrites = true;
        var commit = _script.CommitLater("", -1, null, ("flights", 0, 5));
        Assert.False(_script.IsAnswered(commit));
        Assert.Null(_script.Committed());
        _script.Complete();
        Assert.Equal([ErrorCode.None], _script.Answer<OffsetErrors>(commit).Errors);
        Assert.Equal(5, _script.Committed());
    }

    [Theory]
    [InlineData(ErrorCode.CoordinatorNotAvailable, ErrorCode.CoordinatorNotAvailable)]
    [InlineData(ErrorCode.MessageTooLarge, ErrorCode.InvalidCommitOffsetSize)]
    public void A_commit_that_can_not_be_stored_says_so_and_changes_nothing(ErrorCode error, ErrorCode answered)
    {
        Assert.Equal(ErrorCode.None, _script.Commit("", -1, 5));
        _script.HoldsWrites = true;
        var commit = _script.CommitLater("", -1, null, ("flights", 0, 6));
        _script.Complete(error);
        Assert.Equal([answered], _script.Answer<OffsetErrors>(commit).Errors);
        Assert.Equal(5, _script.Committed());
    }

    [Fact]
    public void Offsets_are_not_deleted_while_the_group_reads_their_topic()
    {
        var metadata = new byte[] { 0, 0, 0, 0, 0, 1, 0, 5, (byte)'b', (byte)'o', (byte)'o', (byte)'k', (byte)'s' };
        _script.CommitLater("", -1, null, ("flights", 0, 5), ("books", 0, 6));
        var join = Request() with { Protocols = [new() { Name = "range", Metadata = metadata }] };
        var member = _script.Joined(_script.Join(join, version: 3)).MemberId;
        _script.Sync(SyncRequest(member, 1, (member, "")));

        Assert.Equal([ErrorCode.None, ErrorCode.GroupSubscribedToTopic], _script.DeleteOffsets(("flights", 0), ("books", 0)).Errors);
        Assert.Equal((null, 6L), (_script.Committed(), _script.Committed("books")));
        Assert.Equal(ErrorCode.NonEmptyGroup, _script.Delete());
    }

    [Fact]
    public void Deleting_a_group_takes_its_offsets_also_those_on_their_way()
    {
        var (members, _) = _script.Stable(1);
        _script.Commit(members[0], 1);
        _script.Leave((members[0], null));
        _script.HoldsWrites = true;
        var commit = _script.CommitLater("", -1, null, ("books", 0, 6));
        var delete = _script.DeleteLater();
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, _script.Joined(_script.Join(Request())).ErrorCode);
        _script.Complete();
        _script.Complete();
        Assert.Equal(ErrorCode.None, _script.Answer<OffsetErrors>(commit).Errors[0]);
        Assert.Equal(ErrorCode.None, _script.Answer<ErrorCode>(delete));
        Assert.Equal(0, _script.Core.GroupCount);
        _script.FailOver();
        Assert.Equal((0, null, null), (_script.Core.GroupCount, _script.Committed(), _script.Committed("books")));
        Assert.Equal(ErrorCode.GroupIdNotFound, _script.Delete());
    }

    [Fact]
    public void A_group_whose_deletion_can_not_be_stored_is_there_again()
    {
        _script.Commit("", -1, 5);
        _script.HoldsWrites = true;
        var delete = _script.DeleteLater();
        Assert.Equal("Dead", _script.Phase);
        _script.Complete(ErrorCode.CoordinatorNotAvailable);
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, _script.Answer<ErrorCode>(delete));
        Assert.Equal(("Empty", 5L), (_script.Phase, _script.Committed()));
    }

    [Fact]
    public void Offsets_of_a_group_without_members_expire_after_the_last_commit()
    {
        _script.Commit("", -1, 5);
        Expire(6 * Days, 5);
        _script.Commit("", -1, 6);
        Expire(6 * Days, 6);
        Expire(1 * Days, null);
        Assert.Equal(0, _script.Core.GroupCount);
    }

    [Fact]
    public void Offsets_of_a_group_that_had_members_expire_after_the_last_one_left()
    {
        var (members, _) = _script.Stable(1);
        _script.Commit(members[0], 1, 5);
        for (var day = 0; day < 20; day++)
        {
            for (var i = 0; i < 24 * 3600 / 9; i++)
            {
                _script.Advance(9_000);
                if (i % 100 == 0) _script.CheckExpiry();
                Assert.Equal(ErrorCode.None, _script.Heartbeat(members[0], 1));
            }
        }

        _script.Leave((members[0], null));
        Expire(6 * Days, 5);
        _script.FailOver();
        Expire(1 * Days, null);
        Assert.Equal(0, _script.Core.GroupCount);
        _script.FailOver();
        Assert.Equal(0, _script.Core.GroupCount);
    }

    [Fact]
    public void An_offset_with_an_expiry_of_its_own_goes_by_that()
    {
        _script.Send(key => _script.Core.OnCommit(
            new CommitInput(key, Group, -1, "", null, 1 * Days, [new CommitEntry(new TopicPartition("flights", 0), new Offset(5), LeaderEpoch.None, "")]), _script.At()));
        Expire((1 * Days) - 1, 5);
        Expire(1, null);
    }

    [Fact]
    public void Offsets_of_a_deleted_topic_go_and_others_stay()
    {
        _script.CommitLater("", -1, null, ("flights", 0, 5), ("flights", 1, 6), ("books", 0, 7));
        _script.DeleteTopics("flights");
        Assert.Equal((null, null, 7L), (_script.Committed(), _script.Committed("flights", 1), _script.Committed("books")));
    }

    private void Expire(long afterMs, long? left)
    {
        _script.Advance(afterMs);
        _script.CheckExpiry();
        Assert.Equal(left, _script.Committed());
    }
}
