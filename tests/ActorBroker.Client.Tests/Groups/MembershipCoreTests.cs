using ActorBroker.Log;
using ActorBroker.Protocol;
using static ActorBroker.Client.Tests.TestClusters;

namespace ActorBroker.Client.Tests.Groups;

/// <summary>Members against a naive coordinator: single scenarios, and random ones with everything going wrong.</summary>
public class MembershipCoreTests
{
    private static readonly AssignmentStrategy[][] Lists =
    [
        [AssignmentStrategy.Range, AssignmentStrategy.CooperativeSticky], [AssignmentStrategy.RoundRobin], [AssignmentStrategy.Sticky], [AssignmentStrategy.CooperativeSticky],
    ];

    [Fact]
    public void Members_share_and_an_eager_group_gives_everything_up_first()
    {
        var world = new MembershipSimulation(1, AssignmentStrategy.Range);
        world.Calm();
        var first = world.Start();
        world.Run(Ms(2000));
        Assert.Equal(["1: +8 =8"], first.Story);
        var second = world.Start();
        world.Run(Ms(6000));
        Assert.Equal(["1: +8 =8", "1: -8", "2: +5 =5"], first.Story);
        Assert.Equal(["2: +3 =3"], second.Story);
    }

    [Fact]
    public void A_cooperative_group_gives_up_only_what_moves_and_hands_it_on_in_a_second_round()
    {
        var world = new MembershipSimulation(1, AssignmentStrategy.CooperativeSticky);
        world.Calm();
        var first = world.Start();
        world.Run(Ms(2000));
        var second = world.Start();
        world.Run(Ms(6000));
        Assert.Equal(["1: +8 =8", "2: +0 =4", "2: -4", "3: +0 =4"], first.Story);
        Assert.Equal(["2: +0 =0", "3: +4 =4"], second.Story);
    }

    [Theory]
    [InlineData(AssignmentStrategy.Range)]
    [InlineData(AssignmentStrategy.CooperativeSticky)]
    public void A_killed_members_partitions_are_taken_over_within_its_session_timeout_and_one_rebalance(AssignmentStrategy strategy)
    {
        var world = new MembershipSimulation(2, strategy);
        world.Calm();
        var survivor = world.Start();
        var victim = world.Start();
        world.Run(Ms(6000));
        Assert.Equal(8, victim.Reading.Count + survivor.Reading.Count);
        victim.Crash();
        // 10 s of session, a heartbeat until the survivor hears of it, its drain, and some messages.
        world.Run(Ms(6000 + 10_000 + 1_000 + 30 + 8 * 50));
        Assert.Equal(8, survivor.Reading.Count);
    }

    [Fact]
    public void A_static_member_that_comes_back_in_time_moves_nothing_and_its_ghost_is_shut_out()
    {
        var world = new MembershipSimulation(3, AssignmentStrategy.Range);
        world.Calm();
        var stays = world.Start("one");
        var ghost = world.Start("two");
        world.Run(Ms(6000));
        var had = ghost.Reading.ToHashSet();
        var back = world.Start("two");
        world.Run(Ms(12_000));
        Assert.Equal(had.Count, back.Reading.Count);
        Assert.Equal("failed FencedInstanceId", ghost.Story[^1]);
        Assert.Empty(ghost.Reading);
        Assert.Equal(8, stays.Reading.Count + back.Reading.Count);
    }

    [Fact]
    public void A_target_that_hangs_costs_the_membership_until_it_answers()
    {
        var world = new MembershipSimulation(4, AssignmentStrategy.CooperativeSticky);
        world.Calm();
        var hangs = world.Start();
        var other = world.Start();
        world.Run(Ms(6000));
        hangs.Do(core => core.OnPollTimeout(world.Now));
        Assert.Equal("lost 4", hangs.Story[^1]);
        world.Run(Ms(10_000));
        Assert.Equal((8, 0), (other.Reading.Count, hangs.Reading.Count));
        Assert.Single(world.Coordinator.Members);
        hangs.Do(core => core.OnPolled(world.Now));
        world.Run(Ms(16_000));
        Assert.Equal((4, 4), (other.Reading.Count, hangs.Reading.Count));
    }

    [Fact]
    public void New_partitions_are_noticed_by_the_leader_and_a_new_subscription_by_its_member()
    {
        var world = new MembershipSimulation(5, AssignmentStrategy.CooperativeSticky);
        world.Calm();
        var (one, two) = (world.Start(), world.Start());
        world.Run(Ms(6000));
        world.Topics["b"] = 9;
        foreach (var member in world.Members)
            member.Do(core => core.OnMetadata(world.Image(), world.Now));
        world.Run(Ms(12_000));
        Assert.Equal((7, 7), (one.Reading.Count, two.Reading.Count));
        two.Do(core => core.Subscribe(["a"], world.Now));
        world.Run(Ms(20_000));
        Assert.All(two.Reading, partition => Assert.Equal("a", partition.Topic));
        Assert.Equal(14, one.Reading.Count + two.Reading.Count);
    }

