namespace ActorBroker.MultiNode.Tests.Histories;

/// <summary>A sound history of a group passes, and each violation is found.</summary>
public class GroupCheckerTests
{
    private static readonly (int, long)[] Records = [(0, 0), (0, 1), (1, 0)];

    private static readonly GroupHistory Sound = new(
        Turns: [Turn("a", 0, 0, 2), Turn("b", 0, 2, null), Turn("a", 1, 0, 5, TurnEnd.Lost), Turn("b", 1, 4, null), Turn("a", 1, 6, null) with { Member = "b" }],
        Taken: [new("a", 0, 0), new("b", 0, 0), new("b", 0, 1), new("a", 1, 0)],
        Commits: [new(0, 1), new(1, 1), new(0, 1), new(0, 2)]);

    [Fact]
    public void A_sound_history_has_no_faults() => Assert.Empty(GroupChecker.Check(Sound, Records));

    [Fact]
    public void A_record_that_nobody_was_given_is_a_fault() => Found("1/1", GroupChecker.Check(Sound, [.. Records, (1, 1)]));

    [Fact]
    public void Two_readers_of_one_partition_are_a_fault() =>
        Found("partition 0", GroupChecker.Check(Sound with { Turns = [Turn("a", 0, 0, 3), Turn("b", 0, 2, null)] }, Records));

    [Fact]
    public void A_commit_that_moves_back_is_a_fault() =>
        Found("behind 2", GroupChecker.Check(Sound with { Commits = [.. Sound.Commits, new(0, 1)] }, Records));

    [Fact]
    public void A_commit_of_what_nobody_was_given_is_a_fault() =>
        Found("nobody was given 1", GroupChecker.Check(Sound with { Commits = [new(1, 2)] }, Records));

    private static void Found(string text, IReadOnlyList<string> faults) => Assert.Contains(text, Assert.Single(faults), StringComparison.Ordinal);

    private static Turn Turn(string member, int partition, int began, int? ended, TurnEnd end = TurnEnd.Released) =>
        new(member, partition, TimeSpan.FromSeconds(began), ended is { } at ? TimeSpan.FromSeconds(at) : null, ended is null ? TurnEnd.Open : end);
}
