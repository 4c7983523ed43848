using ActorBroker.Journal;
using Akka.Actor;
using Akka.Persistence;
using Akka.TestKit;

namespace ActorBroker.Tests.Journal;

/// <summary>Three voters on three nodes over real TCP, each with a simulated disk; any of them may write.</summary>
public sealed class QuorumClusterTests : QuorumSpec
{
    public QuorumClusterTests()
        : base(nodes: 3, voters: 3) =>
        Nodes.Start(0, 1, 2);

    // Each node in turn is away while another writes.
    [Fact]
    public void Writes_complete_with_any_minority_down()
    {
        Write(0, "formed");
        SurvivesTheLossOfEachOfThree("formed");
    }

    // Two writers are alive; the first does not know of the second.
    [Fact]
    public void Of_two_writers_only_the_higher_epoch_gets_through()
    {
        var first = Write(0, "a");
        var second = Write(1, "b");
        Send(JournalOf(0), first, Atomic(Id, new TestEvent("stale")));
        Assert.Contains("another writer", first.FishForMessage<WriteMessagesFailed>(_ => true, TimeSpan.FromSeconds(20)).Cause.Message, StringComparison.Ordinal);
        Write(JournalOf(1), second, Id, "c");
        Assert.Equal("a b c", Recover(2));
    }

    // While one is away more is written than goes into one request, and an event larger than the transport's frames.
    [Fact]
    public void A_voter_that_was_away_catches_up()
    {
        var actor = Write(0, "a");
        Nodes.Stop(2);
        var names = Enumerable.Range(0, 500).Select(i => $"{i}-{new string('y', 3000)}").Append(new string('x', 1_000_000)).ToArray();
        Write(JournalOf(0), actor, Id, names);
        Nodes.Start(2);
        Nodes.Stop(1);
        Write(JournalOf(0), actor, Id, "last");
        Nodes.Start(1);
        Nodes.Stop(0);
        Assert.Equal("a " + string.Join(' ', names) + " last", Recover(2));
    }

    // One comes back without its disk: it counts again only once the others have committed that, and then for good.
    [Fact]
    public void A_blank_voter_is_admitted_and_counts()
    {
        var first = Write(0, "a");
        Nodes.Stop(2);
        Nodes.LoseDisk(2);
        Nodes.Start(2);
        Write(JournalOf(0), first, Id, "b");
        var actor = CreateTestProbe(Nodes[2]);
        Assert.Equal(2, Replay(JournalOf(2), actor, Id).Events.Count);
        AwaitAssert(() => Assert.Equal(3, Describe(2).Voters.Count(voter => voter.LogEnd == Describe(2).Committed)), Patience);
        Nodes.Stop(1);
        Write(2, "c");
        Assert.Equal("a b c", Recover(0));
    }

    // The one that did not lose its disk is away: the blank one must not make a majority of those that are left.
    [Fact]
    public void A_blank_voter_does_not_count_before_it_is_admitted()
    {
        Write(0, "a");
        Nodes.Stop(1, 2);
        Nodes.LoseDisk(2);
        Nodes.Start(2);
        var actor = CreateTestProbe(Nodes[0]);
        JournalOf(2).Tell(new ReplayMessages(1, long.MaxValue, long.MaxValue, Id, actor.Ref), actor.Ref);
        actor.ExpectNoMsg(TimeSpan.FromMilliseconds(1500));
        Nodes.Start(1);
        Assert.Equal("a", Recover(2));
    }

    [Fact]
    public void Everything_is_there_after_restarts_in_every_order()
    {
        Write(0, "formed");
        var expected = "formed";
        foreach (var order in new int[][] { [0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0] })
        {
            Nodes.StopAll();
            Nodes.Start(order[0], order[1]);
            var name = string.Concat(order);
            Write(order[1], name);
            expected += " " + name;
            Nodes.Start(order[2]);
            Assert.Equal(expected, Recover(order[2]));
        }
    }

    // The first of three is away for what is written and deleted since: nobody could send it that any more.
    [Fact]
    public void A_voter_that_lies_below_the_log_start_begins_anew()
    {
        Write(0, "old");
        Nodes.Stop(0);
        var actor = Write(1, [.. Enumerable.Range(0, 300).Select(i => $"{i}-{new string('y', 1000)}")]);
        var image = Write(JournalOf(1), actor, Id, "image", "later");
        Delete(1, actor, image[0] - 1);
        Assert.Equal(image[0] - 1, Describe(1).LogStart);
        Nodes.Start(0);
        AwaitAssert(() => Assert.Equal(image[1], Describe(1).Voters[0].LogEnd), Patience);
        Nodes.Stop(1);
        Assert.Equal("image later", Recover(0));
        Nodes.Stop(0, 2);
        Nodes.Start(2, 0);
        Assert.Equal("image later", Recover(2));
        Write(0, "last");
        Nodes.Start(1);
        Assert.Equal("image later last", Recover(1));
    }

    // One voter was away for the deletion only, and writes next: what it still holds is deleted all the same.
    [Fact]
    public void What_a_majority_deleted_stays_deleted()
    {
        var actor = CreateTestProbe(Nodes[0]);
        Replay(JournalOf(0), actor, Id);
        var numbers = Write(JournalOf(0), actor, Id, "a", "b", "c");
        AwaitAssert(() => Assert.All(Describe(0).Voters, voter => Assert.Equal(numbers[2], voter.LogEnd)), Patience);
        Nodes.Stop(2);
        Delete(0, actor, numbers[1]);
        Nodes.Stop(0);
        Nodes.Start(2);
        Assert.Equal("c", Recover(2));
    }

