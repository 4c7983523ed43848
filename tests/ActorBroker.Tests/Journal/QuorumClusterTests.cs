using Akka.Actor;
using Akka.Persistence;

namespace ActorBroker.Tests.Journal;

/// <summary>Three voters on three nodes over real TCP, each with a simulated disk; any of them may write.</summary>
public sealed class QuorumClusterTests : JournalSpec
{
    private const string Plugin = "actorbroker.journal.quorum";
    private const string Id = "controller";

    private readonly QuorumNodes _nodes;

    public QuorumClusterTests()
        : base(Plugin)
    {
        _nodes = new QuorumNodes(3, Sys.Settings.Config, LogOptions);
        _nodes.Start(0, 1, 2);
    }

    protected override void AfterAll()
    {
        _nodes.StopAll();
        base.AfterAll();
    }

    // Each node in turn is away while another writes.
    [Fact]
    public void Writes_complete_with_any_minority_down()
    {
        Write(0, "formed");
        var expected = "formed";
        for (var away = 0; away < 3; away++)
        {
            _nodes.Stop(away);
            Write((away + 1) % 3, $"without{away}");
            expected += $" without{away}";
            _nodes.Start(away);
        }

        for (var node = 0; node < 3; node++)
            Assert.Equal(expected, Recover(node));
    }

    // Two writers are alive; the first does not know of the second.
    [Fact]
    public void Of_two_writers_only_the_higher_epoch_gets_through()
    {
        var first = Write(0, "a");
        var second = Write(1, "b");
        Send(JournalOf(_nodes[0]), first, Atomic(Id, new TestEvent("stale")));
        Assert.Contains("another writer", first.FishForMessage<WriteMessagesFailed>(_ => true, TimeSpan.FromSeconds(20)).Cause.Message, StringComparison.Ordinal);
        Write(JournalOf(_nodes[1]), second, Id, "c");
        Assert.Equal("a b c", Recover(2));
    }

    // While one is away more is written than goes into one request, and an event larger than the transport's frames.
    [Fact]
    public void A_voter_that_was_away_catches_up()
    {
        var actor = Write(0, "a");
        _nodes.Stop(2);
        var names = Enumerable.Range(0, 500).Select(i => $"{i}-{new string('y', 3000)}").Append(new string('x', 1_000_000)).ToArray();
        Write(JournalOf(_nodes[0]), actor, Id, names);
        _nodes.Start(2);
        _nodes.Stop(1);
        Write(JournalOf(_nodes[0]), actor, Id, "last");
        _nodes.Start(1);
        _nodes.Stop(0);
        Assert.Equal("a " + string.Join(' ', names) + " last", Recover(2));
    }

    // One comes back without its disk: it counts again only once the others have committed that, and then for good.
    [Fact]
    public void A_blank_voter_is_admitted_and_counts()
    {
        var actor = Write(0, "a");
        _nodes.Stop(2);
        _nodes.LoseDisk(2);
        _nodes.Start(2);
        Write(JournalOf(_nodes[0]), actor, Id, "b");
        Assert.Equal("a b", Recover(2)); // Its own log holds them: it was admitted.
        _nodes.Stop(1);
        Write(2, "c");
        Assert.Equal("a b c", Recover(0));
    }

    // The one that did not lose its disk is away: the blank one must not make a majority of those that are left.
    [Fact]
    public void A_blank_voter_does_not_count_before_it_is_admitted()
    {
        Write(0, "a");
        _nodes.Stop(1, 2);
        _nodes.LoseDisk(2);
        _nodes.Start(2);
        var actor = CreateTestProbe(_nodes[0]);
        JournalOf(_nodes[2]).Tell(new ReplayMessages(1, long.MaxValue, long.MaxValue, Id, actor.Ref), actor.Ref);
        actor.ExpectNoMsg(TimeSpan.FromMilliseconds(1500));
        _nodes.Start(1);
        Assert.Equal("a", Recover(2));
    }

    [Fact]
    public void Everything_is_there_after_restarts_in_every_order()
    {
        Write(0, "formed");
        var expected = "formed";
        foreach (var order in new int[][] { [0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0] })
        {
            _nodes.StopAll();
            _nodes.Start(order[0], order[1]);
            var name = string.Concat(order);
            Write(order[1], name);
            expected += " " + name;
            _nodes.Start(order[2]);
            Assert.Equal(expected, Recover(order[2]));
        }
    }

    /// <summary>A new writer on this node recovers and writes.</summary>
    private Akka.TestKit.TestProbe Write(int node, params string[] names)
    {
        var actor = CreateTestProbe(_nodes[node]);
        Replay(JournalOf(_nodes[node]), actor, Id);
        Write(JournalOf(_nodes[node]), actor, Id, names);
        return actor;
    }

    private string Recover(int node) =>
        string.Join(' ', Replay(JournalOf(_nodes[node]), CreateTestProbe(_nodes[node]), Id).Events.Select(e => ((TestEvent)e.Event).Name));
}

/// <summary>The contract, on the first of three voters.</summary>
public sealed class QuorumOfThreeContractTests : JournalContract
{
    private readonly QuorumNodes? _nodes;

    public QuorumOfThreeContractTests()
        : this(QuorumNodes.FreePort())
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
