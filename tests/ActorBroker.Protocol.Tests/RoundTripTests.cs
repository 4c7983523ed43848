using ActorBroker.Protocol.Tests.Golden;

namespace ActorBroker.Protocol.Tests;

/// <summary>Scenario: random values in every message and version are written and read back.</summary>
public class RoundTripTests
{
    private const int Rounds = 25;

    public static TheoryData<string> Messages => [.. GoldenFile.MessageNames];

    [Theory]
    [MemberData(nameof(Messages))]
    public void What_is_written_is_read(string message)
    {
        foreach (var full in GoldenFile.Of(message).Where(l => l.Variant == "full"))
        {
            for (var seed = 1; seed <= Rounds; seed++)
            {
                var original = new RandomMessages(message, full.Version, new Random(seed)).Next();
                var bytes = original.ToBytes(full.Version);
                var read = full.Read(bytes);

                var difference = MessageTools.Difference(original, read);
                Assert.True(difference is null, $"{message} v{full.Version}, seed {seed}: differs at {difference}");
                Assert.True(bytes.AsSpan().SequenceEqual(read.ToBytes(full.Version)), $"{message} v{full.Version}, seed {seed}: other bytes");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void Gathering_leaves_out_the_records_and_nothing_else(string message)
    {
        foreach (var full in GoldenFile.Of(message).Where(l => l.Variant == "full"))
        {
            var original = new RandomMessages(message, full.Version, new Random(7)).Next();
            var measure = ProtocolWriter.Measure();
            original.Write(ref measure, full.Version);
            var segments = new List<RecordSegment>();
            var frame = new byte[measure.Length - measure.RecordBytes];
            var writer = new ProtocolWriter(frame, segments);
            original.Write(ref writer, full.Version);

            Assert.Equal(measure.Length, writer.Length);
            Assert.Equal(original.ToBytes(full.Version), Join(frame, segments));
        }
    }

    private static byte[] Join(byte[] frame, List<RecordSegment> segments)
    {
        var joined = new MemoryStream();
        var from = 0;
        foreach (var segment in segments)
        {
            joined.Write(frame, from, segment.Position - from);
            joined.Write(segment.Bytes.Span);
            from = segment.Position;
        }

        joined.Write(frame, from, frame.Length - from);
        return joined.ToArray();
    }
}
