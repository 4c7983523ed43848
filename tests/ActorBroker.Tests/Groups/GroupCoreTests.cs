using ActorBroker.Protocol;
using static ActorBroker.Tests.Groups.GroupScript;

namespace ActorBroker.Tests.Groups;

/// <summary>The classic group protocol's rules, one by one: how members come, generations form, and who is fenced.</summary>
public class GroupCoreTests
{
    private readonly GroupScript _script = new();

    [Fact]
    public void A_dynamic_member_gets_an_id_first_and_the_group_waits_for_it_to_come_back()
    {
        var known = _script.NewMember();
        var other = _script.NewMember();
        var joined = _script.Join(Request(known));
        Assert.False(_script.IsAnswered(joined));
        _script.Advance(10_000); // the other one never comes

        Assert.Equal((ErrorCode.None, 1), (_script.Joined(joined).ErrorCode, _script.Joined(joined).GenerationId));
        Assert.Equal(ErrorCode.UnknownMemberId, _script.Joined(_script.Join(Request(other))).ErrorCode);
    }

    [Theory]
    [InlineData(3, ErrorCode.None)]
    [InlineData(4, ErrorCode.MemberIdRequired)]
    public void Only_versions_that_know_of_it_make_the_round_trip(int version, ErrorCode expected) =>
        Assert.Equal(expected, _script.Joined(_script.Join(Request(), version)).ErrorCode);

    [Fact]
    public void A_group_that_was_empty_gathers_as_long_as_members_come_but_not_beyond_the_rebalance_timeout()
    {
        var script = new GroupScript(Standard with { InitialRebalanceDelay = TimeSpan.FromSeconds(3) });
        var joins = new List<long>();
        for (var i = 0; i < 4; i++)
        {
            joins.Add(script.Join(Request(rebalanceMs: 8_000), version: 3));
            script.Advance(2_000);
        }

        Assert.All(joins, join => Assert.Equal((1, ErrorCode.None), (script.Joined(join).GenerationId, script.Joined(join).ErrorCode)));
        Assert.Equal(4, script.Joined(joins[0]).Members.Count);
    }

    [Fact]
    public void A_group_that_was_empty_waits_its_delay_even_for_one_member()
    {
        var script = new GroupScript(Standard with { InitialRebalanceDelay = TimeSpan.FromSeconds(3) });
        var join = script.Join(Request(), version: 3);
        script.Advance(2_999);
        Assert.False(script.IsAnswered(join));
        script.Advance(1);
        Assert.Equal(ErrorCode.None, script.Joined(join).ErrorCode);
    }

    [Fact]
    public void Who_does_not_join_within_the_rebalance_timeout_is_out_and_another_leads()
    {
        var (members, generation) = _script.Stable(3, rebalanceMs: 4_000);
        var one = _script.Join(Request(members[1], rebalanceMs: 4_000, metadata: "changed"));
        var two = _script.Join(Request(members[2], rebalanceMs: 4_000));
        _script.Heartbeat(members[0], generation); // it lives, but does not join
        _script.Advance(4_000);

        Assert.Equal((generation + 1, members[1]), (_script.Joined(one).GenerationId, _script.Joined(one).Leader));
        Assert.Equal([members[1], members[2]], _script.Joined(one).Members.Select(member => member.MemberId));
        Assert.Empty(_script.Joined(two).Members);
        Assert.Equal(ErrorCode.UnknownMemberId, _script.Heartbeat(members[0], generation));
    }

    [Fact]
    public void The_protocol_that_most_members_like_best_among_those_that_all_know_is_chosen()
    {
        var members = Enumerable.Range(0, 3).Select(_ => _script.NewMember()).ToArray();
        var joins = new[]
        {
            _script.Join(Request(members[0], protocols: ["only-mine", "sticky", "range"])),
            _script.Join(Request(members[1], protocols: ["range", "sticky"])),
            _script.Join(Request(members[2], protocols: ["sticky", "range"])),
        };
        Assert.All(joins, join => Assert.Equal("sticky", _script.Joined(join).ProtocolName));
    }

