using ActorBroker.Protocol.Tests.Golden;

namespace ActorBroker.Protocol.Tests;

/// <summary>
/// Scenario: Kafka's own client classes wrote a body of every message in every version; ours must write the same bytes from
/// the same values, and read the same values from those bytes.
/// </summary>
public class GoldenTests
{
    public static TheoryData<string> Messages => [.. GoldenFile.MessageNames];

    [Theory]
    [MemberData(nameof(Messages))]
    public void Writes_what_Kafka_writes(string message)
    {
        foreach (var line in GoldenFile.Of(message))
        {
            var built = MessageTools.FromJson(message, line.Values);

            Assert.True(line.Bytes.AsSpan().SequenceEqual(built.ToBytes(line.Version)), $"{line}: {Convert.ToHexString(built.ToBytes(line.Version))}");
        }
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void Reads_what_Kafka_writes(string message)
    {
        foreach (var line in GoldenFile.Of(message))
        {
            var difference = MessageTools.Difference(MessageTools.FromJson(message, line.Values), line.Read());

            Assert.True(difference is null, $"{line} differs at {difference}");
        }
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void There_is_a_golden_body_for_every_version(string message)
    {
        var info = ApiRegistry.Get(GoldenFile.Of(message).First().Key);
        var versions = GoldenFile.Of(message).Where(l => l.Variant == "full").Select(l => (int)l.Version);

        Assert.Equal(Enumerable.Range(info.MinVersion, info.MaxVersion - info.MinVersion + 1), versions);
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_body_cut_anywhere_is_refused(string message)
    {
        foreach (var line in GoldenFile.Of(message))
        {
            for (var length = 0; length < line.Bytes.Length; length++)
            {
                var cut = line.Bytes.AsMemory(0, length);
                var error = Assert.Throws<ProtocolException>(() => line.Read(cut));
                Assert.Equal(ProtocolFault.Malformed, error.Fault);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_body_with_a_byte_too_many_is_refused(string message)
    {
        foreach (var line in GoldenFile.Of(message))
            Assert.Throws<ProtocolException>(() => line.Read(line.Bytes.Append((byte)0).ToArray()));
    }

    [Fact]
    public void Headers_are_Kafkas()
    {
        foreach (var text in GoldenFile.Text("headers.txt"))
        {
            var words = text.Split(' ');
            var (key, version) = ((ApiKey)short.Parse(words[0]), short.Parse(words[1]));
            var request = new RequestHeader(key, version, 77 + version, version % 2 == 0 ? null : "kl\u00efent");

            Assert.Equal(short.Parse(words[2]), ApiRegistry.RequestHeaderVersion(key, version));
            Assert.Equal(short.Parse(words[4]), ApiRegistry.ResponseHeaderVersion(key, version));

            var requestBytes = new byte[64];
            var requestWriter = new ProtocolWriter(requestBytes);
            request.Write(ref requestWriter);
            Assert.Equal(words[3], Convert.ToHexStringLower(requestBytes.AsSpan(0, requestWriter.Length)));
            var requestReader = new ProtocolReader(Convert.FromHexString(words[3]));
            Assert.Equal(request, RequestHeader.Read(ref requestReader));
            requestReader.ExpectEnd("header");

            var responseBytes = new byte[64];
            var responseWriter = new ProtocolWriter(responseBytes);
            new ResponseHeader(77 + version).Write(ref responseWriter, short.Parse(words[4]));
            Assert.Equal(words[5], Convert.ToHexStringLower(responseBytes.AsSpan(0, responseWriter.Length)));
            var responseReader = new ProtocolReader(Convert.FromHexString(words[5]));
            Assert.Equal(77 + version, ResponseHeader.Read(ref responseReader, short.Parse(words[4])).CorrelationId);
        }
    }

    [Fact]
    public void Error_codes_names_and_retriability_are_Kafkas()
    {
        var lines = GoldenFile.Text("errors.txt");
        Assert.Equal(lines.Length, Enum.GetValues<ErrorCode>().Length);
        foreach (var text in lines)
        {
            var words = text.Split(' ');
            var code = (ErrorCode)short.Parse(words[0]);
            Assert.Equal(words[1], code.KafkaName());
            Assert.Equal(bool.Parse(words[2]), code.IsRetriable());
            Assert.Equal(words[1].Replace("_", ""), code.ToString(), ignoreCase: true);
            Assert.True(ErrorCodes.TryParse(words[1], out var parsed) && parsed == code);
            Assert.EndsWith(".", code.Describe());
        }
    }
}
