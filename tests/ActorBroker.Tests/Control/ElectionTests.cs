using ActorBroker.Log;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Tests.Control;

/// <summary>Who leads after what: KIP-966 step by step, restarts, power losses, lost disks, elections on command. Standings read "leader / isr / eligible".</summary>
public class ElectionTests
{
    private const string MinInsync = "min.insync.replicas";
    private const string Unclean = "unclean.leader.election.enable";

    [Fact]
    public void Those_who_leave_below_the_minimum_stand_by_and_the_last_leads_again()
    {
        var script = new ControllerScript(brokers: 3);
        script.Create("t", [1, 2, 3]);
        Assert.Equal("1 / 1,2,3 / ", script.Standing("t"));
        script.Fence(1);
        Assert.Equal("2 / 2,3 / ", script.Standing("t"));
        script.Fence(2);
        Assert.Equal("3 / 3 / 2", script.Standing("t"));
        script.Fence(3);
        Assert.Equal("?3 /  / 2,3", script.Standing("t"));

        // 1 left while enough others were in sync: it may lack what they committed.
        script.Beat(1);
        Assert.Equal("?3 /  / 2,3", script.Standing("t"));
        script.Beat(2);
        Assert.Equal("2 / 2 / 3", script.Standing("t"));
        script.Beat(3);
        Assert.Equal(ErrorCode.None, script.Propose("t", [2, 3]).Error);
        Assert.Equal("2 / 2,3 / ", script.Standing("t"));
    }

    [Fact]
    public void A_process_that_died_keeps_its_place_and_a_machine_that_went_down_loses_it()
    {
        var script = new ControllerScript(brokers: 3);
        script.Create("t", [1, 2, 3]);
        script.Fence(1);
        script.Fence(2);
        script.Register(2, clean: false, boot: "boot"); // the machine's page cache is still there
        Assert.Equal("3 / 3 / 2", script.Standing("t"));
        script.Register(2, clean: false, boot: "another");
        Assert.Equal("3 / 3 / ", script.Standing("t"));
    }

    [Fact]
    public void Where_machines_do_not_name_their_runs_an_unclean_stop_is_taken_for_a_loss()
    {
        var script = new ControllerScript(brokers: 3);
        script.Create("t", [1, 2, 3]);
        script.Fence(1);
        script.Fence(2);
        Assert.Equal("3 / 3 / 2", script.Standing("t"));
        script.Register(2, clean: false, boot: null);
        Assert.Equal("3 / 3 / ", script.Standing("t"));
    }

    [Fact]
    public void With_nobody_left_who_surely_has_all_only_the_last_leader_leads_again()
    {
        var script = new ControllerScript(brokers: 3);
        script.Create("t", [1, 2, 3]);
        foreach (var id in (int[])[3, 2, 1]) script.Fence(id);
        Assert.Equal("?1 /  / 1,2", script.Standing("t"));
        script.Start(2, clean: false, boot: "power came back");
        Assert.Equal("?1 /  / 1", script.Standing("t"));
        script.Start(1, clean: false, boot: "power came back");
        Assert.Equal("1 / 1 / ", script.Standing("t"));
    }

    [Fact]
    public void A_last_leader_whose_disk_is_gone_does_not_lead()
    {
        var script = new ControllerScript(brokers: 2);
        script.Create("t", [1, 2], (MinInsync, "2"));
        script.Fence(2);
        script.Fence(1);
        script.Start(1, directory: 1);
        Assert.Equal("- /  / 2", script.Standing("t"));
        script.Start(2, directory: 1);
        Assert.Equal("- /  / ", script.Standing("t"));
        Assert.Equal(ErrorCode.None, script.Elect(ElectionKind.Unclean, "t"));
        Assert.Equal("1 / 1 / ", script.Standing("t"));
    }

    [Fact]
    public void Another_data_folder_of_a_broker_that_runs_has_to_wait_until_that_is_gone()
    {
        var script = new ControllerScript(brokers: 2);
        Assert.IsType<ControllerUnavailable>(script.Register(2, directory: 1));
        Assert.True(script.Image.Brokers[new BrokerId(2)].IsActive);
        script.Fence(2);
        Assert.IsType<BrokerAccepted>(script.Register(2, directory: 1));
    }

    [Fact]
    public void Anybody_alive_leads_where_that_is_allowed_and_as_soon_as_it_is()
    {
        var script = new ControllerScript(brokers: 3);
        script.Create("careful", [1, 2, 3]);
        script.Create("careless", [1, 2, 3], (Unclean, "true"));
        script.Fence(3);
        script.Fence(2);
        script.Beat(3);
        script.Fence(1);
        Assert.Equal("?1 /  / 1,2", script.Standing("careful"));
        Assert.Equal("3 / 3 / ", script.Standing("careless"));
        script.Configure("careful", Unclean, "true");
        Assert.Equal("3 / 3 / ", script.Standing("careful"));
    }

