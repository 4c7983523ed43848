using ActorBroker.Journal;
using Akka.Actor;
using Akka.Persistence;
using Akka.TestKit;
using static ActorBroker.Journal.JournalProtocol;

namespace ActorBroker.Tests.Journal;

/// <summary>A few nodes over real TCP, each with a simulated disk; any of them may write.</summary>
public abstract class QuorumSpec : JournalSpec
{
    protected const string Id = "controller";

    private protected QuorumSpec(int nodes, int voters, string config = "")
        : base("actorbroker.journal.quorum", config) =>
        Nodes = new QuorumNodes(nodes, Sys.Settings.Config, LogOptions, voters);

    private protected QuorumNodes Nodes { get; }

    protected static TimeSpan Patience { get; } = TimeSpan.FromSeconds(20);

    protected override void AfterAll()
    {
        Nodes.StopAll();
        base.AfterAll();
    }

    protected IActorRef JournalOf(int node) => JournalOf(Nodes[node]);

    /// <summary>A new writer on this node recovers and writes.</summary>
    protected TestProbe Write(int node, params string[] names)
    {
        var actor = CreateTestProbe(Nodes[node]);
        Replay(JournalOf(node), actor, Id);
        Write(JournalOf(node), actor, Id, names);
        return actor;
    }

    /// <summary>By a new writer on this node.</summary>
    protected string Recover(int node) =>
        string.Join(' ', Replay(JournalOf(node), CreateTestProbe(Nodes[node]), Id).Events.Select(e => ((TestEvent)e.Event).Name));

    /// <summary>Each in turn is away while another writes; in the end all recover the same.</summary>
    /// <param name="expected">What the log holds by now.</param>
    protected void SurvivesTheLossOfEachOfThree(string expected)
    {
        for (var away = 0; away < 3; away++)
        {
            Nodes.Stop(away);
            Write((away + 1) % 3, $"without{away}");
            expected += $" without{away}";
            Nodes.Start(away);
        }

        for (var node = 0; node < 3; node++)
            Assert.Equal(expected, Recover(node));
    }

    private protected object Change(int writer, VoterChange change, int node)
    {
        var asker = CreateTestProbe(Nodes[writer]);
        JournalOf(writer).Tell(new ChangeVoters(Id, change, Nodes.Id(node)), asker.Ref);
        return asker.ReceiveOne(Patience)!;
    }

    /// <summary>A voter can't be removed before those that stay are known to have followed: asked again until they have.</summary>
    private protected object RemoveOnceFollowed(int writer, int node)
    {
        object answer = null!;
        AwaitCondition(
            () => (answer = Change(writer, VoterChange.Remove, node)) is not VotersNotChanged { Reason: VoterRefusal.NoMajorityLeft }, Patience);
        return answer;
    }

    private protected void AssertVoters(object answer, params int[] nodes) =>
        Assert.Equal(nodes.Select(Nodes.Id), Assert.IsType<VotersChanged>(answer).Voters);

    private protected void AssertRefused(VoterRefusal reason, object answer) => Assert.Equal(reason, Assert.IsType<VotersNotChanged>(answer).Reason);

    private protected QuorumDescribed Describe(int writer)
    {
        var asker = CreateTestProbe(Nodes[writer]);
        JournalOf(writer).Tell(new DescribeQuorum(Id), asker.Ref);
        return asker.ExpectMsg<QuorumDescribed>(Patience);
    }

    private protected void Delete(int writer, TestProbe actor, long to)
    {
        JournalOf(writer).Tell(new DeleteMessagesTo(Id, to, actor.Ref), actor.Ref);
        Assert.Equal(to, actor.ExpectMsg<DeleteMessagesSuccess>(Patience).ToSequenceNr);
    }
}
