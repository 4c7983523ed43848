using ActorBroker.Journal;
using Akka.Persistence;
using static ActorBroker.Journal.JournalProtocol;

namespace ActorBroker.Tests.Journal;

/// <summary>Two nodes that vote and one that does not, whose writers give up soon.</summary>
public sealed class QuorumTimeoutTests : QuorumSpec
{
    public QuorumTimeoutTests()
        : base(nodes: 3, voters: 2, "actorbroker.journal.quorum { write.timeout.ms = 2000, catch.up.timeout.ms = 2000 }") =>
        Nodes.Start(0, 1);

    // The other is gone: the write fails in bounded time, and once it is back the same actor recovers and goes on.
    [Fact]
    public void A_write_that_no_majority_takes_fails()
    {
        var actor = Write(0, "a");
        Nodes.Stop(1);
        Send(JournalOf(0), actor, Atomic(Id, new TestEvent("b")));
        Assert.IsType<TimeoutException>(actor.ExpectMsg<WriteMessagesFailed>(Patience).Cause);
        actor.ExpectMsg<WriteMessageFailure>();
        actor.ExpectMsg<LeadLost>();
        Nodes.Start(1);
        // Whether a failed write took place shows when the next writer leads: here it did.
        Assert.Equal("a b", string.Join(' ', Replay(JournalOf(0), actor, Id).Events.Select(e => ((TestEvent)e.Event).Name)));
        Write(JournalOf(0), actor, Id, "c");
        Assert.Equal("a b c", Recover(1));
    }

    // Nothing is written, so nothing fails: it learns all the same that nobody follows it any more.
    [Fact]
    public void An_idle_actor_is_told_that_no_majority_answers()
    {
        var actor = Write(0, "a");
        Nodes.Stop(1);
        Assert.IsType<TimeoutException>(actor.ExpectMsg<LeadLost>(Patience).Cause);
    }

    // Its own copy is no vote: without one of the two nothing is written.
    [Fact]
    public void A_writer_that_does_not_vote_needs_the_voters()
    {
        Write(0, "a");
        Nodes.Start(2);
        var actor = Write(2, "b");
        Nodes.Stop(0);
        Send(JournalOf(2), actor, Atomic(Id, new TestEvent("c")));
        Assert.IsType<TimeoutException>(actor.FishForMessage<WriteMessagesFailed>(_ => true, Patience).Cause);
        Nodes.Start(0);
        Assert.StartsWith("a b", Recover(1), StringComparison.Ordinal);
    }

    // The one that is to be added is down; another change has to wait until that is given up. Nothing is lost by it.
    [Fact]
    public void A_disk_that_does_not_catch_up_gets_no_vote()
    {
        var actor = Write(0, "a");
        var asker = CreateTestProbe(Nodes[0]);
        JournalOf(0).Tell(new ChangeVoters(Id, VoterChange.Add, Nodes.Id(2)), asker.Ref);
        AssertRefused(VoterRefusal.ChangeUnderWay, Change(0, VoterChange.Remove, 1));
        AssertRefused(VoterRefusal.NotCaughtUp, asker.ReceiveOne(Patience)!);
        Write(JournalOf(0), actor, Id, "b");
        Assert.Equal(2, Describe(0).Voters.Length);
        Nodes.Start(2);
        AssertVoters(Change(0, VoterChange.Add, 2), 0, 1, 2);
        Assert.Equal("a b", Recover(2));
    }
}
