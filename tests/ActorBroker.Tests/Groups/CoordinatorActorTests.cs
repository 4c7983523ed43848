using System.Collections.Immutable;
using ActorBroker.Groups;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using ActorBroker.Replication;
using ActorBroker.Tests.Api;
using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using static ActorBroker.Groups.CoordinatorProtocol;

namespace ActorBroker.Tests.Groups;

/// <summary>
/// A coordinator over a real partition on a simulated disk, with the test as controller and clients: it serves while its
/// node leads, sends everybody away when it does not, and finds in the log what it had answered.
/// </summary>
public sealed class CoordinatorActorTests : TestKit
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly DataPath _node;
    private readonly CoordinatorDirectory _coordinators;
    private readonly IActorRef _manager;
    private readonly TestProbe _client;
    private TopicImage _topic;
    private long _call;

    public CoordinatorActorTests() : base(DataPath.Config)
    {
        _node = new DataPath(this);
        _client = CreateTestProbe("member");
        _coordinators = new CoordinatorDirectory(DataPath.Self, _node.Cache);
        var ids = 0;
        _manager = Sys.ActorOf(CoordinatorManagerActor.Props(new CoordinatorManagerSetup(
            DataPath.Self, _coordinators, _node.Partitions, GroupScript.Standard, () => new Guid(++ids, 0, 0, new byte[8]), _node.Time)));
        _topic = _node.CreateTopic(GroupPartitioner.Topic);
        _manager.Tell(new MetadataChanged(_node.Image));
    }

    [Fact]
    public void What_was_answered_is_there_after_a_failed_write_and_the_coordinator_serves_again_by_itself()
    {
        var answered = 0L;
        for (var i = 1; i <= 12; i++)
        {
            if (i % 4 == 0) _node.Files.FailNext(FileOperation.Write, ".log");
            var error = Commit(i);
            if (error == ErrorCode.None) answered = i;
            else Assert.Equal(ErrorCode.NotCoordinator, error);
        }

        // What was not answered may have been stored all the same, but nothing that was answered later is undone by it.
        Assert.Equal(12, CommitUntilAnswered(12));
        Assert.True(answered >= 8);
    }

    [Fact]
    public void With_a_new_epoch_the_coordinator_loads_anew_and_whoever_waited_is_sent_away()
    {
        CommitUntilAnswered(7);
        var member = Joined(Send(key => new Join(new JoinInput(key, GroupScript.Request(), "app", "host", TakesNewId: false, MaySkipAssignment: false)))).MemberId;
        var other = Send(key => new Join(new JoinInput(key, GroupScript.Request(), "app", "host", TakesNewId: false, MaySkipAssignment: false)));

        Lead(DataPath.Self, epoch: 5);

        Assert.Equal(ErrorCode.NotCoordinator, Joined(other).ErrorCode);
        Assert.Equal(7, Fetch());
        // The generation was never stored, so nobody owned anything in it.
        Assert.Equal(ErrorCode.UnknownMemberId, Assert.IsType<HeartbeatResponse>(Ask(key => new Heartbeat(key, new HeartbeatRequest { GroupId = GroupScript.Group, MemberId = member, GenerationId = 1 }))).ErrorCode);
    }

    [Fact]
    public void When_another_node_leads_nothing_is_answered_but_who_to_look_for()
    {
        CommitUntilAnswered(7);
        var coordinator = _coordinators.Find(GroupScript.Group, out _)!;
        Lead(new BrokerId(2), epoch: 5);

        Assert.Null(_coordinators.Find(GroupScript.Group, out var error));
        Assert.Equal(ErrorCode.NotCoordinator, error);
        Assert.Empty(_coordinators.Leading);
        AwaitAssert(() => Assert.Equal(ErrorCode.NotCoordinator, Answer(SendTo(coordinator, key => new Fetch(key, GroupScript.Group, null)))), Deadline, TimeSpan.FromMilliseconds(20));

        Lead(DataPath.Self, epoch: 6);
        Assert.Equal(7, Fetch());
    }

    [Fact]
    public void A_node_that_has_lost_the_controller_coordinates_nobody()
    {
        CommitUntilAnswered(7);
        _node.Partitions.IsSelfFenced = true;
        Assert.Equal(ErrorCode.NotCoordinator, Ask(key => new Fetch(key, GroupScript.Group, null)));
        _node.Partitions.IsSelfFenced = false;
        Assert.Equal(7, Fetch());
    }

    [Fact]
    public void A_commit_that_no_replica_could_have_is_refused_retriably()
    {
        CommitUntilAnswered(7);
        var alone = _topic.Partitions[0] with { Replicas = [DataPath.Self, new BrokerId(2)], PartitionEpoch = _topic.Partitions[0].PartitionEpoch + 1 };
        _topic = _topic.With(alone) with { Overrides = _topic.Overrides.SetItem("min.insync.replicas", "2") };
        Change();
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, Commit(8));
        Assert.Equal(7, Fetch());
    }

    private ErrorCode Commit(long offset)
    {
        while (true)
        {
            var answer = Ask(key => new Commit(new CommitInput(key, GroupScript.Group, -1, "", null, -1, [new CommitEntry(new TopicPartition("flights", 0), new Offset(offset), LeaderEpoch.None, "")])));
            if (answer is OffsetErrors errors) return errors.Errors[0];
            if ((ErrorCode)answer != ErrorCode.CoordinatorLoadInProgress) return (ErrorCode)answer;
            _client.ExpectNoMsg(TimeSpan.FromMilliseconds(10));
        }
    }

    private long CommitUntilAnswered(long offset)
    {
        AwaitCondition(() => Commit(offset) == ErrorCode.None, Deadline, TimeSpan.FromMilliseconds(20));
        return Fetch();
    }

    private long Fetch()
    {
        FetchedOffsets? fetched = null;
        AwaitCondition(() => (fetched = Ask(key => new Fetch(key, GroupScript.Group, [new TopicPartition("flights", 0)])) as FetchedOffsets) is not null, Deadline, TimeSpan.FromMilliseconds(20));
        return fetched!.Offsets[0].Committed!.Offset.Value;
    }

    private object Ask(Func<RequestKey, IQuestion> question)
    {
        AwaitCondition(() => _coordinators.Find(GroupScript.Group, out _) is not null, Deadline, TimeSpan.FromMilliseconds(20));
        return Answer(Send(question));
    }

    private long Send(Func<RequestKey, IQuestion> question) => SendTo(_coordinators.Find(GroupScript.Group, out _)!, question);

    private long SendTo(IActorRef coordinator, Func<RequestKey, IQuestion> question)
    {
        coordinator.Tell(question(new RequestKey(_client.Ref, ++_call, 0)));
        return _call;
    }

    private object Answer(long call) => _client.FishForMessage<Answer>(answer => answer.Call == call, Deadline).Value;

    private JoinGroupResponse Joined(long call) =>
        Answer(call) is JoinGroupResponse joined ? joined : new JoinGroupResponse { ErrorCode = ErrorCode.UnknownServerError };

    private void Lead(BrokerId leader, int epoch)
    {
        var partition = _topic.Partitions[0];
        var replicas = ImmutableArray.Create(DataPath.Self, new BrokerId(2));
        _topic = _topic.With(partition with { Replicas = replicas, Isr = [leader], Leader = leader, LeaderEpoch = new LeaderEpoch(epoch), PartitionEpoch = partition.PartitionEpoch + 1 });
        Change();
    }

    private void Change()
    {
        _node.Change(_topic);
        _manager.Tell(new MetadataChanged(_node.Image));
    }
}
