using Akka.Cluster;
using Akka.Cluster.Tools.Singleton;
using static Akka.Embedded.Tests.Cluster.Membership;

namespace Akka.Embedded.Tests.Cluster;

/// <summary>The manager's decisions, one member at a time, and several of them with messages in any order.</summary>
public sealed class ClusterSingletonCoreSpec
{
    private static string[] Take(SingletonCore core)
    {
        string[] effects = [.. core.Effects.Select(e => e switch
        {
            SingletonEffect.Send send => $"{send.Message} -> {send.To.Port}",
            SingletonEffect.SetTimer timer => $"timer {timer.Timer} {timer.Attempt}",
            SingletonEffect.CancelTimer => "",
            SingletonEffect.Fail => "fail",
            _ => e.GetType().Name,
        }).Where(e => e.Length > 0)];
        core.Effects.Clear();
        return effects;
    }

    private static SingletonCore Start(UniqueAddress self, params Member[] members)
    {
        var core = new SingletonCore(self, role: null, maxHandOverRetries: 5);
        core.Start(members);
        return core;
    }

    [Fact]
    public void The_oldest_starts_it_and_the_others_wait()
    {
        Assert.Equal(["StartSingleton"], Take(Start(A, A.Up(), B.Up())));
        var b = Start(B, A.Up(), B.Up());
        Assert.Empty(Take(b));
        Assert.Equal(ClusterSingletonState.Younger, b.State);
    }

    [Fact]
    public void A_member_whose_elder_is_on_its_way_out_asks_it_first()
    {
        var b = Start(B, A.Is(MemberStatus.Exiting), B.Up());
        Assert.Equal(["ToMe -> 1", "timer HandOver 1"], Take(b));
        b.OnHandOver(HandOver.Done, C.Address, C, leaving: false);
        Assert.Empty(Take(b));
        b.OnHandOver(HandOver.Done, A.Address, A, leaving: false);
        Assert.Equal(["StartSingleton"], Take(b));
    }

    [Fact]
    public void Everyone_before_is_asked_one_after_the_other()
    {
        // Both elders leave, and the younger hears of the second first.
        var c = Start(C, A.Up(), B.Up(), C.Up());
        c.OnMemberExited(B.Is(MemberStatus.Exiting));
        Assert.Empty(Take(c));
        c.OnMemberExited(A.Is(MemberStatus.Exiting));
        Assert.Equal(["ToMe -> 1", "timer HandOver 1"], Take(c));
        c.OnHandOver(HandOver.Done, A.Address, A, leaving: false);
        Assert.Equal(["ToMe -> 2", "timer HandOver 1"], Take(c));
        c.OnHandOver(HandOver.Done, B.Address, B, leaving: false);
        Assert.Equal(["StartSingleton"], Take(c));
    }

    [Fact]
    public void Who_leaves_and_has_let_a_younger_one_go_first_never_starts_it()
    {
        var b = Start(B, A.Up(), B.Up(), C.Up());
        b.OnHandOver(HandOver.ToMe, C.Address, C, leaving: true);
        Assert.Equal(["Done -> 3"], Take(b));
        b.OnMemberExited(A.Is(MemberStatus.Exiting));
        b.OnHandOver(HandOver.Done, A.Address, A, leaving: true);
        Assert.DoesNotContain("StartSingleton", Take(b));
    }

    [Fact]
    public void When_all_leave_at_once_the_oldest_waits_for_nobody_to_take_over()
    {
        var a = Start(A, A.Up(), B.Up(), C.Up());
        a.OnSelfExiting();
        Assert.Equal(["StartSingleton", "TakeOverFromMe -> 2", "timer TakeOver 1"], Take(a));
        a.OnMemberExited(B.Is(MemberStatus.Exiting));
        Assert.Equal(["TakeOverFromMe -> 3", "timer TakeOver 1"], Take(a));
        a.OnMemberExited(C.Is(MemberStatus.Exiting));
        Assert.Equal(["TerminateSingleton"], Take(a));
    }

    [Fact]
    public void A_hand_over_in_order()
    {
        var a = Start(A, A.Up(), B.Up());
        var b = Start(B, A.Up(), B.Up());
        Take(a);
        a.OnSelfExiting();
        Assert.Equal(["TakeOverFromMe -> 2", "timer TakeOver 1"], Take(a));
        b.OnMemberExited(A.Is(MemberStatus.Exiting));
        Assert.Equal(["ToMe -> 1", "timer HandOver 1"], Take(b));
        a.OnHandOver(HandOver.ToMe, B.Address, B, leaving: true);
        Assert.Equal(["InProgress -> 2", "TerminateSingleton"], Take(a));
        a.OnSingletonTerminated();
        Assert.Equal(["ConfirmExit", "Done -> 2"], Take(a));
        Assert.Equal(ClusterSingletonState.End, a.State);
        b.OnHandOver(HandOver.Done, A.Address, A, leaving: false);
        Assert.Equal(["StartSingleton"], Take(b));
        a.OnMemberRemoved(A);
        Assert.Equal(["Stop"], Take(a));
    }

    [Fact]
    public void After_a_crash_it_starts_when_the_removal_has_settled()
    {
        var b = Start(B, A.Up(), B.Up());
        Assert.True(b.OnMemberRemoved(A));
        Assert.Equal(["ToMe -> 1", "timer HandOver 1"], Take(b));
        b.OnRemovalSettled(A);
        Assert.Equal(["StartSingleton"], Take(b));
    }