    [Fact]
    public void Another_minimum_clears_those_who_stand_by()
    {
        var script = new ControllerScript(brokers: 3);
        script.Create("t", [1, 2, 3]);
        script.Fence(3);
        script.Fence(2);
        Assert.Equal("1 / 1 / 2", script.Standing("t"));
        script.Configure("t", MinInsync, "3");
        Assert.Equal("1 / 1 / ", script.Standing("t"));
    }

    [Fact]
    public void Another_minimum_of_an_offline_partition_keeps_those_who_surely_have_all()
    {
        var script = new ControllerScript(brokers: 3);
        script.Create("t", [1, 2, 3]);
        foreach (var id in (int[])[3, 2, 1]) script.Fence(id);
        script.Configure("t", MinInsync, "1");
        Assert.Equal("?1 /  / 1,2", script.Standing("t"));
    }

    [Fact]
    public void The_preferred_leader_is_elected_on_command_once_it_is_in_sync()
    {
        var script = new ControllerScript(brokers: 3);
        script.Create("t", [1, 2, 3]);
        Assert.Equal(ErrorCode.ElectionNotNeeded, script.Elect(ElectionKind.Preferred, "t"));
        script.Fence(1);
        Assert.Equal(ErrorCode.PreferredLeaderNotAvailable, script.Elect(ElectionKind.Preferred, "t"));
        script.Beat(1);
        Assert.Equal(ErrorCode.PreferredLeaderNotAvailable, script.Elect(ElectionKind.Preferred, "t"));
        script.Propose("t", [1, 2, 3]);
        Assert.Equal("2 / 1,2,3 / ", script.Standing("t"));
        Assert.Equal(ErrorCode.None, script.Elect(ElectionKind.Preferred, "t"));
        Assert.Equal("1 / 1,2,3 / ", script.Standing("t"));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, script.Elect(ElectionKind.Preferred, "u"));
        Assert.Equal(ErrorCode.ElectionNotNeeded, script.Elect(ElectionKind.Unclean, "t"));
        Assert.Empty(((ElectionResults)script.Do(new ElectLeaders(ElectionKind.Preferred, default))).Results);
    }

    [Theory]
    [InlineData(49, "1")]
    [InlineData(50, "2")]
    public void Leaders_are_given_back_when_more_than_the_percentage_are_elsewhere(int percentage, string leader)
    {
        var script = new ControllerScript(brokers: 2, percentage);
        script.Create("a", [1, 2], (MinInsync, "1"));
        script.Create("b", [1, 2], (MinInsync, "1"));
        script.Fence(1);
        script.Beat(1);
        script.Propose("a", [1, 2]);
        script.Propose("b", [1, 2]);
        script.Elect(ElectionKind.Preferred, "b");
        script.Rebalance();
        Assert.Equal($"{leader} / 1,2 / ", script.Standing("a"));
    }

    [Fact]
    public void A_broker_that_stops_gives_up_its_leaders_and_may_stop_when_the_others_know()
    {
        var script = new ControllerScript(brokers: 3);
        script.Create("t", [1, 2, 3]);
        Assert.False(script.Beat(1, wantsShutdown: true).MayShutDown);
        Assert.Equal("2 / 2,3 / ", script.Standing("t"));
        Assert.Equal(ErrorCode.IneligibleReplica, script.Propose("t", [1, 2, 3]).Error);
        Assert.False(script.Beat(1, wantsShutdown: true).MayShutDown);
        Assert.True(script.Beat(1, wantsShutdown: true, othersKnow: true).MayShutDown);
        Assert.True(script.Image.Brokers[new BrokerId(1)].Fenced);
        script.Beat(1); // a late one does not bring it back
        Assert.True(script.Image.Brokers[new BrokerId(1)].Fenced);
        script.Start(1);
        Assert.Equal(ErrorCode.None, script.Propose("t", [1, 2, 3]).Error);
    }

    [Fact]
    public void The_last_broker_stops_at_once_and_leads_again_when_it_returns()
    {
        var script = new ControllerScript(brokers: 1);
        script.Create("t", [1]);
        Assert.True(script.Beat(1, wantsShutdown: true).MayShutDown);
        Assert.Equal("?1 /  / 1", script.Standing("t"));
        script.Start(1);
        Assert.Equal("1 / 1 / ", script.Standing("t"));
    }

    [Fact]
    public void A_broker_is_forgotten_only_when_it_is_gone_and_holds_nothing()
    {
        var script = new ControllerScript(brokers: 2);
        script.Create("t", [2]);
        ErrorCode Unregister(int id) => ((UnregisterResult)script.Do(new UnregisterBroker(new BrokerId(id)))).Error;
        Assert.Equal(ErrorCode.BrokerIdNotRegistered, Unregister(3));
        Assert.Equal(ErrorCode.InvalidRequest, Unregister(1));
        script.Fence(1, 2);
        Assert.Equal(ErrorCode.InvalidRequest, Unregister(2));
        Assert.Equal(ErrorCode.None, Unregister(1));
        Assert.Single(script.Image.Brokers);
    }
}
