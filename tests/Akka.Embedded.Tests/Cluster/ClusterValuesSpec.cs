using System.Collections.Immutable;
using Akka.Cluster;
using static Akka.Embedded.Tests.Cluster.Membership;

namespace Akka.Embedded.Tests.Cluster;

/// <summary>Vector clocks, reachability and merged gossips: tables, and laws over seeded chance.</summary>
public sealed class ClusterValuesSpec
{
    private static VectorClock Clock(string counts)
    {
        var clock = VectorClock.Create();
        foreach (var c in counts)
            clock = clock.Increment(VectorClock.Node.Create(c.ToString()));
        return clock;
    }

    [Theory]
    [InlineData("", "", VectorClock.Ordering.Same)]
    [InlineData("a", "", VectorClock.Ordering.After)]
    [InlineData("", "a", VectorClock.Ordering.Before)]
    [InlineData("ab", "ba", VectorClock.Ordering.Same)]
    [InlineData("aab", "ab", VectorClock.Ordering.After)]
    [InlineData("a", "b", VectorClock.Ordering.Concurrent)]
    [InlineData("aab", "abb", VectorClock.Ordering.Concurrent)]
    [InlineData("abc", "abcc", VectorClock.Ordering.Before)]
    public void Clocks_compare(string left, string right, VectorClock.Ordering expected) => Assert.Equal(expected, Clock(left).CompareTo(Clock(right)));

