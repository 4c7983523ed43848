using ActorBroker.Api;
using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Messaging;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.TestKit;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Tests.Api;

/// <summary>Producer ids at one broker (epoch 11); the test plays clients and controller, whose blocks hold 20 ids.</summary>
public sealed class InitProducerIdTests : Akka.TestKit.Xunit2.TestKit
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private readonly MetadataCache _cache = new();
    private readonly TestProbe _controller;
    private readonly IActorRef _endpoint;

    public InitProducerIdTests()
        : base(DataPath.Config)
    {
        _controller = CreateTestProbe();
        var self = new BrokerImage(new BrokerId(1), 11, Guid.Empty, default, null, [], Fenced: false);
        Assert.True(_cache.TryPublish(MetadataImage.Empty.With(self) with { Version = 20, NextProducerId = 5000 }));
        var gateway = new ControllerGateway(_controller, Deadline * 2);
        var dispatcher = new RequestDispatcher([new InitProducerIdHandler(new ProducerIds(gateway, _cache, new BrokerId(1)), _cache, AllowAll.Instance)]);
        _endpoint = Sys.ActorOf(BrokerEndpointActor.Props(dispatcher, DataPath.Limits));
    }

    [Fact]
    public void Every_producer_gets_an_id_of_its_own_and_the_next_block_is_asked_for_ahead()
    {
        Send(Idempotent());
        Grant(5000);
        Assert.Equal((5000L, 0), Answer());
        for (var id = 5001; id < 5017; id++) Assert.Equal(((long)id, 0), Ask(Idempotent()));
        _controller.ExpectNoMsg(TimeSpan.Zero);
        Assert.Equal((5017L, 0), Ask(Idempotent()));
        // Two are left: they go on being given out while the controller takes its time.
        Assert.Equal((5018L, 0), Ask(Idempotent()));
        Assert.Equal((5019L, 0), Ask(Idempotent()));
        for (var i = 0; i < 5; i++) Send(Idempotent());
        Grant(9000);
        // They all waited for the block; in which order they find it there is nobody's.
        Assert.Equal(Enumerable.Range(0, 5).Select(i => (9000L + i, 0)), Enumerable.Range(0, 5).Select(_ => Answer()).Order());
        _controller.ExpectNoMsg(TimeSpan.Zero);
    }

    [Theory]
    [InlineData(4999, 3, 4999, 4)]
    [InlineData(4999, short.MaxValue - 1, 5000, 0)] // no epoch is left
    [InlineData(5001, 3, 5000, 0)] // of which this node knows nothing
    [InlineData(-1, -1, 5000, 0)]
    public void Who_has_an_id_gets_its_next_epoch(long id, short epoch, long nextId, int nextEpoch)
    {
        Send(Idempotent(id, epoch));
        if (nextId == 5000) Grant(5000);
        Assert.Equal((nextId, nextEpoch), Answer());
    }

    [Theory]
    [InlineData("tx", -1, -1, ErrorCode.UnsupportedVersion)]
    [InlineData("", -1, -1, ErrorCode.InvalidRequest)]
    [InlineData(null, 7, -1, ErrorCode.InvalidRequest)]
    [InlineData(null, -1, 7, ErrorCode.InvalidRequest)]
    public void What_can_not_be_answered_is_refused(string? transactionalId, long id, short epoch, ErrorCode error)
    {
        Send(new InitProducerIdRequest { TransactionalId = transactionalId, ProducerId = id, ProducerEpoch = epoch });
        Assert.Equal(error, Response().ErrorCode);
    }

    [Fact]
    public void Without_a_controller_the_answer_is_retriable_and_the_next_asks_again()
    {
        Send(Idempotent());
        _controller.ExpectMsg<AllocateProducerIds>(Deadline);
        _controller.Reply(new ControllerUnavailable("electing"));
        var error = Response().ErrorCode;
        Assert.Equal(ErrorCode.CoordinatorLoadInProgress, error);
        Assert.True(error.IsRetriable());
        Send(Idempotent());
        _controller.ExpectMsg<AllocateProducerIds>(Deadline);
        _controller.Reply(new ProducerIdBlock(-1, 0, ErrorCode.StaleBrokerEpoch));
        Assert.Equal(ErrorCode.CoordinatorLoadInProgress, Response().ErrorCode);
        Send(Idempotent());
        Grant(5000);
        Assert.Equal((5000L, 0), Answer());
    }

    private void Grant(long first)
    {
        Assert.Equal(new AllocateProducerIds(new BrokerId(1), 11), _controller.ExpectMsg<AllocateProducerIds>(Deadline));
        _controller.Reply(new ProducerIdBlock(first, 20, ErrorCode.None));
    }

    private void Send(InitProducerIdRequest request) => _endpoint.Tell(new ApiRequest(1, "test", int.MaxValue, request), TestActor);

    private static InitProducerIdRequest Idempotent(long id = -1, short epoch = -1) => new() { TransactionalId = null, ProducerId = id, ProducerEpoch = epoch };

    private InitProducerIdResponse Response() => Assert.IsType<InitProducerIdResponse>(ExpectMsg<ApiResponse>(Deadline).Body);

    private (long Id, int Epoch) Answer()
    {
        var response = Response();
        Assert.Equal(ErrorCode.None, response.ErrorCode);
        return (response.ProducerId, response.ProducerEpoch);
    }

    private (long Id, int Epoch) Ask(InitProducerIdRequest request)
    {
        Send(request);
        return Answer();
    }
}