    [Fact]
    public void What_the_coordinator_refuses_for_good_is_said_and_not_tried_again()
    {
        var effects = new List<GroupEffect>();
        var settings = Consumer().WithGroup("g").Subscribe("t");
        var (ids, random) = (new RequestIds(), new Random(1));
        var finder = new CoordinatorFinder(settings, ids, random, effects);
        var core = new MembershipCore(settings, finder, ids, random, effects);
        core.Subscribe(["t"], Ms(1));
        finder.TryTake(Sent<FindCoordinatorRequest>(effects), new FindCoordinatorResponse { Coordinators = [new FindCoordinatorResponse.Coordinator { NodeId = 1 }] }, Ms(2));
        core.Advance(Ms(2));
        core.TryTake(Sent<JoinGroupRequest>(effects), new JoinGroupResponse { ErrorCode = ErrorCode.GroupAuthorizationFailed }, Ms(3));
        Assert.Equal(ErrorCode.GroupAuthorizationFailed, Assert.IsType<GroupEffect.Failed>(Assert.Single(effects)).Error);
        effects.Clear();
        core.Advance(Ms(100_000));
        Assert.Empty(effects);
        Assert.Equal(TimeSpan.MaxValue, core.NextWakeup);
    }

    [Fact]
    public void A_missing_coordinator_is_sought_with_growing_pauses_and_reported_once()
    {
        var effects = new List<GroupEffect>();
        var settings = Consumer().WithGroup("g").Subscribe("t");
        var (ids, random) = (new RequestIds(), new Random(1));
        var finder = new CoordinatorFinder(settings, ids, random, effects);
        var core = new MembershipCore(settings, finder, ids, random, effects);
        var (now, asked, reports) = (Ms(1), 0, 0);
        core.Subscribe(["t"], now);
        for (; now < Ms(20_000); now += Ms(10))
        {
            core.Advance(now);
            foreach (var send in effects.OfType<GroupEffect.Send>().ToArray())
            {
                asked++;
                finder.TryTake(send.RequestId, new FindCoordinatorResponse { Coordinators = [new FindCoordinatorResponse.Coordinator { ErrorCode = ErrorCode.CoordinatorNotAvailable }] }, now);
            }

            reports += effects.OfType<GroupEffect.Failed>().Count(failed => !failed.IsFinal);
            effects.Clear();
        }

        Assert.Equal(1, reports);
        Assert.InRange(asked, 15, 40);
    }

    [Fact]
    public void Whatever_happens_no_partition_has_two_readers_in_a_generation_and_each_has_one_in_the_end()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            try
            {
                RunAtRandom(seed);
            }
            catch (Exception e)
            {
                throw new Xunit.Sdk.XunitException($"seed {seed}: {e}", e);
            }
        }
    }

    private static void RunAtRandom(int seed)
    {
        var world = new MembershipSimulation(seed, Lists[seed % Lists.Length]);
        for (var i = 0; i < 3; i++)
            world.At(world.Some(3000), () => world.Start());
        world.At(Ms(0), () => world.Start("static"));
        for (var i = 0; i < 25; i++)
            world.At(world.Some(120_000), () => Disturb(world));
        world.Run(Ms(120_000));
        world.Calm();
        foreach (var member in world.Members)
            member.Do(core => core.OnPolled(world.Now));
        if (!world.Members.Exists(IsWorking))
            world.Start();
        world.Run(Ms(200_000));
        var wanted = world.Topics.Sum(topic => topic.Value);
        var read = world.Members.SelectMany(member => member.Reading).ToList();
        Assert.True(read.Count == wanted && read.Distinct().Count() == wanted, $"{read.Count} of {wanted} are read: " + string.Join(" | ", world.Members.Where(IsWorking).Select(member => $"{member.Core.MemberId} gen {member.Core.Generation} {string.Join(',', member.Story.TakeLast(4))}")));
    }

    private static bool IsWorking(SimulatedMember member) => member.IsAlive && !member.Core.IsOver;

    private static void Disturb(MembershipSimulation world)
    {
        var working = world.Members.FindAll(IsWorking);
        var victim = working.Count == 0 ? null : working[(int)(world.Some(1000).TotalMilliseconds) % working.Count];
        switch ((int)world.Some(9000).TotalSeconds)
        {
            case 0 or 1:
                world.Start();
                break;
            case 2:
                world.Start("static");
                break;
            case 3:
                victim?.Crash();
                break;
            case 4:
                victim?.Leave();
                break;
            case 5 when victim is not null:
                victim.Do(core => core.OnPollTimeout(world.Now));
                world.At(world.Some(20_000), () => victim.Do(core => core.OnPolled(world.Now)));
                break;
            case 6 when victim is not null:
                victim.Drain = world.Some(15_000);
                break;
            case 7:
                world.Topics["b"]++;
                world.At(Ms(0), () => world.Members.ForEach(member => member.Do(core => core.OnMetadata(world.Image(), world.Now))));
                break;
            default:
                world.FailOver();
                break;
        }
    }

    private static long Sent<T>(List<GroupEffect> effects)
    {
        var id = effects.OfType<GroupEffect.Send>().Single(send => send.Request is T).RequestId;
        effects.Clear();
        return id;
    }
}