    [Fact]
    public void Who_shares_no_protocol_with_the_others_or_is_of_another_type_stays_out()
    {
        _script.Stable(1);
        Assert.Equal(ErrorCode.InconsistentGroupProtocol, _script.Joined(_script.Join(Request(protocols: ["other"]))).ErrorCode);
        Assert.Equal(ErrorCode.InconsistentGroupProtocol, _script.Joined(_script.Join(Request() with { ProtocolType = "connect" })).ErrorCode);
        Assert.Equal("Stable", _script.Phase);
    }

    [Fact]
    public void A_full_group_takes_nobody_else()
    {
        var script = new GroupScript(Standard with { MaxSize = 2 });
        script.Stable(2);
        Assert.Equal(ErrorCode.GroupMaxSizeReached, script.Joined(script.Join(Request())).ErrorCode);
        Assert.Equal("Stable", script.Phase);
    }

    [Fact]
    public void A_group_that_is_larger_than_its_new_limit_when_it_is_loaded_keeps_those_who_come_first()
    {
        var wide = new GroupScript();
        var (members, _) = wide.Stable(3);
        var narrow = new GroupScript(Standard with { MaxSize = 2 });
        narrow.Log.AddRange(wide.Log);
        narrow.FailOver();

        Assert.Equal("PreparingRebalance", narrow.Phase);
        var joins = members.Select(member => narrow.Join(Request(member))).ToArray();
        Assert.Equal(ErrorCode.GroupMaxSizeReached, narrow.Joined(joins[2]).ErrorCode);
        narrow.Advance(60_000);
        Assert.All(joins[..2], join => Assert.Equal(ErrorCode.None, narrow.Joined(join).ErrorCode));
    }

    [Fact]
    public void An_assignment_is_answered_only_once_it_is_stored()
    {
        var members = new[] { _script.NewMember(), _script.NewMember() };
        var joins = members.Select(member => _script.Join(Request(member))).ToArray();
        _script.HoldsWrites = true;
        var follower = _script.Sync(SyncRequest(members[1], 1));
        var leader = _script.Sync(SyncRequest(members[0], 1, (members[0], "a"), (members[1], "b"), ("made-up", "c")));
        Assert.False(_script.IsAnswered(leader) || _script.IsAnswered(follower));
        _script.Complete();
        Assert.Equal(("a", "b"), (Text(_script.Synced(leader).Assignment), Text(_script.Synced(follower).Assignment)));
        Assert.Equal("Stable", _script.Phase);
        Assert.Equal(1, _script.Joined(joins[0]).GenerationId);
    }

