using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Client.Tests.Messaging;

/// <summary>Scenario: systems that were created with and without the configuration talk over Akka.Remote.</summary>
public class ApiMessagesTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly Config Remote = ConfigurationFactory.ParseString("""
        akka {
          loglevel = WARNING
          actor.provider = remote
          remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
        }
        """);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Registering_is_idempotent_and_binds_every_envelope(bool configured)
    {
        var system = configured ? ActorSystem.Create("one", MessagingConfig.Reference) : ActorSystem.Create("one");
        try
        {
            ApiMessages.Register(system);
            var first = system.Serialization.FindSerializerForType(typeof(ApiRequest));
            ApiMessages.Register(system);

            Assert.IsType<ApiMessageSerializer>(first);
            Assert.Equal(4053, first.Identifier);
            foreach (var envelope in new[] { typeof(ApiRequest), typeof(ApiResponse), typeof(ApiRejected) })
                Assert.Same(first, system.Serialization.FindSerializerForType(envelope));
            var bytes = first.ToBinary(new ApiRejected(1, ErrorCode.None, "x"));
            Assert.IsType<ApiRejected>(system.Serialization.Deserialize(bytes, 4053, "X"));
        }
        finally
        {
            await system.Terminate();
        }
    }

    [Fact]
    public async Task A_request_crosses_the_wire_and_its_answer_comes_back()
    {
        var broker = ActorSystem.Create("actorbroker", MessagingConfig.Reference.WithFallback(Remote));
        var client = ActorSystem.Create("application", Remote);
        try
        {
            ApiMessages.Register(broker);
            ApiMessages.Register(client);
            broker.ActorOf(Props.Create(() => new Answering()), "actorbroker");
            var port = ((ExtendedActorSystem)broker).Provider.DefaultAddress.Port!.Value;
            var address = BrokerAddress.Parse($"127.0.0.1:{port}").Candidates()[0];
            var target = client.ActorSelection(new RootActorPath(address) / "user" / "actorbroker");

            var answer = await target.Ask<ApiResponse>(new ApiRequest(42, "test", 128_000, new MetadataRequest { Topics = null }), Patience);
            Assert.Equal(42, answer.CorrelationId);
            Assert.Equal("c1", ((MetadataResponse)answer.Body).ClusterId);

            var rejected = await target.Ask<ApiRejected>(new ApiRequest(43, "test", 128_000, new DeleteTopicsRequest()), Patience);
            Assert.Equal((43, ErrorCode.ClusterAuthorizationFailed), (rejected.CorrelationId, rejected.ErrorCode));
        }
        finally
        {
            await Task.WhenAll(client.Terminate(), broker.Terminate());
        }
    }

    private sealed class Answering : ReceiveActor
    {
        public Answering()
        {
            Receive<ApiRequest>(
                request => request.Body is MetadataRequest,
                request => Sender.Tell(request.Answer(new MetadataResponse { ClusterId = "c1" })));
            Receive<ApiRequest>(request => Sender.Tell(request.Reject(ErrorCode.ClusterAuthorizationFailed, "no")));
        }
    }
}
