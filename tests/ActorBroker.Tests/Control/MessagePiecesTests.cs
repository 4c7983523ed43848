using System.Collections.Immutable;
using ActorBroker.Control;
using ActorBroker.Hosting;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using ActorBroker.Tests.Journal;
using Akka.Actor;
using Akka.Configuration;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Tests.Control;

/// <summary>Messages of several hundred KiB between two nodes over real TCP: a push to a node, and a command through a proxy with its answer.</summary>
public sealed class MessagePiecesTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private readonly ActorSystem _here = Start();
    private readonly ActorSystem _there = Start();

    [Fact]
    public async Task A_large_message_arrives_whole_at_the_actor_it_was_sent_to()
    {
        var arrived = new TaskCompletionSource<(object Message, ActorPath Sender)>(TaskCreationOptions.RunContinuationsAsynchronously);
        var receiver = _there.ActorOf(Props.Create(() => new Catcher(arrived)), "receiver");
        var receiverFromHere = await _here.ActorSelection(At(_there, receiver)).ResolveOne(Deadline);
        var image = MetadataImage.Empty with { Version = 7 };
        image = image.With(LargeTopic());
        new MessageSender((ExtendedActorSystem)_here).Tell(receiverFromHere, new MetadataSnapshot(image), _here.ActorOf(Props.Empty, "sender"));
        var (message, sender) = await arrived.Task.WaitAsync(Deadline);
        var got = Assert.IsType<MetadataSnapshot>(message).Image;
        Assert.Equal((7, 5000), (got.Version, got.FindTopic("large")!.Partitions.Length));
        Assert.Equal("sender", sender.Name);
    }

    [Fact]
    public async Task A_large_command_reaches_the_controller_through_a_proxy_and_its_large_answer_whoever_asked()
    {
        var supervisor = _there.ActorOf(ControllerSupervisor.Props(Props.Create(() => new Echo()), () => 0, ControllerSupervisor.Steady), "controller");
        var controller = await _here.ActorSelection(At(_there, supervisor)).ResolveOne(Deadline);
        var proxy = _here.ActorOf(Props.Create(() => new Proxy(controller)));
        var link = _here.ActorOf(ControllerLink.Props(proxy));
        var topics = Enumerable.Range(0, 5000).Select(i => new NewTopic($"topic-{i}", 1, 1, [], [])).ToImmutableArray();
        var answer = await link.Ask<TopicResults>(new CreateTopics(topics, ValidateOnly: false), Deadline);
        Assert.Equal(5000, answer.Results.Length);
        Assert.Equal("topic-4999", answer.Results[^1].Name);
    }

    public void Dispose()
    {
        foreach (var system in new[] { _here, _there }) system.Terminate().Wait(Deadline);
    }

    private static TopicImage LargeTopic()
    {
        ImmutableArray<BrokerId> replicas = [new(1), new(2), new(3)];
        return new TopicImage(
            new TopicId(new Guid(1, 1, 1, new byte[8])), "large",
            [.. Enumerable.Range(0, 5000).Select(i => new PartitionImage(i, replicas, replicas, [], replicas[i % 3], new LeaderEpoch(i), i))],
            ImmutableSortedDictionary<string, string>.Empty);
    }

    private static ActorSystem Start()
    {
        var system = ActorSystem.Create("pieces", ConfigurationFactory.ParseString(QuorumNodes.Remoting(Ports.Next())).WithFallback(BrokerNode.Reference));
        PieceEndpoint.Start((ExtendedActorSystem)system);
        return system;
    }

    private static ActorPath At(ActorSystem system, IActorRef actor) =>
        ActorPath.Parse(actor.Path.ToStringWithAddress(((ExtendedActorSystem)system).Provider.DefaultAddress));

    private sealed class Catcher : ReceiveActor
    {
        public Catcher(TaskCompletionSource<(object, ActorPath)> arrived) =>
            ReceiveAny(message => arrived.TrySetResult((message, Sender.Path)));
    }

    private sealed class Proxy : ReceiveActor
    {
        public Proxy(IActorRef to) => ReceiveAny(to.Forward);
    }

    /// <summary>Plays the controller: says that all topics exist.</summary>
    private sealed class Echo : ReceiveActor
    {
        public Echo()
        {
            var messages = new MessageSender((ExtendedActorSystem)Context.System);
            Receive<CreateTopics>(create => messages.Tell(
                Sender, new TopicResults([.. create.Topics.Select(topic => TopicResult.Refused(topic.Name, ErrorCode.TopicAlreadyExists, "it exists"))]), Self));
        }
    }
}