    [Fact]
    public void All_who_may_run_it_must_be_gone()
    {
        // C became oldest only after A and B: both are asked for, one after the other.
        var c = Start(C, A.Up(), B.Up(), C.Up());
        Assert.True(c.OnMemberRemoved(A));
        Assert.True(c.OnMemberRemoved(B));
        Take(c);
        c.OnRemovalSettled(A);
        Assert.Empty(Take(c));
        c.OnRemovalSettled(B);
        Assert.Equal(["StartSingleton"], Take(c));
    }

    [Fact]
    public void A_node_whose_cluster_ends_takes_nothing_over()
    {
        var b = Start(B, A.Up(), B.Up());
        b.OnClusterEnding();
        b.OnMemberRemoved(A);
        b.OnRemovalSettled(A);
        Assert.Empty(Take(b));
        b.OnMemberRemoved(B);
        Assert.Equal(["Stop"], Take(b));
    }

    /// <summary>A node that was downed asked the oldest to hand over before it stopped, and nobody ran it any more.</summary>
    [Fact]
    public void Who_is_no_member_any_more_is_handed_nothing()
    {
        var a = Start(A, A.Up(), B.Up());
        Take(a);
        a.OnHandOver(HandOver.ToMe, B.Address, member: null, leaving: false);
        Assert.Empty(Take(a));
        Assert.Equal(ClusterSingletonState.Oldest, a.State);
    }

    [Fact]
    public void A_downed_member_stops_its_singleton_first()
    {
        var a = Start(A, A.Up(), B.Up());
        Take(a);
        a.OnSelfDowned();
        Assert.Equal(["TerminateSingleton"], Take(a));
        a.OnSingletonTerminated();
        Assert.Equal(["Stop"], Take(a));
    }

    [Fact]
    public void A_hand_over_without_an_answer_fails_after_its_retries()
    {
        var b = Start(B, A.Is(MemberStatus.Leaving), B.Up());
        b.OnMemberExited(A.Is(MemberStatus.Exiting));
        for (var attempt = 1; attempt <= 5; attempt++)
        {
            Take(b);
            b.OnTimer(SingletonTimer.HandOver, attempt);
            Assert.Equal(["ToMe -> 1", $"timer HandOver {attempt + 1}"], Take(b));
        }

        b.OnTimer(SingletonTimer.HandOver, 6);
        Assert.Equal(["fail"], Take(b));
    }

    /// <summary>
    /// Members of one cluster leave one after the other, with messages lost, repeated and late: there are never two singletons, and in the end the
    /// last member runs it.
    /// </summary>
    [Fact]
    public void There_is_never_more_than_one()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            UniqueAddress[] nodes = [A, B, C];
            Member[] members = [A.Up(), B.Up(), C.Up()];
            var cores = nodes.ToDictionary(n => n, n => Start(n, members));
            var running = new HashSet<UniqueAddress>();
            var ending = new HashSet<UniqueAddress>();
            var leaving = new HashSet<UniqueAddress>();
            var due = new List<Action>();
            Perform();
            foreach (var leaver in (UniqueAddress[])[A, B])
            {
                leaving.Add(leaver);
                cores[leaver].OnSelfExiting();
                foreach (var other in nodes)
                    due.Add(() => cores[other].OnMemberExited(leaver.Is(MemberStatus.Exiting)));
                for (var i = 0; i < 400 && !(cores[leaver].State is ClusterSingletonState.End or ClusterSingletonState.Stopping && running.Count == 1 && !running.Contains(leaver)); i++)
                    Step();
                Assert.True(running.Count == 1 && !running.Contains(leaver), $"seed {seed}: {leaver.Address.Port} did not hand over, running {string.Join(',', running.Select(r => r.Address.Port))}");
            }

            Assert.Equal([C], running);

            void Step()
            {
                Perform();
                if (due.Count == 0)
                {
                    // What was lost is asked again.
                    foreach (var core in cores.Values)
                    {
                        core.OnTimer(SingletonTimer.HandOver, 1);
                        core.OnTimer(SingletonTimer.TakeOver, 1);
                    }
                }
                else
                {
                    var at = random.Next(due.Count);
                    var next = due[at];
                    due.RemoveAt(at);
                    next();
                }

                Perform();
                Assert.True(running.Count <= 1, $"seed {seed}: two singletons");
            }

            void Perform()
            {
                foreach (var (node, core) in cores)
                {
                    foreach (var effect in core.Effects.ToArray())
                    {
                        switch (effect)
                        {
                            case SingletonEffect.StartSingleton:
                                Assert.True(running.Add(node));
                                break;
                            case SingletonEffect.TerminateSingleton when ending.Add(node):
                                due.Add(() =>
                                {
                                    running.Remove(node);
                                    core.OnSingletonTerminated();
                                });
                                break;
                            case SingletonEffect.Send send:
                                var to = nodes.First(n => n.Address.Equals(send.To));
                                for (var copies = random.Next(4) switch { 0 => 0, 1 => 2, _ => 1 }; copies > 0; copies--)
                                    due.Add(() => cores[to].OnHandOver(send.Message, node.Address, node, leaving.Contains(to)));
                                break;
                        }
                    }

                    core.Effects.Clear();
                }
            }
        }
    }
}
