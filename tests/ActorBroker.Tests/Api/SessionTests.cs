using ActorBroker.Api;
using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;

namespace ActorBroker.Tests.Api;

/// <summary>What one client, or many, can make the broker hold is bounded, and given back.</summary>
public sealed class SessionTests : TestKit
{
    private static readonly SessionLimits Small = new(MaxSessions: 3, MaxPendingPerSession: 5, MaxBytesPerSession: 10_000, MaxBytesTotal: 15_000, TimeSpan.FromMinutes(5));

    public SessionTests() : base(DataPath.Config)
    {
    }

    [Fact]
    public void A_flood_of_requests_is_refused_beyond_the_limit_and_served_again_afterwards()
    {
        var node = new DataPath(this, Small with { MaxBytesPerSession = 1 << 20, MaxBytesTotal = 1 << 20 });
        node.CreateTopic("flights");
        for (var i = 0; i < 50; i++) node.Send(DataPath.Fetch("flights", 0, maxWaitMs: 60_000));
        for (var i = 0; i < 45; i++) Assert.Equal(ErrorCode.ThrottlingQuotaExceeded, node.Client.ExpectMsg<ApiRejected>().ErrorCode);

        // Another client is served meanwhile, and what it writes answers the five fetches that were admitted.
        var other = CreateTestProbe();
        Assert.Equal(0, DataPath.Only(node.Ask<ProduceResponse>(DataPath.Produce("flights", 0, node.Batch("a")), other)).BaseOffset);
        for (var i = 0; i < 5; i++) node.Client.ExpectMsg<ApiResponse>();
        Assert.Equal(1, node.AskProduce("flights", node.Batch("b")).BaseOffset);
    }

    [Fact]
    public void Bytes_under_way_are_bounded_per_client_and_over_all()
    {
        var node = new DataPath(this, Small);
        var topic = node.CreateTopic("flights");
        // acks=all with a replica that never answers: what is produced stays under way.
        node.Change(topic.With(topic.Partitions[0] with { Replicas = [DataPath.Self, new(2)], Isr = [DataPath.Self, new(2)], PartitionEpoch = 1 }));
        var (a, b) = (CreateTestProbe(), CreateTestProbe());
        var produce = DataPath.Produce("flights", 0, node.Batch(new string('x', 5000)), acks: -1, timeoutMs: 600_000);
        node.Send(produce, a);
        a.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        node.Send(produce, a);
        Assert.Contains("max-bytes-per-session", a.ExpectMsg<ApiRejected>().Message, StringComparison.Ordinal);
        node.Send(produce, b);
        b.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        var c = CreateTestProbe();
        node.Send(produce, c);
        Assert.Contains("max-bytes-total", c.ExpectMsg<ApiRejected>().Message, StringComparison.Ordinal);

        // A client that leaves gives back what it held.
        Sys.Stop(a.Ref);
        AwaitAssert(
            () =>
            {
                node.Send(DataPath.Fetch("flights", 0), c);
                c.ExpectMsg<ApiResponse>(TimeSpan.FromSeconds(1));
                node.Send(produce with { TimeoutMs = 1 }, c);
                c.ExpectMsg<ApiResponse>(TimeSpan.FromSeconds(1));
            },
            TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void Sessions_are_bounded_and_end_with_their_clients()
    {
        var node = new DataPath(this, Small);
        node.CreateTopic("flights");
        var clients = Enumerable.Range(0, 3).Select(_ => CreateTestProbe()).ToList();
        foreach (var client in clients) node.Ask<FetchResponse>(DataPath.Fetch("flights", 0), client);
        node.Send(DataPath.Fetch("flights", 0));
        Assert.Contains("max-sessions", node.Client.ExpectMsg<ApiRejected>().Message, StringComparison.Ordinal);

        Sys.Stop(clients[0].Ref);
        AwaitAssert(
            () =>
            {
                node.Send(DataPath.Fetch("flights", 0));
                node.Client.ExpectMsg<ApiResponse>(TimeSpan.FromSeconds(1));
            },
            TimeSpan.FromSeconds(20));
        node.Endpoint.Tell(ApiGoodbye.Instance, clients[1]);
        node.Ask<FetchResponse>(DataPath.Fetch("flights", 0), CreateTestProbe());
    }

    [Fact]
    public void An_idle_session_ends_and_the_client_gets_another_when_it_returns()
    {
        var node = new DataPath(this, Small with { MaxSessions = 1, IdleTimeout = TimeSpan.FromMilliseconds(200) });
        node.CreateTopic("flights");
        node.Ask<FetchResponse>(DataPath.Fetch("flights", 0));
        var other = CreateTestProbe();
        AwaitAssert(
            () =>
            {
                node.Send(DataPath.Fetch("flights", 0), other);
                other.ExpectMsg<ApiResponse>(TimeSpan.FromSeconds(1));
            },
            TimeSpan.FromSeconds(20));
        AwaitAssert(() => Assert.Equal(ErrorCode.None, node.AskFetch("flights", 0).ErrorCode), TimeSpan.FromSeconds(20));
    }

    /// <summary>A handler that throws is our fault: the client hears so at once, and its next requests are served.</summary>
    [Fact]
    public void A_fault_in_a_handler_answers_what_is_open_and_hurts_nobody_else()
    {
        var patient = new Patient();
        var endpoint = Sys.ActorOf(BrokerEndpointActor.Props(new RequestDispatcher([new Faulty(), patient]), DataPath.Limits));
        endpoint.Tell(new ApiRequest(1, "test", 1000, new ListOffsetsRequest()), TestActor);
        endpoint.Tell(new ApiRequest(2, "test", 1000, new MetadataRequest()), TestActor);
        endpoint.Tell(new ApiRequest(3, "test", 1000, new ListOffsetsRequest()), TestActor);
        var answers = new[] { ExpectMsg<ApiRejected>(), ExpectMsg<ApiRejected>() };
        Assert.Equal([1, 2], answers.Select(answer => answer.CorrelationId).Order());
        Assert.All(answers, answer => Assert.Equal(ErrorCode.UnknownServerError, answer.ErrorCode));
        // The reply to the call before the fault must not answer the one after it.
        patient.Next().Reply(new ListOffsetsResponse());
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        patient.Next().Reply(new ListOffsetsResponse());
        Assert.Equal(3, ExpectMsg<ApiResponse>().CorrelationId);
    }

    private sealed class Faulty : IRequestHandler
    {
        public ApiKey ApiKey => ApiKey.Metadata;

        public void Handle(ApiCall call) => throw new InvalidOperationException("a fault of ours");
    }

    private sealed class Patient : IRequestHandler
    {
        private readonly System.Collections.Concurrent.BlockingCollection<ApiCall> _calls = [];

        public ApiKey ApiKey => ApiKey.ListOffsets;

        public void Handle(ApiCall call) => _calls.Add(call);

        public ApiCall Next() => _calls.TryTake(out var call, TimeSpan.FromSeconds(20)) ? call : throw new TimeoutException();
    }
}