    // It would never hear of it otherwise: it writes nothing.
    [Fact]
    public void An_idle_actor_is_told_that_it_lost_the_lead()
    {
        var actor = Write(0, "a");
        Write(1, "b");
        Assert.Equal(Id, actor.ExpectMsg<JournalProtocol.LeadLost>(Patience).PersistenceId);
    }

    [Fact]
    public void A_deletion_beyond_what_is_committed_is_refused()
    {
        var actor = Write(0, "a");
        JournalOf(0).Tell(new DeleteMessagesTo(Id, 99, actor.Ref), actor.Ref);
        Assert.IsType<ArgumentException>(actor.ExpectMsg<DeleteMessagesFailure>(Patience).Cause);
    }

    // The actor restarts in place while a write of its former self is under way: that is decided before it recovers.
    [Fact]
    public void An_actor_that_restarts_in_place_sees_all_that_it_wrote()
    {
        var actor = Write(0, "a");
        for (var i = 0; i < 5; i++)
        {
            Send(JournalOf(0), actor, Atomic(Id, new TestEvent($"{i}")));
            JournalOf(0).Tell(new ReplayMessages(1, long.MaxValue, long.MaxValue, Id, actor.Ref), actor.Ref);
            var events = new List<string>();
            actor.FishForMessage(
                message =>
                {
                    if (message is ReplayedMessage replayed) events.Add(((TestEvent)replayed.Persistent.Payload).Name);
                    return message is RecoverySuccess;
                },
                Patience);
            Assert.Equal("a " + string.Join(' ', Enumerable.Range(0, i + 1)), string.Join(' ', events));
        }
    }

    // A bid that could not succeed while the others were away must not go on when nobody wants the lead any more: the
    // writer that leads since would lose it again and again.
    [Fact]
    public void A_writer_whose_actor_is_gone_bids_no_more()
    {
        Write(1, "a");
        Nodes.Stop(1, 2);
        var actor = CreateTestProbe(Nodes[0]);
        JournalOf(0).Tell(new ReplayMessages(1, long.MaxValue, long.MaxValue, Id, actor.Ref), actor.Ref);
        Watch(actor.Ref);
        Nodes[0].Stop(actor.Ref);
        ExpectTerminated(actor.Ref, Patience);
        Nodes.Start(1, 2);
        var writer = Write(1, "b");
        var before = Describe(1);
        AwaitAssert(() => Assert.True(Describe(1).Voters[0].LastAnswered > before.Voters[0].LastAnswered?.AddSeconds(1)), Patience);
        Write(JournalOf(1), writer, Id, "c");
        Assert.Equal(before.Epoch, Describe(1).Epoch);
    }

    // Two actors that both take themselves for the only one write without end, and recover whenever they lose the lead.
    // What either was told is stored is there, once and in the order it was told; and there is nothing that nobody wrote.
    [Fact]
    public async Task Rival_writers_never_both_get_a_decision_through()
    {
        Write(0, "formed");
        var rivals = await Task.WhenAll(Task.Run(() => Rival(0)), Task.Run(() => Rival(1)));
        var log = Recover(2).Split(' ');
        Assert.Equal(log.Length, log.Distinct().Count());
        Assert.All(rivals, stored => Assert.True(stored.Count >= 30));
        foreach (var stored in rivals)
            Assert.Equal(stored, log.Where(stored.Contains));
        Assert.All(log.Skip(1), name => Assert.Matches("^[01]-[0-9]+$", name));
    }

    private static object? AnswerTo(TestProbe actor)
    {
        var answer = actor.ReceiveOne(Patience);
        return answer is JournalProtocol.LeadLost ? AnswerTo(actor) : answer;
    }

    /// <summary>Names of the events that it was told are stored.</summary>
    private List<string> Rival(int node)
    {
        var stored = new List<string>();
        var written = 0;
        var actor = CreateTestProbe(Nodes[node]);
        for (var round = 0; round < 500 && stored.Count < 30; round++)
        {
            JournalOf(node).Tell(new ReplayMessages(1, 0, 0, Id, actor.Ref), actor.Ref);
            if (AnswerTo(actor) is not RecoverySuccess) continue; // The other one bid higher.
            for (var i = 0; i < 10; i++)
            {
                var name = $"{node}-{written++}";
                JournalOf(node).Tell(new WriteMessages([new AtomicWrite(new Persistent(new TestEvent(name), written, Id, writerGuid: "w"))], actor.Ref, 7), actor.Ref);
                if (AnswerTo(actor) is WriteMessagesFailed)
                {
                    actor.ExpectMsg<WriteMessageFailure>(Patience);
                    break;
                }

                actor.ExpectMsg<WriteMessageSuccess>(Patience);
                stored.Add(name);
            }
        }

        return stored;
    }
}

/// <summary>The contract, on the first of three voters.</summary>
public sealed class QuorumOfThreeContractTests : JournalContract
{
    private readonly QuorumNodes? _nodes;

    public QuorumOfThreeContractTests()
        : this(Ports.Next())
    {
    }

    private QuorumOfThreeContractTests(int port)
        : base("actorbroker.journal.quorum", QuorumNodes.Remoting(port) + "akka.persistence.journal.plugin = \"actorbroker.journal.quorum\"")
    {
        _nodes = new QuorumNodes(3, Sys.Settings.Config, LogOptions);
        _nodes.Join(0, Sys);
        _nodes.Start(1, 2);
    }

    protected override long First => 2;

    private protected override void Join(ActorSystem system) => _nodes?.Join(0, system);

    protected override void AfterAll()
    {
        _nodes!.StopAll();
        base.AfterAll();
    }
}
