using ActorBroker.Protocol.Tests.Golden;

namespace ActorBroker.Protocol.Tests;

/// <summary>Scenario: a request fails as a whole; whoever sent it, in whatever version, finds the error where that API has it.</summary>
public class ErrorResponseTests
{
    public static TheoryData<string> Requests => [.. GoldenFile.MessageNames.Where(m => m.EndsWith("Request", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Requests))]
    public void Every_request_has_an_error_response_in_its_version(string message)
    {
        foreach (var line in GoldenFile.Of(message).Where(l => l.Variant == "full"))
        {
            var response = ErrorResponses.For((IRequest)line.Read(), ErrorCode.ClusterAuthorizationFailed, "no");

            Assert.Equal(line.Key, response.ApiKey);
            var bytes = response.ToBytes(line.Version);
            Assert.True(bytes.AsSpan().IndexOf(new byte[] { 0, 31 }) >= 0, $"{line}: the code is not in {Convert.ToHexString(bytes)}");
        }
    }

    [Fact]
    public void Each_partition_of_a_failed_produce_carries_the_error()
    {
        var request = new ProduceRequest
        {
            TopicData = [new() { Name = "a", PartitionData = [new() { Index = 1 }, new() { Index = 2 }] }],
        };

        var response = (ProduceResponse)ErrorResponses.For(request, ErrorCode.NotEnoughReplicas);

        Assert.Equal("a", response.Responses[0].Name);
        Assert.Equal([1, 2], response.Responses[0].PartitionResponses.Select(p => p.Index));
        Assert.All(response.Responses[0].PartitionResponses, p =>
        {
            Assert.Equal(ErrorCode.NotEnoughReplicas, p.ErrorCode);
            Assert.Equal(-1, p.BaseOffset);
            Assert.Equal(ErrorCode.NotEnoughReplicas.Describe(), p.ErrorMessage);
        });
    }

    [Fact]
    public void A_code_of_a_later_Kafka_has_a_name_and_is_not_retried()
    {
        var unknown = (ErrorCode)999;

        Assert.Equal("ERROR_999", unknown.KafkaName());
        Assert.False(unknown.IsRetriable());
        Assert.Contains("999", unknown.Describe());
        Assert.False(ErrorCodes.TryParse("NO_SUCH_ERROR", out _));
    }
}
