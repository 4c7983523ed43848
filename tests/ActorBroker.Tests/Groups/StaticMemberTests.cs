using ActorBroker.Protocol;
using static ActorBroker.Tests.Groups.GroupScript;

namespace ActorBroker.Tests.Groups;

/// <summary>Static members (KIP-345, KIP-814): a name outlives a restart, and only one at a time goes by it.</summary>
public class StaticMemberTests
{
    private readonly GroupScript _script = new();

    [Theory]
    [InlineData(9)]
    [InlineData(5)]
    public void A_restarted_member_takes_its_place_without_a_rebalance_and_its_former_self_is_fenced(int version)
    {
        var (a, b, generation) = Stable();

        var back = _script.Joined(_script.Join(Request(instance: "b"), version));
        Assert.Equal((ErrorCode.None, generation, a), (back.ErrorCode, back.GenerationId, back.Leader));
        Assert.NotEqual(b, back.MemberId);
        Assert.Empty(back.Members);
        Assert.Equal("Stable", _script.Phase);
        Assert.Equal("for-b", Text(_script.Synced(_script.Sync(SyncRequest(back.MemberId, generation) with { GroupInstanceId = "b" })).Assignment));

        Assert.Equal(ErrorCode.FencedInstanceId, _script.Heartbeat(b, generation, "b"));
        Assert.Equal(ErrorCode.FencedInstanceId, _script.Commit(b, generation, 9, "b"));
        Assert.Equal(ErrorCode.FencedInstanceId, _script.Joined(_script.Join(Request(b, instance: "b"))).ErrorCode);
        Assert.Equal(ErrorCode.FencedInstanceId, _script.Synced(_script.Sync(SyncRequest(b, generation) with { GroupInstanceId = "b" })).ErrorCode);
        Assert.Equal(ErrorCode.FencedInstanceId, _script.Leave((b, "b")).Members[0].ErrorCode);
        Assert.Equal(ErrorCode.UnknownMemberId, _script.Heartbeat(b, generation));

        _script.FailOver(); // the new id was stored before it was answered
        Assert.Equal(ErrorCode.None, _script.Heartbeat(back.MemberId, generation, "b"));
    }

    [Fact]
    public void A_restarted_leader_is_told_to_keep_the_assignment_if_its_version_can_be()
    {
        var (a, b, generation) = Stable();
        var back = _script.Joined(_script.Join(Request(instance: "a"), version: 9));
        Assert.Equal((generation, back.MemberId, true), (back.GenerationId, back.Leader, back.SkipAssignment));
        Assert.Equal([b, back.MemberId], back.Members.Select(member => member.MemberId));

        var older = _script.Joined(_script.Join(Request(instance: "a"), version: 8));
        Assert.Equal((generation, back.MemberId, false), (older.GenerationId, older.Leader, older.SkipAssignment)); // it is not told that it leads
        Assert.Empty(older.Members);
        Assert.Equal("Stable", _script.Phase);
        Assert.NotEqual(a, older.Leader);
    }

    [Fact]
    public void A_restart_is_answered_only_once_the_new_id_is_stored()
    {
        Stable();
        _script.HoldsWrites = true;
        var back = _script.Join(Request(instance: "b"));
        Assert.False(_script.IsAnswered(back));
        _script.Complete(ErrorCode.CoordinatorNotAvailable);
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, _script.Joined(back).ErrorCode);
        var again = _script.Join(Request(instance: "b"));
        _script.Complete();
        Assert.Equal(ErrorCode.None, _script.Joined(again).ErrorCode);
    }

    [Fact]
    public void A_restart_that_changes_the_protocol_or_meets_a_rebalance_takes_part_in_one()
    {
        var (a, _, generation) = Stable();
        var back = _script.Join(Request(instance: "b", protocols: ["sticky", "range"]));
        Assert.True(_script.IsAnswered(back)); // range is still what all know best
        var changed = _script.Join(Request(_script.Joined(back).MemberId, instance: "b", metadata: "changed"));
        Assert.Equal("PreparingRebalance", _script.Phase);
        var twin = _script.Join(Request(instance: "b"));
        Assert.Equal(ErrorCode.FencedInstanceId, _script.Joined(changed).ErrorCode);
        _script.Join(Request(a, instance: "a"));
        Assert.Equal(generation + 1, _script.Joined(twin).GenerationId);
        Assert.Equal("CompletingRebalance", _script.Phase);
        _script.Join(Request(instance: "a"));
        Assert.Equal("PreparingRebalance", _script.Phase); // the leader may have the former id in its assignment
    }

    [Fact]
    public void A_static_member_that_is_away_keeps_its_place_through_rebalances_until_its_session_is_over()
    {
        var (a, b, generation) = Stable(sessionMs: 30_000, rebalanceMs: 5_000);
        _script.Advance(1_000);
        Assert.Equal(ErrorCode.None, _script.Heartbeat(a, generation, "a"));
        var rejoined = _script.Join(Request(a, instance: "a", sessionMs: 30_000, rebalanceMs: 5_000, metadata: "changed"));
        _script.Advance(5_000);

        var joined = _script.Joined(rejoined);
        Assert.Equal([b, a], joined.Members.Select(member => member.MemberId).OrderBy(id => id == a));
        _script.Sync(SyncRequest(a, joined.GenerationId, (a, "x"), (b, "y")) with { GroupInstanceId = "a" });
        _script.Advance(20_000);
        Assert.Equal(ErrorCode.None, _script.Heartbeat(a, joined.GenerationId, "a"));
        _script.Advance(5_000);
        Assert.Equal([a], _script.Describe().Members.Select(member => member.MemberId));
    }

    [Fact]
    public void An_operator_takes_a_static_member_out_by_its_name()
    {
        Stable();
        Assert.Equal(ErrorCode.None, _script.Leave(("", "b")).Members[0].ErrorCode);
        Assert.Equal(["a"], _script.Describe().Members.Select(member => member.GroupInstanceId));
    }

    private (string A, string B, int Generation) Stable(int sessionMs = 10_000, int rebalanceMs = 60_000)
    {
        var first = _script.Joined(_script.Join(Request(instance: "a", sessionMs: sessionMs, rebalanceMs: rebalanceMs)));
        var joins = new[]
        {
            _script.Join(Request(instance: "b", sessionMs: sessionMs, rebalanceMs: rebalanceMs)),
            _script.Join(Request(first.MemberId, instance: "a", sessionMs: sessionMs, rebalanceMs: rebalanceMs)),
        };
        var (b, a) = (_script.Joined(joins[0]), _script.Joined(joins[1]));
        Assert.Equal(2, a.GenerationId);
        _script.Sync(SyncRequest(a.MemberId, 2, (a.MemberId, "for-a"), (b.MemberId, "for-b")) with { GroupInstanceId = "a" });
        _script.Sync(SyncRequest(b.MemberId, 2) with { GroupInstanceId = "b" });
        Assert.Equal("Stable", _script.Phase);
        return (a.MemberId, b.MemberId, 2);
    }
}
