using ActorBroker.Log;

namespace ActorBroker.Client.Tests.Groups;

/// <summary>Who gets which partition: Kafka's results where they are fixed, and what must hold of every assignment.</summary>
public class AssignorTests
{
    private static readonly AssignmentStrategy[] All = Enum.GetValues<AssignmentStrategy>();

    [Theory]
    [InlineData("a", 2, "a:0 1")]
    [InlineData("a b", 3, "a:0 1|b:2")]
    [InlineData("b a c", 7, "a:0 1 2|b:3 4|c:5 6")]
    [InlineData("a b c", 2, "a:0|b:1|c:")]
    public void Range_cuts_a_topic_into_runs(string members, int partitions, string expected) =>
        Assert.Equal(expected, Show(RangeAssignor.Assign(Members(members), Count(("t", partitions)))));

    [Fact]
    public void Range_takes_each_topic_by_itself_and_only_its_readers()
    {
        GroupMember[] members = [new("a", null, ["t", "u"]), new("b", null, ["u"]), new("c", null, ["t", "u", "missing"])];
        var assignment = RangeAssignor.Assign(members, Count(("t", 3), ("u", 4)));
        Assert.Equal("a:t0 t1 u0 u1|b:u2|c:t2 u3", Show(assignment, named: true));
    }

    [Fact]
    public void Round_robin_deals_all_topics_like_one_pack_and_passes_over_who_does_not_read_it()
    {
        var assignment = RoundRobinAssignor.Assign(Members("a b", "t", "u"), Count(("t", 3), ("u", 3)));
        Assert.Equal("a:t0 t2 u1|b:t1 u0 u2", Show(assignment, named: true));
        // The example of Kafka's documentation.
        GroupMember[] uneven = [new("c0", null, ["t0"]), new("c1", null, ["t0", "t1"]), new("c2", null, ["t0", "t1", "t2"])];
        Assert.Equal("c0:t00|c1:t10|c2:t11 t20 t21 t22", Show(RoundRobinAssignor.Assign(uneven, Count(("t0", 1), ("t1", 2), ("t2", 3))), named: true));
    }

    [Fact]
    public void Static_members_come_first_in_the_order_of_their_instances_whatever_their_ids()
    {
        GroupMember[] members = [new("x", "i2", ["t"]), new("a", null, ["t"]), new("z", "i1", ["t"])];
        Assert.Equal("a:2|x:1|z:0", Show(RangeAssignor.Assign(members, Count(("t", 3)))));
    }

    [Fact]
    public void Sticky_gives_a_new_member_only_its_share_and_the_others_keep_theirs()
    {
        var before = StickyAssignor.Assign(Members("a b"), Count(("t", 6)));
        var after = StickyAssignor.Assign([.. Owning(before), new GroupMember("c", null, ["t"])], Count(("t", 6)));
        Assert.All(after.ByMember.Values, assigned => Assert.Equal(2, assigned.Count));
        foreach (var member in (string[])["a", "b"])
            Assert.Subset(before[member].ToHashSet(), after[member].ToHashSet());
    }

    [Fact]
    public void Sticky_believes_the_later_of_two_claims_and_neither_of_two_equal_ones()
    {
        TopicPartition p0 = new("t", 0), p1 = new("t", 1), p2 = new("t", 2), p3 = new("t", 3);
        GroupMember old = new("a", null, ["t"]) { Owned = [p0, p1, p2], Generation = 4 };
        GroupMember late = new("b", null, ["t"]) { Owned = [p0, p3], Generation = 5 };
        Assert.Equal("a:1 2|b:0 3", Show(StickyAssignor.Assign([old, late], Count(("t", 4)))));
        var equal = new Dictionary<string, int>(StringComparer.Ordinal) { ["t"] = 1 };
        GroupMember one = new("a", null, ["t"]) { Owned = [p0], Generation = 5 }, other = new("b", null, ["t"]) { Owned = [p0], Generation = 5 };
        Assert.Equal("a:0|b:", Show(StickyAssignor.Assign([other, one], equal)));
        // A cooperative leader must not hand such a partition to a third one before both have let go of it.
        Assert.Equal("0:|a:0|b:", Show(CooperativeStickyAssignor.Assign([new GroupMember("0", "i", []), other, one], equal)));
    }

