using ActorBroker.Groups;

namespace ActorBroker.Tests.Groups;

/// <summary>Groups lie where Kafka would put them; the expected numbers are Java's.</summary>
public class GroupPartitionerTests
{
    [Theory]
    [InlineData("delays", 34)]
    [InlineData("", 0)]
    [InlineData("polygenelubricants", 0)]
    [InlineData("console-consumer-48213", 9)]
    [InlineData("grüppe-漢", 9)]
    [InlineData("zzzzzzzzzz", 12)]
    public void A_group_lies_in_Kafkas_partition(string group, int expected) => Assert.Equal(expected, GroupPartitioner.PartitionOf(group, 50));
}
