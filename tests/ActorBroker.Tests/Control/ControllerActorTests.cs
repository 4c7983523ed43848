using System.Collections.Immutable;
using System.Text.Json;
using ActorBroker.Control;
using ActorBroker.Journal;
using ActorBroker.Journal.Quorum;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Configuration;
using Akka.TestKit;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Tests.Control;

/// <summary>
/// A controller on a quorum of one, with probes as nodes: who is sent what and when, who is answered when, and what a second
/// controller on the same journal makes of it.
/// </summary>
public sealed class ControllerActorTests : Akka.TestKit.Xunit2.TestKit
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Session = TimeSpan.FromSeconds(1);

    private static readonly Config Config = ConfigurationFactory.ParseString("""
        akka.loglevel = ERROR
        akka.actor.serializers.control = "ActorBroker.Control.ControlEventSerializer, ActorBroker"
        akka.actor.serialization-bindings {
          "ActorBroker.Control.IControlEvent, ActorBroker" = control
          "ActorBroker.Control.ImagePart, ActorBroker" = control
        }
        akka.persistence.snapshot-store.plugin = "akka.persistence.snapshot-store.inmem"
        """).WithFallback(JournalLogs.DefaultConfig());

    private readonly SimulatedFileSystem _files = new(seed: 1);
    private readonly SteppedTime _time = new();
    private IActorRef _controller;
    private int _ids;

    public ControllerActorTests()
        : base(Config)
    {
        var logs = JournalLogs.For(Sys);
        logs.Configure(new JournalStorage(_files, "/data/journal", TimeProvider.System, LogOptions.Default));
        var self = new BrokerId(1);
        logs.JoinQuorum(new QuorumIdentity(new Member(self, new DirectoryId(new Guid(1, 1, 1, new byte[8]))), [self]));
        _controller = StartController();
    }

    [Fact]
    public void A_broker_is_sent_all_metadata_before_it_is_accepted_and_every_change_afterwards()
    {
        var one = new Node(this, 1);
        one.Register(_controller);
        Assert.True(one.Image.Brokers[one.Id].Fenced);
        one.Beat(_controller);
        Assert.False(one.Image.Brokers[one.Id].Fenced);
        var two = new Node(this, 2);
        two.Register(_controller);
        one.FollowUntil(image => image.Brokers.ContainsKey(two.Id));
        Assert.Equal(two.Image.Version, one.Image.Version);
    }

    [Fact]
    public void A_topic_is_reported_created_once_the_live_brokers_that_hold_it_serve_it()
    {
        var (one, two) = (Started(1), Started(2));
        var client = CreateTestProbe();
        _controller.Tell(Create("t", partitions: 2, factor: 2), client);
        one.FollowUntil(image => image.FindTopic("t") is not null);
        two.FollowUntil(image => image.FindTopic("t") is not null);
        one.Reconcile(_controller);
        two.Beat(_controller, reconciled: two.Image.Version - 1); // its answer shows that what came before was handled
        Assert.False(client.HasMessages);
        two.Reconcile(_controller);
        Assert.Equal(ErrorCode.None, client.ExpectMsg<TopicResults>(Deadline).Results[0].Error);
    }

    [Fact]
    public void An_internal_topic_gets_a_replica_when_a_broker_joins_without_being_asked()
    {
        var one = Started(1);
        _controller.Tell(Create("__consumer_offsets", factor: -1), ActorRefs.NoSender);
        one.FollowUntil(image => image.FindTopic("__consumer_offsets") is not null);
        Started(2);
        one.FollowUntil(image => image.FindTopic("__consumer_offsets")!.Partitions[0].Replicas.Length == 2);
    }

    [Fact]
    public void Nobody_waits_for_a_broker_that_is_found_dead()
    {
        var (one, two) = (Started(1), Started(2));
        var client = CreateTestProbe();
        _controller.Tell(Create("t", partitions: 2, factor: 2), client);
        one.FollowUntil(image => image.FindTopic("t") is not null);
        one.Reconcile(_controller);
        _controller.Tell(new SuspectBroker(two.Id, two.Epoch, "connection refused"));
        Assert.Equal(ErrorCode.None, client.ExpectMsg<TopicResults>(Deadline).Results[0].Error);
        one.FollowUntil(image => image.Brokers[two.Id].Fenced);
        Assert.All(one.Image.FindTopic("t")!.Partitions, partition => Assert.Equal(one.Id, partition.Leader));
    }

    [Fact]
    public void Nobody_waits_for_ever_for_a_broker_that_lives_but_does_not_open_its_replicas()
    {
        var one = Started(1);
        var client = CreateTestProbe();
        _controller.Tell(Create("t"), client);
        one.FollowUntil(image => image.FindTopic("t") is not null);
        one.Beat(_controller, reconciled: one.Image.Version - 1); // its answer shows that the wait has begun
        _time.Advance(ServedReplies.Patience);
        Assert.Equal(ErrorCode.None, client.ExpectMsg<TopicResults>(Deadline).Results[0].Error);
    }

    [Fact]
    public void A_silent_broker_is_fenced_after_its_session_and_one_that_beats_is_not()
    {
        var (one, two) = (Started(1), Started(2));
        LetSessionPass(one);
        one.FollowUntil(image => image.Brokers[two.Id].Fenced);
        Assert.False(one.Image.Brokers[one.Id].Fenced);
    }

    [Fact]
    public void Who_missed_a_delta_gets_what_follows_and_who_missed_too_many_everything()
    {
        var one = Started(1);
        var version = one.Image.Version;
        var client = CreateTestProbe();
        _controller.Tell(Create("t"), client);
        one.FollowUntil(image => image.FindTopic("t") is not null);
        one.Probe.Send(_controller, new ControllerProtocol.MetadataRequest(one.Id, one.Epoch, version));
        var delta = one.Probe.ExpectMsg<MetadataDelta>(Deadline);
        Assert.Equal((version, one.Image.Version), (delta.From, delta.Events[^1].Sequence));

        // One entry of more events than are kept: each of 600 partitions loses its leader and gets it back.
        _controller.Tell(Create("large", partitions: 600), client);
        one.FollowUntil(image => image.FindTopic("large") is not null);
        one.Register(_controller);
        one.Beat(_controller);
        one.Probe.Send(_controller, new ControllerProtocol.MetadataRequest(one.Id, one.Epoch, version));
        Assert.Equal(one.Image.Version, one.Probe.ExpectMsg<MetadataSnapshot>(Deadline).Image.Version);
        one.Probe.Send(_controller, new ControllerProtocol.MetadataRequest(one.Id, one.Epoch - 1, version));
        one.Probe.ExpectMsg<BrokerUnknown>(Deadline);
    }

    [Fact]
    public void A_second_controller_on_the_same_journal_goes_on_where_the_first_ended()
    {
        var (one, two) = (Started(1), Started(2));
        one.FollowUntil(image => image.Brokers.TryGetValue(two.Id, out var broker) && !broker.Fenced);
        var version = one.Image.Version;
        _controller.Tell(Create("t", factor: 2), ActorRefs.NoSender);
        two.FollowUntil(image => image.FindTopic("t") is not null);
        one.Probe.ExpectMsg<MetadataDelta>(Deadline); // lost on its way
        StopController();
        _controller = StartController();

        // It learns where the brokers are from their heartbeats, and tells them what they missed.
        one.Beat(_controller, reconciled: version);
        one.FollowUntil(image => image.FindTopic("t") is not null);
        Assert.Equal(two.Image.Version, one.Image.Version);
        Assert.False(one.Image.Brokers[two.Id].Fenced);

        // And gives each a whole session, whenever the former heard of it.
        LetSessionPass(one);
        one.FollowUntil(image => image.Brokers[two.Id].Fenced);
        two.Beat(_controller);
        one.FollowUntil(image => !image.Brokers[two.Id].Fenced);
    }

    [Fact]
    public void A_broker_may_stop_once_the_others_know_its_new_leaders()
    {
        var (one, two) = (Started(1), Started(2));
        var client = CreateTestProbe();
        _controller.Tell(Create("t", partitions: 4, factor: 2), client);
        one.FollowUntil(image => image.FindTopic("t") is not null);
        two.FollowUntil(image => image.FindTopic("t") is not null);
        Assert.False(one.Beat(_controller, wantsShutdown: true).MayShutDown);
        two.FollowUntil(image => image.Brokers[one.Id].InControlledShutdown);
        Assert.All(two.Image.FindTopic("t")!.Partitions, partition => Assert.Equal(two.Id, partition.Leader));
        Assert.False(one.Beat(_controller, wantsShutdown: true).MayShutDown);
        two.Reconcile(_controller);
        Assert.True(one.Beat(_controller, wantsShutdown: true).MayShutDown);
    }

    [Fact]
    public void Who_reports_under_another_epoch_must_register_again()
    {
        var one = Started(1);
        one.Probe.Send(_controller, new BrokerHeartbeat(one.Id, one.Epoch - 1, 0, WantsShutdown: false));
        one.Probe.ExpectMsg<BrokerUnknown>(Deadline);
        one.Probe.Send(_controller, new AlterPartitions(one.Id, one.Epoch - 1, []));
        one.Probe.ExpectMsg<BrokerUnknown>(Deadline);
        one.Probe.Send(_controller, new BrokerHeartbeat(new BrokerId(9), 1, 0, WantsShutdown: false));
        one.Probe.ExpectMsg<BrokerUnknown>(Deadline);
    }

    // Its log is begun anew with an image while brokers follow, which must notice nothing; then twice another controller reads it.
    [Fact]
    public void A_controller_that_begins_with_an_image_knows_what_all_that_was_deleted_led_to()
    {
        StopController();
        _controller = StartController(eventsBetweenImages: 20);
        var one = Started(1);
        var early = one.Image.Version;
        for (var i = 0; i < 30; i++) _controller.Tell(Create($"t{i}"), ActorRefs.NoSender);
        one.FollowUntil(image => image.FindTopic("t29") is not null);
        AwaitCondition(() => LogStart() > early, Deadline);
        for (var restart = 0; restart < 2; restart++)
        {
            StopController();
            _controller = StartController();
            one.Beat(_controller);
            one.Probe.Send(_controller, new ControllerProtocol.MetadataRequest(one.Id, one.Epoch, early));
            var image = one.Probe.ExpectMsg<MetadataSnapshot>(Deadline).Image;
            Assert.Equal(Text(one.Image), Text(image));
            one.Probe.Send(_controller, new ControllerProtocol.MetadataRequest(one.Id, one.Epoch, one.Image.Version));
            Assert.Empty(one.Probe.ExpectMsg<MetadataDelta>(Deadline).Events);
            _controller.Tell(Create($"after{restart}"), ActorRefs.NoSender);
            one.FollowUntil(seen => seen.FindTopic($"after{restart}") is not null);
        }
    }

    [Fact]
    public void A_decision_that_the_journal_does_not_take_is_answered_and_the_next_controller_numbers_as_it_stores()
    {
        var one = Started(1);
        var client = CreateTestProbe();
        var large = new string('x', 17 * 1024 * 1024);
        one.Probe.Send(_controller, new RegisterBroker(new BrokerId(2), NewId(), default, null, large, [], CleanShutdown: true, null));
        Watch(_controller);
        one.Await<ControllerUnavailable>();
        ExpectTerminated(_controller, Deadline);
        _controller = StartController();
        one.Beat(_controller);
        _controller.Tell(Create("t"), client);
        one.FollowUntil(image => image.FindTopic("t") is not null);
        StopController();
        _controller = StartController();
        one.Beat(_controller);
    }

    [Fact]
    public void Whoever_waits_for_a_controller_that_stops_is_answered()
    {
        // Its first command stops it, and the second is behind that in its mailbox.
        var supervisor = Sys.ActorOf(ControllerSupervisor.Props(Props.Create(() => new Stopping()), () => 1, ControllerSupervisor.Steady));
        var asker = CreateTestProbe();
        supervisor.Tell(new UnregisterBroker(new BrokerId(1)), asker);
        supervisor.Tell(new UnregisterBroker(new BrokerId(2)), asker);
        asker.ExpectMsg<ControllerUnavailable>(Deadline);
    }

    // Ten failures one after the other would take 52 s.
    [Fact]
    public void A_controller_that_stops_after_it_has_lasted_is_soon_replaced_however_often_that_was()
    {
        var supervisor = Sys.ActorOf(ControllerSupervisor.Props(Props.Create(() => new Stopping()), () => 1, TimeSpan.FromMilliseconds(1)));
        var asker = CreateTestProbe();
        var began = System.Diagnostics.Stopwatch.StartNew();
        for (var failure = 0; failure < 10; failure++)
        {
            AwaitAssert(
                () =>
                {
                    supervisor.Tell(DescribeQuorum.Instance, asker);
                    Assert.IsType<VotersAltered>(asker.ReceiveOne(Deadline));
                },
                Deadline);
            var controller = Watch(asker.LastSender);
            // One scheduler: it finds that the controller lasts before this stops it.
            Sys.Scheduler.ScheduleTellOnce(TimeSpan.FromMilliseconds(50), supervisor, new UnregisterBroker(new BrokerId(1)), ActorRefs.NoSender);
            ExpectTerminated(controller, Deadline);
        }

        Assert.True(began.Elapsed < Deadline * 2, $"{began.Elapsed}");
    }

    private static CreateTopics Create(string name, int partitions = 1, int factor = 1) => new([new NewTopic(name, partitions, factor, [], [])], ValidateOnly: false);

    private Node Started(int id)
    {
        var node = new Node(this, id);
        node.Register(_controller);
        node.Beat(_controller);
        node.Reconcile(_controller);
        return node;
    }

    private IActorRef StartController(int eventsBetweenImages = 10_000)
    {
        var options = new ControllerOptions(1, 3, 1000, Session, null, 10, eventsBetweenImages, 3);
        var core = new ControllerCore(options, TopicDefaults.Standard, NewId, () => 0);
        return Sys.ActorOf(ControllerActor.Props(new ControllerSetup(core, options, _time)));
    }

    private void StopController()
    {
        Watch(_controller);
        Sys.Stop(_controller);
        ExpectTerminated(_controller, Deadline);
    }

    /// <summary>In steps that are no pause of the controller itself, each seen by its tick; only <paramref name="beating"/> is heard of.</summary>
    private void LetSessionPass(Node beating)
    {
        for (var step = 0; step < 7; step++)
        {
            var looks = _time.Looks;
            _time.Advance(Session / 6);
            beating.Beat(_controller, reconciled: 0);
            AwaitCondition(() => _time.Looks > looks + 8, Deadline, TimeSpan.FromMilliseconds(10)); // a heartbeat looks three times, a tick twice
        }
    }

    private long LogStart()
    {
        var asker = CreateTestProbe();
        Akka.Persistence.Persistence.Instance.Apply(Sys).JournalFor(ControllerActor.JournalId).Tell(new JournalProtocol.DescribeQuorum(ControllerActor.ControllerId), asker);
        return asker.ExpectMsg<JournalProtocol.QuorumDescribed>(Deadline).LogStart;
    }

    private static string Text(MetadataImage image) => JsonSerializer.Serialize(ImageDocument.Of(image), ControllerJson.Default.ImageDocument);

    private Guid NewId() => new(++_ids, 5, 5, new byte[8]);

    /// <summary>Answers one question, and stops for any other command.</summary>
    private sealed class Stopping : ReceiveActor
    {
        public Stopping()
        {
            Receive<DescribeQuorum>(_ => Sender.Tell(new VotersAltered(ErrorCode.None, null, [])));
            Receive<ICommand>(_ => Context.Stop(Self));
        }
    }

    /// <summary>Moves when it is told to, and counts how often somebody looked.</summary>
    private sealed class SteppedTime : TimeProvider
    {
        private long _ticks;
        private int _looks;

        public int Looks => Volatile.Read(ref _looks);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp()
        {
            Interlocked.Increment(ref _looks);
            return Interlocked.Read(ref _ticks);
        }

        public void Advance(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);
    }

    /// <summary>A node: a probe that follows the metadata.</summary>
    private sealed class Node(ControllerActorTests test, int id)
    {
        private readonly MetadataFollower _follower = new();

        public BrokerId Id { get; } = new(id);

        public TestProbe Probe { get; } = test.CreateTestProbe();

        public long Epoch { get; private set; }

        public MetadataImage Image => _follower.Image;

        public void Register(IActorRef controller)
        {
            Probe.Send(controller, new RegisterBroker(Id, test.NewId(), new DirectoryId(new Guid(id, 2, 2, new byte[8])), null, null, [], CleanShutdown: true, null));
            Epoch = Await<BrokerAccepted>().BrokerEpoch;
            Assert.True(Image.Version >= Epoch, "the metadata comes before the answer");
        }

        public HeartbeatAnswered Beat(IActorRef controller, long? reconciled = null, bool wantsShutdown = false)
        {
            Probe.Send(controller, new BrokerHeartbeat(Id, Epoch, reconciled ?? Image.Version, wantsShutdown));
            var answer = Await<HeartbeatAnswered>();
            Assert.Equal(answer.MetadataVersion, Image.Version);
            return answer;
        }

        public void Reconcile(IActorRef controller) => Probe.Send(controller, new ReconcileCompleted(Id, Epoch, Image.Version));

        public void FollowUntil(Func<MetadataImage, bool> holds)
        {
            while (!holds(Image)) Follow(Probe.ExpectMsg<IControllerMessage>(Deadline));
        }

        public T Await<T>()
            where T : IControllerMessage
        {
            while (true)
            {
                var message = Probe.ExpectMsg<IControllerMessage>(Deadline);
                if (message is T expected) return expected;
                Follow(message);
            }
        }

        private void Follow(IControllerMessage message)
        {
            var result = message switch
            {
                MetadataDelta delta => _follower.On(delta),
                MetadataSnapshot snapshot => _follower.On(snapshot),
                _ => FollowResult.Known,
            };
            Assert.NotEqual(FollowResult.Gap, result);
        }
    }
}