    [Fact]
    public void Sticky_balances_through_a_third_member_where_two_share_no_topic()
    {
        // a has four; c has none and shares no topic with a: b passes one on.
        GroupMember a = new("a", null, ["t"]) { Owned = [new("t", 0), new("t", 1), new("t", 2), new("t", 3)], Generation = 1 };
        GroupMember b = new("b", null, ["t", "u"]) { Owned = [new("u", 0), new("u", 1)], Generation = 1 };
        GroupMember c = new("c", null, ["u"]) { Generation = 1 };
        var assignment = StickyAssignor.Assign([a, b, c], Count(("t", 4), ("u", 2)));
        Assert.Equal([2, 2, 2], assignment.ByMember.Values.Select(assigned => assigned.Count));
    }

    [Fact]
    public void Cooperative_withholds_what_another_member_still_owns()
    {
        GroupMember a = new("a", null, ["t"]) { Owned = [new("t", 0), new("t", 1), new("t", 2), new("t", 3)], Generation = 1 };
        var first = CooperativeStickyAssignor.Assign([a, new GroupMember("b", null, ["t"])], Count(("t", 4)));
        Assert.Equal(2, first["a"].Count);
        Assert.Empty(first["b"]);
        var second = CooperativeStickyAssignor.Assign(Owning(first), Count(("t", 4)));
        Assert.Equal(first["a"], second["a"]);
        Assert.Equal(2, second["b"].Count);
    }

    [Fact]
    public void Every_partition_that_somebody_reads_has_exactly_one_owner_who_reads_it() => ForRandomGroups((random, members, counts) =>
    {
        foreach (var strategy in All)
        {
            // A cooperative leader's last round is complete.
            var assignment = Assignors.Assign(strategy, members, counts);
            var settled = strategy == AssignmentStrategy.CooperativeSticky ? Settle(members, counts) : assignment;
            var owned = settled.ByMember.Values.SelectMany(assigned => assigned).ToList();
            Assert.Equal(owned.Count, owned.Distinct().Count());
            Assert.All(members, member => Assert.All(settled[member.Id], partition => Assert.Contains(partition.Topic, member.Topics)));
            var read = counts.Where(topic => members.Any(member => member.Topics.Contains(topic.Key))).Sum(topic => topic.Value);
            Assert.Equal(read, owned.Count);
        }
    });

    [Fact]
    public void Equal_members_differ_by_one_partition_at_most_and_sticky_moves_no_more_than_it_must() => ForRandomGroups((random, members, counts) =>
    {
        var topics = counts.Keys.ToArray();
        var equal = members.ConvertAll(member => member with { Topics = topics });
        foreach (var strategy in (AssignmentStrategy[])[AssignmentStrategy.RoundRobin, AssignmentStrategy.Sticky])
        {
            var shares = Assignors.Assign(strategy, equal, counts).ByMember.Values.Select(assigned => assigned.Count).ToList();
            Assert.InRange(shares.Max() - shares.Min(), 0, 1);
        }

        var before = Owning(StickyAssignor.Assign(equal, counts));
        before.RemoveAll(_ => random.Next(4) == 0);
        for (var i = random.Next(3) + (before.Count == 0 ? 1 : 0); i > 0; i--)
            before.Add(new GroupMember($"new{i}", null, topics));
        before = before.ConvertAll(member => member with { Topics = topics });
        var after = StickyAssignor.Assign(before, counts);
        Assert.Equal(FewestMoves(before, counts.Values.Sum()), before.Sum(member => member.Owned.Except(after[member.Id]).Count()));
    });

