using ActorBroker.Cleaning;
using ActorBroker.Log;

namespace ActorBroker.Tests.Cleaning;

/// <summary>Which log is cleaned next.</summary>
public sealed class CleanerCoreTests
{
    private static readonly LogOptions _options = new() { CleanupPolicy = CleanupPolicy.Compact };
    private readonly CleanerCore _core = new();

    [Fact]
    public void The_filthiest_that_is_due_is_taken()
    {
        Assert.Equal(2, _core.Choose([Log("a", 40, 60), Log("b", 51, 49), Log("c", 10, 90), Log("d", 90, 10), Log("e", 30, 0)]));
        Assert.Equal(-1, _core.Choose([Log("a", 60, 40), Log("b", 50, 50), Log("c", 0, 0)]));
        Assert.Equal(1, _core.Choose([Log("a", 60, 40), Log("b", 95, 5, isOverdue: true)]));
    }

    [Fact]
    public void One_that_failed_never_keeps_the_others_from_their_turn_and_gets_its_own_when_it_is_opened_anew()
    {
        var logs = new[] { Log("a", 10, 90), Log("b", 20, 80) };
        _core.SetAside("a");
        Assert.Equal(1, _core.Choose(logs));
        Assert.Equal(-1, _core.Choose(logs[..1]));
        _core.Keep(log => log.Equals("b"));
        Assert.False(_core.IsSetAside("a"));
        Assert.Equal(0, _core.Choose(logs));
    }

    [Fact]
    public void One_without_room_comes_behind_the_others()
    {
        var logs = new[] { Log("a", 10, 90), Log("b", 20, 80) };
        _core.Postpone("a");
        Assert.Equal(1, _core.Choose(logs));
        Assert.Equal(-1, _core.Choose(logs[..1]));
        Assert.Equal(0, _core.Choose(logs));
    }

    private static CleanerCore.Candidate Log(string name, long clean, long dirty, bool isOverdue = false) =>
        new(name, _options, new CleaningSurvey(Offset.Zero, new Offset(1), clean, dirty, isOverdue));
}
