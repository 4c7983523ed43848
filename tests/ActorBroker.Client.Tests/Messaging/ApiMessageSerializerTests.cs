using System.Runtime.InteropServices;
using System.Runtime.Serialization;
using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.Actor;

namespace ActorBroker.Client.Tests.Messaging;

/// <summary>Scenario: envelopes become bytes and envelopes again; bytes of newer or hostile peers do no harm.</summary>
public sealed class ApiMessageSerializerTests : IDisposable
{
    private readonly ActorSystem _system = ActorSystem.Create("messaging", MessagingConfig.Reference);
    private readonly ApiMessageSerializer _serializer;

    public ApiMessageSerializerTests() => _serializer = new ApiMessageSerializer((ExtendedActorSystem)_system);

    public void Dispose() => _system.Terminate().Wait(TimeSpan.FromSeconds(30));

    [Fact]
    public void A_request_arrives_as_it_was_sent()
    {
        var sent = new ApiRequest(7, "me", 128_000, new MetadataRequest { Topics = null, AllowAutoTopicCreation = false });
        var arrived = (ApiRequest)RoundTrip(sent);

        Assert.Equal((7, "me", 128_000, (short)12), (arrived.CorrelationId, arrived.ClientId, arrived.MaxResponseBytes, arrived.Version));
        Assert.False(((MetadataRequest)arrived.Body).AllowAutoTopicCreation);
        Assert.Equal("Q3:12", _serializer.Manifest(sent));
    }

    [Fact]
    public void An_answer_travels_in_the_version_of_its_request()
    {
        var request = new ApiRequest(7, null, 128_000, new FetchRequest()) { Version = 11 };
        var response = request.Answer(new FetchResponse { SessionId = 5 });
        var arrived = (ApiResponse)RoundTrip(response);

        Assert.Equal("R1:11", _serializer.Manifest(response));
        Assert.Equal((7, (short)11), (arrived.CorrelationId, arrived.Version));
        Assert.Equal(5, ((FetchResponse)arrived.Body).SessionId);
    }

    [Fact]
    public void A_rejection_arrives_as_it_was_sent_but_no_longer_than_anyone_reads()
    {
        var rejected = new ApiRejected(9, ErrorCode.TopicAuthorizationFailed, "you may not");

        Assert.Equal(rejected, RoundTrip(rejected));
        Assert.Equal(4096, ((ApiRejected)RoundTrip(rejected with { Message = new string('\u6f22', 100_000) })).Message.Length);
    }

    [Fact]
    public void A_goodbye_arrives()
    {
        Assert.Equal("G", _serializer.Manifest(ApiGoodbye.Instance));
        Assert.Same(ApiGoodbye.Instance, RoundTrip(ApiGoodbye.Instance));
    }

    [Fact]
    public void Sending_allocates_the_array_and_nothing_else()
    {
        var request = Produce(50_000);
        _serializer.ToBinary(request); // whatever is made once
        var before = GC.GetAllocatedBytesForCurrentThread();
        var bytes = _serializer.ToBinary(request);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.InRange(allocated, bytes.Length, bytes.Length + 32); // the array's own header, rounded up
    }

    [Fact]
    public void Received_records_are_slices_of_the_received_array()
    {
        var bytes = _serializer.ToBinary(Produce(50_000));
        var arrived = (ApiRequest)_serializer.FromBinary(bytes, "Q0:9");
        var records = ((ProduceRequest)arrived.Body).TopicData[0].PartitionData[0].Records!.Value;

        Assert.True(MemoryMarshal.TryGetArray(records, out var segment));
        Assert.Same(bytes, segment.Array);
        Assert.Equal(50_000, segment.Count);
    }

    [Theory]
    [InlineData("Q0:10", "3 to 9")]
    [InlineData("Q0:2", "3 to 9")]
    [InlineData("Q999:0", "API 999")]
    public void A_request_of_a_version_not_known_here_is_answered_with_a_rejection(string manifest, string says)
    {
        var unreadable = Assert.IsType<ApiUnreadable>(_serializer.FromBinary(_serializer.ToBinary(Produce(10)), manifest));
        var rejected = unreadable.Reject();

        Assert.Equal((3, ErrorCode.UnsupportedVersion), (rejected.CorrelationId, rejected.ErrorCode));
        Assert.Contains(says, rejected.Message);
    }

    [Fact]
    public void A_response_that_cannot_be_read_becomes_a_rejection()
    {
        var bytes = _serializer.ToBinary(new ApiResponse(4, new MetadataResponse()));
        var cut = Assert.IsType<ApiRejected>(_serializer.FromBinary(bytes[..^1], "R3:12"));
        var newer = Assert.IsType<ApiRejected>(_serializer.FromBinary(bytes, "R3:99"));
        var longer = Assert.IsType<ApiRejected>(_serializer.FromBinary([.. bytes, 0], "R3:12"));

        Assert.Equal((4, ErrorCode.InvalidRequest), (cut.CorrelationId, cut.ErrorCode));
        Assert.Equal(ErrorCode.UnsupportedVersion, newer.ErrorCode);
        Assert.Equal(ErrorCode.InvalidRequest, longer.ErrorCode);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Y")]
    [InlineData("Q")]
    [InlineData("Q0")]
    [InlineData("Q:0")]
    [InlineData("Q0:")]
    [InlineData("Q-1:0")]
    [InlineData("Q0:99999")]
    [InlineData("System.Object, mscorlib")]
    public void A_manifest_that_is_not_ours_is_a_serialization_error(string manifest)
    {
        Assert.Throws<SerializationException>(() => _serializer.FromBinary(new byte[20], manifest));
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 1, 0, 0, 0 })]
    [InlineData(new byte[] { 2, 0, 0, 0, 1, 0, 0 })]
    public void Bytes_that_are_no_envelope_are_a_serialization_error(byte[] bytes)
    {
        Assert.Throws<SerializationException>(() => _serializer.FromBinary(bytes, "X"));
    }

    [Fact]
    public void What_cannot_be_written_is_the_error_that_keeps_the_association()
    {
        var request = new ApiRequest(1, null, 1, new MetadataRequest { AllowAutoTopicCreation = false }) { Version = 3 };

        Assert.Contains("AllowAutoTopicCreation", Assert.Throws<SerializationException>(() => _serializer.ToBinary(request)).Message);
        Assert.Throws<SerializationException>(() => _serializer.ToBinary("text"));
    }

    [Fact]
    public void Random_bytes_give_an_envelope_or_a_serialization_error()
    {
        string[] manifests = ["Q0:9", "R1:16", "R3:12", "X"];
        for (var seed = 1; seed <= 4000; seed++)
        {
            var random = new Random(seed);
            var bytes = new byte[random.Next(300)];
            random.NextBytes(bytes);
            if (bytes.Length > 0)
                bytes[0] = 1;
            try
            {
                _serializer.FromBinary(bytes, manifests[seed % manifests.Length]);
            }
            catch (SerializationException)
            {
                Assert.True(bytes.Length < 5, $"seed {seed}");
            }
        }
    }

    private static ApiRequest Produce(int recordBytes) => new(3, "me", 128_000, new ProduceRequest
    {
        Acks = -1,
        TopicData = [new() { Name = "flights", PartitionData = [new() { Index = 1, Records = new byte[recordBytes] }] }],
    });

    private object RoundTrip(object message) => _serializer.FromBinary(_serializer.ToBinary(message), _serializer.Manifest(message));
}
