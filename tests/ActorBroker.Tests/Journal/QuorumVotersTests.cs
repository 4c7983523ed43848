using ActorBroker.Journal;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Persistence;
using Akka.TestKit;
using static ActorBroker.Journal.JournalProtocol;

namespace ActorBroker.Tests.Journal;

/// <summary>A quorum that one node forms; three more know only where the systems are, and become voters while it runs.</summary>
public sealed class QuorumVotersTests : QuorumSpec
{
    public QuorumVotersTests()
        : base(nodes: 4, voters: 1) =>
        Nodes.Start(0);

    [Fact]
    public void One_node_grows_to_three_which_survive_the_loss_of_any_one()
    {
        var actor = GrowToThree();
        Write(JournalOf(0), actor, Id, "b");
        SurvivesTheLossOfEachOfThree("a b");
    }

    // It goes on writing, without a vote; then it goes, and the others never miss it.
    [Fact]
    public void The_writers_own_node_may_stop_voting()
    {
        var actor = GrowToThree();
        AssertVoters(RemoveOnceFollowed(0, 0), 1, 2);
        Write(JournalOf(0), actor, Id, "b");
        var quorum = Describe(0);
        Assert.Equal(Nodes.Id(0), quorum.Writer);
        Assert.Equal([Nodes.Id(1), Nodes.Id(2)], quorum.Voters.Select(voter => voter.Broker));
        Assert.Equal(Nodes.Id(0), Assert.Single(quorum.Observers).Broker);
        Nodes.Stop(0);
        Write(2, "c");
        Assert.Equal("a b c", Recover(1));
    }

    // It learns from the others who votes and where; its copy of the log counts for nothing.
    [Fact]
    public void A_node_that_does_not_vote_writes()
    {
        GrowToThree();
        Nodes.Start(3);
        var actor = Write(3, "b");
        Nodes.Stop(1);
        Write(JournalOf(3), actor, Id, "c");
        Assert.Equal("a b c", Recover(0));
    }

    [Fact]
    public void Changes_that_make_no_sense_are_refused()
    {
        AssertRefused(VoterRefusal.NotLeading, Change(0, VoterChange.Remove, 0));
        Write(0, "a");
        AssertRefused(VoterRefusal.AlreadyVoter, Change(0, VoterChange.Add, 0));
        AssertRefused(VoterRefusal.NotAVoter, Change(0, VoterChange.Remove, 1));
        AssertRefused(VoterRefusal.NoMajorityLeft, Change(0, VoterChange.Remove, 0));
        Nodes.Start(1);
        AssertVoters(Change(0, VoterChange.Add, 1), 0, 1);
        Write(1, "b");
        var asker = CreateTestProbe(Nodes[1]);
        JournalOf(1).Tell(new ChangeVoters(Id, VoterChange.Add, new BrokerId(77)), asker.Ref);
        AssertRefused(VoterRefusal.UnknownAddress, asker.ReceiveOne(Patience)!);
    }

    // The disk of one voter is lost: a vacant seat, then the new disk's. All who are left are needed then, and suffice.
    [Fact]
    public void A_lost_disk_is_replaced_without_being_asked_for()
    {
        var actor = GrowToThree();
        var before = Describe(0).Voters[2].Disk;
        Nodes.Stop(2);
        Nodes.LoseDisk(2);
        Nodes.Start(2);
        AwaitAssert(() =>
        {
            var voter = Describe(0).Voters[2];
            Assert.NotEqual(before, voter.Disk);
            Assert.NotEqual(default, voter.Disk);
        }, Patience);
        Nodes.Stop(1);
        Write(JournalOf(0), actor, Id, "b");
        Nodes.Stop(0);
        Nodes.Start(1);
        Assert.Equal("a b", Recover(2));
    }

    // The epoch, who holds how much, and when it was heard of.
    [Fact]
    public void Voters_are_described_with_what_they_hold()
    {
        var asker = CreateTestProbe(Nodes[0]);
        JournalOf(0).Tell(new DescribeQuorum(Id), asker.Ref);
        asker.ExpectMsg<QuorumNotLed>(Patience);
        var actor = GrowToThree();
        // A majority suffices to grow: the last may still be behind.
        AwaitAssert(() => Assert.Single(Describe(0).Voters.Select(voter => voter.LogEnd).Distinct()), Patience);
        Nodes.Stop(2);
        var last = Write(JournalOf(0), actor, Id, "b", "c")[^1];
        var quorum = Describe(0);
        Assert.Equal((last, last, 0), (quorum.Committed, quorum.LogEnd, quorum.LogStart));
        Assert.Equal([last, last, last - 2], quorum.Voters.Select(voter => voter.LogEnd));
        Assert.All(quorum.Voters, voter => Assert.NotNull(voter.LastCaughtUp));
        Assert.True(quorum.Voters[2].LastCaughtUp < quorum.Voters[0].LastCaughtUp);
        Assert.Empty(quorum.Observers);
        Nodes.Start(2);
        AwaitAssert(() => Assert.Equal(last, Describe(0).Voters[2].LogEnd), Patience);
    }

    private TestProbe GrowToThree()
    {
        var actor = Write(0, "a");
        Nodes.Start(1, 2);
        AssertVoters(Change(0, VoterChange.Add, 1), 0, 1);
        AssertVoters(Change(0, VoterChange.Add, 2), 0, 1, 2);
        return actor;
    }
}