    [Fact]
    public void An_assignment_that_can_not_be_stored_is_answered_so_and_the_members_join_again()
    {
        var member = _script.NewMember();
        _script.Join(Request(member));
        _script.HoldsWrites = true;
        var sync = _script.Sync(SyncRequest(member, 1, (member, "a")));
        _script.Complete(ErrorCode.CoordinatorNotAvailable);
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, _script.Synced(sync).ErrorCode);
        Assert.Equal("PreparingRebalance", _script.Phase);
        _script.HoldsWrites = false;
        Assert.Equal(2, _script.Joined(_script.Join(Request(member))).GenerationId);
    }

    [Fact]
    public void When_storing_takes_too_long_members_are_told_and_find_the_outcome_when_they_ask_again()
    {
        var member = _script.NewMember();
        _script.Join(Request(member));
        _script.HoldsWrites = true;
        var sync = _script.Sync(SyncRequest(member, 1, (member, "a")));
        _script.Advance(5_000);
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, _script.Synced(sync).ErrorCode);
        var again = _script.Sync(SyncRequest(member, 1, (member, "a")));
        Assert.Single(_script.Held);
        _script.Complete();
        Assert.Equal((ErrorCode.None, "a"), (_script.Synced(again).ErrorCode, Text(_script.Synced(again).Assignment)));
    }

    [Fact]
    public void Who_joins_while_the_assignment_is_made_starts_the_rebalance_anew()
    {
        var first = _script.NewMember();
        _script.Join(Request(first));
        var second = _script.NewMember();
        var joined = _script.Join(Request(second));
        var late = _script.Sync(SyncRequest(first, 1, (first, "a")));
        Assert.Equal(ErrorCode.RebalanceInProgress, _script.Synced(late).ErrorCode);
        var rejoined = _script.Join(Request(first));
        Assert.Equal((2, 2), (_script.Joined(joined).GenerationId, _script.Joined(rejoined).GenerationId));
    }

    [Fact]
    public void Who_does_not_ask_for_its_assignment_in_time_is_out()
    {
        var members = new[] { _script.NewMember(), _script.NewMember() };
        foreach (var member in members) _script.Join(Request(member, sessionMs: 30_000, rebalanceMs: 5_000));
        var sync = _script.Sync(SyncRequest(members[0], 1, (members[0], "a"), (members[1], "b")));
        Assert.Equal(ErrorCode.None, _script.Synced(sync).ErrorCode);
        _script.Advance(5_000);
        Assert.Equal("PreparingRebalance", _script.Phase);
        Assert.Equal(ErrorCode.UnknownMemberId, _script.Heartbeat(members[1], 1));
        Assert.Equal(ErrorCode.RebalanceInProgress, _script.Heartbeat(members[0], 1));
    }

    [Fact]
    public void A_follower_that_joins_again_unchanged_learns_the_generation_again_and_disturbs_nobody()
    {
        var (members, generation) = _script.Stable(2);
        var again = _script.Joined(_script.Join(Request(members[1])));
        Assert.Equal((ErrorCode.None, generation, members[0]), (again.ErrorCode, again.GenerationId, again.Leader));
        Assert.Equal("Stable", _script.Phase);
        _script.Join(Request(members[0]));
        Assert.Equal("PreparingRebalance", _script.Phase); // the leader wants to assign anew
    }

    [Fact]
    public void Generation_and_member_are_checked_in_every_request_and_phase()
    {
        var (members, generation) = _script.Stable(2);
        Check(ErrorCode.None, ErrorCode.None, generation);
        _script.Join(Request(members[1], metadata: "changed"));
        Check(ErrorCode.RebalanceInProgress, ErrorCode.None, generation); // preparing: what was read may still be committed
        _script.Join(Request(members[0]));
        Check(ErrorCode.None, ErrorCode.RebalanceInProgress, generation + 1); // completing: it knows not yet what it owns

        void Check(ErrorCode heartbeat, ErrorCode commit, int current)
        {
            Assert.Equal(heartbeat, _script.Heartbeat(members[0], current));
            Assert.Equal(commit, _script.Commit(members[0], current));
            foreach (var other in new[] { current - 1, current + 1, -1 })
            {
                Assert.Equal(ErrorCode.IllegalGeneration, _script.Heartbeat(members[0], other));
                Assert.Equal(ErrorCode.IllegalGeneration, _script.Commit(members[0], other));
                Assert.Equal(ErrorCode.IllegalGeneration, _script.Synced(_script.Sync(SyncRequest(members[0], other))).ErrorCode);
            }

            Assert.Equal(ErrorCode.UnknownMemberId, _script.Heartbeat("stranger", current));
            Assert.Equal(ErrorCode.UnknownMemberId, _script.Commit("stranger", current));
            Assert.Equal(ErrorCode.UnknownMemberId, _script.Commit("", -1)); // from outside, while there are members
            Assert.Equal(ErrorCode.UnknownMemberId, _script.Synced(_script.Sync(SyncRequest("stranger", current))).ErrorCode);
        }
    }

    [Fact]
    public void A_silent_member_is_out_after_its_session_and_heartbeats_keep_it()
    {
        var (members, generation) = _script.Stable(2);
        for (var i = 0; i < 5; i++)
        {
            _script.Advance(9_000);
            Assert.Equal(i == 0 ? ErrorCode.None : ErrorCode.RebalanceInProgress, _script.Heartbeat(members[0], generation));
        }

        Assert.Equal([members[0]], _script.Describe().Members.Select(member => member.MemberId));
    }

    [Fact]
    public void A_new_member_that_waits_for_its_first_generation_is_given_up_after_five_minutes()
    {
        var (members, generation) = _script.Stable(1, rebalanceMs: 3_600_000);
        var newcomer = _script.NewMember();
        var waiting = _script.Join(Request(newcomer));
        for (var i = 0; i < 32; i++)
        {
            _script.Advance(9_000);
            Assert.Equal(ErrorCode.RebalanceInProgress, _script.Heartbeat(members[0], generation));
        }

        Assert.False(_script.IsAnswered(waiting));
        _script.Advance(9_000);
        _script.Heartbeat(members[0], generation);
        _script.Advance(9_000);
        Assert.Equal(ErrorCode.UnknownMemberId, _script.Joined(waiting).ErrorCode);
    }

    [Fact]
    public void A_member_that_waits_for_the_others_is_not_silent()
    {
        var (members, generation) = _script.Stable(2, rebalanceMs: 60_000);
        var waiting = _script.Join(Request(members[1], metadata: "changed"));
        for (var i = 0; i < 5; i++)
        {
            _script.Advance(9_000);
            Assert.Equal(ErrorCode.RebalanceInProgress, _script.Heartbeat(members[0], generation));
        }

        _script.Join(Request(members[0]));
        Assert.Equal((ErrorCode.None, generation + 1), (_script.Joined(waiting).ErrorCode, _script.Joined(waiting).GenerationId));
    }

    [Fact]
    public void The_last_member_leaves_an_empty_group_whose_generations_go_on_after_a_failover()
    {
        var (members, generation) = _script.Stable(1);
        Assert.Equal(ErrorCode.None, _script.Leave((members[0], null)).Members[0].ErrorCode);
        Assert.Equal("Empty", _script.Phase);
        _script.FailOver();
        Assert.Equal("Empty", _script.Phase);
        Assert.Equal(generation + 2, _script.Joined(_script.Join(Request(_script.NewMember()))).GenerationId);
    }

    [Fact]
    public void After_a_failover_members_go_on_in_their_generation_or_are_out_after_their_sessions()
    {
        var (members, generation) = _script.Stable(2);
        _script.FailOver();
        Assert.Equal(ErrorCode.None, _script.Heartbeat(members[0], generation));
        Assert.Equal("1", Text(_script.Synced(_script.Sync(SyncRequest(members[1], generation))).Assignment));
        _script.Advance(9_999);
        _script.Heartbeat(members[0], generation);
        _script.Advance(1);
        Assert.Equal([members[0]], _script.Describe().Members.Select(member => member.MemberId));
    }

    [Fact]
    public void Several_members_leave_with_one_request_and_each_gets_its_answer()
    {
        var (members, _) = _script.Stable(2);
        var pending = _script.NewMember();
        var left = _script.Leave((members[1], null), ("stranger", null), (pending, null), ("", "no-such-instance"));
        Assert.Equal([ErrorCode.None, ErrorCode.UnknownMemberId, ErrorCode.None, ErrorCode.UnknownMemberId], left.Members.Select(member => member.ErrorCode));
        Assert.Equal("PreparingRebalance", _script.Phase);
    }

    [Fact]
    public void A_group_that_nobody_got_into_leaves_no_trace()
    {
        _script.Join(Request(protocols: []));
        _script.NewMember();
        _script.Advance(10_000);
        Assert.Equal(0, _script.Core.GroupCount);
    }
}