    [Fact]
    public void Unequal_members_are_balanced_as_far_as_their_topics_allow_and_a_balanced_group_is_left_alone() => ForRandomGroups((random, members, counts) =>
    {
        var assignment = StickyAssignor.Assign(members, counts);
        foreach (var (rich, assigned) in assignment.ByMember)
        {
            foreach (var poor in members)
            {
                if (assigned.Exists(partition => poor.Topics.Contains(partition.Topic)))
                    Assert.True(assigned.Count - assignment[poor.Id].Count <= 1, $"{rich} should give one to {poor.Id}");
            }
        }

        var again = StickyAssignor.Assign(Owning(assignment, members), counts);
        Assert.All(members, member => Assert.Equal(assignment[member.Id], again[member.Id]));
    });

    [Fact]
    public void A_cooperative_assignment_never_holds_what_another_member_still_owns() => ForRandomGroups((random, members, counts) =>
    {
        var assignment = CooperativeStickyAssignor.Assign(members, counts);
        foreach (var member in members)
        {
            var others = members.Where(other => other != member).SelectMany(other => other.Owned).ToHashSet();
            Assert.DoesNotContain(assignment[member.Id], partition => others.Contains(partition) && !member.Owned.Contains(partition));
        }
    });

    /// <summary>Members give up what moves and join again until nothing does: two rounds, or a third where they read different topics.</summary>
    private static GroupAssignment Settle(List<GroupMember> members, Dictionary<string, int> counts)
    {
        var assignment = CooperativeStickyAssignor.Assign(members, counts);
        for (var round = 2; round <= 3; round++)
            assignment = CooperativeStickyAssignor.Assign(Owning(assignment, members), counts);
        return assignment;
    }

    /// <summary>What must leave those who have more than their share, where larger shares go to those who have most.</summary>
    private static int FewestMoves(List<GroupMember> members, int partitions)
    {
        var moves = 0;
        var larger = partitions % members.Count;
        foreach (var member in members.OrderByDescending(member => member.Owned.Count))
            moves += Math.Max(0, member.Owned.Count - (partitions / members.Count + (larger-- > 0 ? 1 : 0)));
        return moves;
    }

    private static void ForRandomGroups(Action<Random, List<GroupMember>, Dictionary<string, int>> check)
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var counts = Enumerable.Range(0, random.Next(1, 5)).ToDictionary(i => $"t{i}", _ => random.Next(0, 9), StringComparer.Ordinal);
            var all = counts.SelectMany(topic => Enumerable.Range(0, topic.Value).Select(index => new TopicPartition(topic.Key, index))).ToList();
            var members = new List<GroupMember>();
            for (var i = random.Next(1, 7); i > 0; i--)
            {
                members.Add(new GroupMember($"m{i}", random.Next(3) == 0 ? $"i{random.Next(1000)}-{i}" : null, [.. counts.Keys.Where(_ => random.Next(3) > 0)])
                {
                    // Claims may overlap, be of old generations, or name what is gone.
                    Owned = [.. all.Where(_ => random.Next(4) == 0), .. random.Next(5) == 0 ? [new TopicPartition("gone", 0)] : Array.Empty<TopicPartition>()],
                    Generation = random.Next(3, 6),
                });
            }

            try
            {
                check(random, members, counts);
            }
            catch (Exception e)
            {
                throw new Xunit.Sdk.XunitException($"seed {seed}: {e.Message}", e);
            }
        }
    }

    private static List<GroupMember> Owning(GroupAssignment assignment, IEnumerable<GroupMember>? members = null) =>
        (members ?? assignment.ByMember.Keys.Select(id => new GroupMember(id, null, ["t"])))
        .Select(member => member with { Owned = assignment[member.Id], Generation = 7 }).ToList();

    private static List<GroupMember> Members(string ids, params string[] topics) =>
        ids.Split(' ').Select(id => new GroupMember(id, null, topics.Length == 0 ? ["t"] : topics)).ToList();

    private static Dictionary<string, int> Count(params (string Topic, int Partitions)[] topics) =>
        topics.ToDictionary(topic => topic.Topic, topic => topic.Partitions, StringComparer.Ordinal);

    private static string Show(GroupAssignment assignment, bool named = false) => string.Join('|', assignment.ByMember
        .OrderBy(member => member.Key, StringComparer.Ordinal)
        .Select(member => $"{member.Key}:{string.Join(' ', member.Value.Select(partition => (named ? partition.Topic : "") + partition.Partition))}"));
}
