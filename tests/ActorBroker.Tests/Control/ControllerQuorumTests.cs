using System.Text.Json;
using ActorBroker.Control;
using ActorBroker.Journal;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Tests.Journal;
using Akka.Actor;
using Akka.TestKit;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Tests.Control;

/// <summary>Controllers of three voters over real TCP: what one decided, another on another node knows.</summary>
public sealed class ControllerQuorumTests : QuorumSpec
{
    private const string Serialization = """
        akka.actor.serializers.control = "ActorBroker.Control.ControlEventSerializer, ActorBroker"
        akka.actor.serialization-bindings {
          "ActorBroker.Control.IControlEvent, ActorBroker" = control
          "ActorBroker.Control.ImagePart, ActorBroker" = control
        }
        """;

    private int _ids;

    public ControllerQuorumTests()
        : base(nodes: 3, voters: 3, Serialization) =>
        Nodes.Start(0, 1, 2);

    [Fact]
    public void A_voter_that_was_away_over_a_deletion_catches_up_and_its_controller_knows_all()
    {
        var controller = StartController(1);
        var broker = CreateTestProbe(Nodes[1]);
        var epoch = Register(controller, broker, 7);
        broker.Send(controller, new BrokerHeartbeat(new BrokerId(7), epoch, epoch, WantsShutdown: false));
        Nodes.Stop(0);
        for (var i = 0; i < 30; i++) controller.Tell(Create($"t{i}"), ActorRefs.NoSender);
        AwaitAssert(() => Assert.True(DescribeLog(1).LogStart > epoch), Patience);
        var image = ImageOf(controller, 1, epoch);
        Assert.NotNull(image.FindTopic("t29"));

        Nodes.Start(0);
        AwaitAssert(() => Assert.True(DescribeLog(1).Voters[0].LogEnd >= DescribeLog(1).Committed), Patience);
        Nodes.Stop(1);
        Assert.Equal(Text(image), Text(ImageOf(StartController(0), 0, epoch)));
    }

    [Fact]
    public void Decisions_are_numbered_as_they_are_stored_also_when_the_journal_took_a_number_for_itself()
    {
        var controller = StartController(0);
        var broker = CreateTestProbe(Nodes[0]);
        var epoch = Register(controller, broker, 7);
        var asker = CreateTestProbe(Nodes[0]);
        // Refused until the two that stay are both known to have followed.
        AwaitAssert(
            () =>
            {
                JournalOf(0).Tell(new JournalProtocol.ChangeVoters(ControllerActor.ControllerId, VoterChange.Remove, Nodes.Id(2)), asker.Ref);
                asker.ExpectMsg<JournalProtocol.VotersChanged>(Patience);
            },
            Patience);
        var later = Register(controller, broker, 8);
        var image = ImageOf(controller, 0, epoch);
        Assert.Equal(later, image.Brokers[new BrokerId(8)].Epoch);
        Nodes.Stop(2);
        Nodes.Stop(0);
        Nodes.Start(0);
        Assert.Equal(Text(image), Text(ImageOf(StartController(1), 1, epoch)));
    }

    private static CreateTopics Create(string name) => new([new NewTopic(name, 1, 1, [], [])], ValidateOnly: false);

    private static string Text(MetadataImage image) => JsonSerializer.Serialize(ImageDocument.Of(image), ControllerJson.Default.ImageDocument);

    private long Register(IActorRef controller, TestProbe broker, int id)
    {
        broker.Send(controller, new RegisterBroker(new BrokerId(id), NewId(), default, null, null, [], CleanShutdown: true, null));
        return broker.FishForMessage<BrokerAccepted>(_ => true, Patience).BrokerEpoch;
    }

    private IActorRef StartController(int node)
    {
        var options = new ControllerOptions(1, 3, 1000, Patience * 10, null, 10, EventsBetweenImages: 20, InternalReplicationFactor: 3);
        var core = new ControllerCore(options, TopicDefaults.Standard, NewId, () => 0);
        return Nodes[node].ActorOf(ControllerActor.Props(new ControllerSetup(core, options, TimeProvider.System)));
    }

    /// <summary>Behind everything that the controller was told before.</summary>
    private MetadataImage ImageOf(IActorRef controller, int node, long epoch)
    {
        var broker = CreateTestProbe(Nodes[node]);
        broker.Send(controller, new ControllerProtocol.MetadataRequest(new BrokerId(7), epoch, HaveVersion: 0));
        var follower = new MetadataFollower();
        if (broker.ReceiveOne(Patience) is MetadataDelta delta) follower.On(delta); // of the controller that decided it all
        else follower.On(Assert.IsType<MetadataSnapshot>(broker.LastMessage));
        return follower.Image;
    }

    private JournalProtocol.QuorumDescribed DescribeLog(int writer)
    {
        var asker = CreateTestProbe(Nodes[writer]);
        JournalOf(writer).Tell(new JournalProtocol.DescribeQuorum(ControllerActor.ControllerId), asker.Ref);
        return asker.ExpectMsg<JournalProtocol.QuorumDescribed>(Patience);
    }

    private Guid NewId() => new(++_ids, 6, 6, new byte[8]);
}