    [Fact]
    public void A_merged_clock_is_the_least_that_holds_both()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            string Some() => new([.. Enumerable.Range(0, random.Next(6)).Select(_ => (char)('a' + random.Next(4)))]);
            VectorClock x = Clock(Some()), y = Clock(Some()), z = Clock(Some());
            var merged = x.Merge(y);
            Assert.Equal(merged, y.Merge(x));
            Assert.Equal(merged.Merge(z), x.Merge(y.Merge(z)));
            Assert.Equal(merged, merged.Merge(x));
            Assert.False(x > merged || y > merged);
            Assert.Equal(x.IsAfter(y), y.IsBefore(x));
            Assert.True(x.Increment(VectorClock.Node.Create("a")) > x);
        }
    }

    [Fact]
    public void What_one_observer_suspects_all_take_for_unreachable()
    {
        var r = Reachability.Empty.Unreachable(A, C);
        Assert.False(r.IsReachable(C));
        Assert.True(r.IsReachable(B, C));
        Assert.Equal([A], r.AllObservers);
        Assert.True(r.Reachable(A, C).IsAllReachable);
        Assert.False(r.Unreachable(B, C).Reachable(A, C).IsReachable(C));
    }

    [Fact]
    public void Terminated_is_for_good()
    {
        var r = Reachability.Empty.Terminated(A, C);
        Assert.Same(r, r.Reachable(A, C));
        Assert.Same(r, r.Unreachable(A, C));
        Assert.Empty(r.AllUnreachableFrom(A));
        Assert.Equal([C], r.AllUnreachableOrTerminated);
    }

    [Fact]
    public void A_merge_takes_each_observers_latest_word()
    {
        var before = Reachability.Empty.Unreachable(A, C);
        var healed = before.Reachable(A, C);
        ImmutableHashSet<UniqueAddress> all = [A, B, C];
        Assert.True(before.Merge(all, healed).IsAllReachable);
        Assert.True(healed.Merge(all, before).IsAllReachable);
        var other = Reachability.Empty.Unreachable(B, C);
        Assert.Equal([A, B], before.Merge(all, other).AllObservers.Order());
        // Who is no member any more is forgotten.
        Assert.True(before.Merge(new HashSet<UniqueAddress> { A, B }, other).IsAllReachable);
    }

    public static TheoryData<MemberStatus, MemberStatus, MemberStatus> Merges => new()
    {
        { MemberStatus.Joining, MemberStatus.Up, MemberStatus.Up },
        { MemberStatus.Joining, MemberStatus.WeaklyUp, MemberStatus.WeaklyUp },
        { MemberStatus.WeaklyUp, MemberStatus.Up, MemberStatus.Up },
        { MemberStatus.Up, MemberStatus.Leaving, MemberStatus.Leaving },
        { MemberStatus.Leaving, MemberStatus.Exiting, MemberStatus.Exiting },
        { MemberStatus.Exiting, MemberStatus.Down, MemberStatus.Down },
        { MemberStatus.Down, MemberStatus.Up, MemberStatus.Down },
    };

    [Theory]
    [MemberData(nameof(Merges))]
    public void Of_two_statuses_the_one_further_on_wins(MemberStatus one, MemberStatus other, MemberStatus wins)
    {
        Assert.Equal(wins, Of(A.Is(one)).Merge(Of(A.Is(other))).StatusOf(A));
        Assert.Equal(wins, Of(A.Is(other)).Merge(Of(A.Is(one))).StatusOf(A));
    }

    [Fact]
    public void A_member_only_one_side_knows_has_joined_or_been_removed()
    {
        var merged = Of(A.Up(), B.Is(MemberStatus.Joining)).Merge(Of(A.Up(), C.Is(MemberStatus.Down), D.Is(MemberStatus.Exiting)));
        Assert.Equal([A, B], merged.Members.Select(m => m.UniqueAddress));
    }

    [Fact]
    public void Merged_gossips_agree_whatever_the_order()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            Gossip Some()
            {
                var gossip = Gossip.Empty;
                foreach (var node in (UniqueAddress[])[A, B, C, D])
                    if (random.Next(4) > 0)
                        gossip = gossip.WithMembers([node.Is((MemberStatus)random.Next(5), random.Next(1, 4))]).ChangedBy(A);
                var members = gossip.Members.Select(m => m.UniqueAddress).ToArray();
                for (var i = 0; i < 3 && members.Length > 1; i++)
                {
                    // An observer's row at a version is the same everywhere: each gossip here has observers of its own.
                    var observer = members[random.Next(members.Length)];
                    var subject = members[random.Next(members.Length)];
                    gossip = gossip.With(r => r.AllObservers.Contains(observer) ? r : r.Unreachable(observer, subject));
                }

                return gossip.ChangedBy(members.Length > 0 ? members[0] : A);
            }

            Gossip x = Some(), y = Some();
            var xy = x.Merge(y);
            var yx = y.Merge(x);
            Assert.Equal(xy.Members.Select(m => (m.UniqueAddress, m.Status, m.UpNumber)), yx.Members.Select(m => (m.UniqueAddress, m.Status, m.UpNumber)));
            Assert.Equal(xy.Version, yx.Version);
            Assert.Empty(xy.SeenBy);
            Assert.All(xy.Reachability.AllUnreachableOrTerminated, n => Assert.True(xy.Has(n)));
            Assert.Equal(xy.Members.Count, xy.Merge(xy).Members.Count + xy.Members.Count(m => Member.IsRemovable(m.Status) && !xy.Has(m.UniqueAddress)));
        }
    }

    [Fact]
    public void Age_goes_by_the_number_then_the_address()
    {
        Assert.True(B.Is(MemberStatus.Up, 1).IsOlderThan(A.Is(MemberStatus.Up, 2)));
        Assert.True(A.Is(MemberStatus.Up, 1).IsOlderThan(B.Is(MemberStatus.Up, 1)));
        Assert.Throws<InvalidOperationException>(() => A.Is(MemberStatus.Down).Copy(MemberStatus.Up));
    }

    [Fact]
    public void Everyone_on_the_heartbeat_ring_is_watched_by_as_many_as_asked()
    {
        UniqueAddress[] nodes = [.. Enumerable.Range(1, 20).Select(i => Node(i, i * 31))];
        HeartbeatRing Ring(UniqueAddress self) => nodes.Aggregate(HeartbeatRing.Of(self, 4), (ring, node) => ring.With(node));
        var watched = nodes.SelectMany(n => Ring(n).Receivers).CountBy(n => n).ToArray();
        Assert.Equal(20, watched.Length);
        Assert.All(watched, w => Assert.Equal(4, w.Value));
        // One that can't be reached keeps being asked, and another takes its place.
        var ring = Ring(nodes[0]);
        var lost = ring.Receivers.First();
        var after = ring.WithUnreachable(lost).Receivers;
        Assert.Equal(5, after.Count);
        Assert.Contains(lost, after);
        Assert.Equal(ring.Receivers.Order(), ring.WithUnreachable(lost).WithReachable(lost).Receivers.Order());
    }
}
