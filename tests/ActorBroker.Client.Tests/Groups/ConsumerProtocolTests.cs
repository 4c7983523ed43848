using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client.Tests.Groups;

/// <summary>The bytes that members exchange: Kafka's, field by field.</summary>
public class ConsumerProtocolTests
{
    private static readonly TopicPartition[] Owned = [new("u", 1), new("t", 3), new("t", 0)];

    [Fact]
    public void A_subscription_has_Kafkas_bytes_sorted_as_Kafka_sorts_them()
    {
        var bytes = ConsumerProtocol.WriteSubscription(AssignmentStrategy.Range, ["u", "t"], Owned, Owned, 9, "r1");
        Assert.Equal(
            "0003" + "00000002" + "000174" + "000175" + "FFFFFFFF"
            + "00000002" + "000174" + "00000002" + "00000000" + "00000003" + "000175" + "00000001" + "00000001"
            + "00000009" + "00027231",
            Convert.ToHexString(bytes));
        var read = ConsumerProtocol.ReadSubscription("m", "i", AssignmentStrategy.Range, bytes);
        Assert.Equal(["t", "u"], read.Topics);
        Assert.Equal([new("t", 0), new("t", 3), new("u", 1)], read.Owned);
        Assert.Equal(("m", "i", 9), (read.Id, read.InstanceId, read.Generation));
    }

    [Fact]
    public void Sticky_members_tell_what_they_had_in_their_user_data()
    {
        var bytes = ConsumerProtocol.WriteSubscription(AssignmentStrategy.Sticky, ["t"], [], [new("t", 5)], 4, null);
        Assert.Equal(
            "0003" + "00000001" + "000174" + "00000013" + "00000001" + "000174" + "00000001" + "00000005" + "00000004" + "00000000" + "00000004" + "FFFF",
            Convert.ToHexString(bytes));
        var read = ConsumerProtocol.ReadSubscription("m", null, AssignmentStrategy.Sticky, bytes);
        Assert.Equal([new TopicPartition("t", 5)], read.Owned);
        Assert.Equal(4, read.Generation);
    }

    [Theory]
    [InlineData("0000" + "00000001" + "000174" + "FFFFFFFF", 0, -1)]
    [InlineData("0000" + "00000001" + "000174" + "00000004" + "00000007", 0, 7)]
    [InlineData("0001" + "00000001" + "000174" + "FFFFFFFF" + "00000001" + "000174" + "00000001" + "00000002", 1, -1)]
    [InlineData("0002" + "00000001" + "000174" + "FFFFFFFF" + "00000001" + "000174" + "00000001" + "00000002" + "00000008", 1, 8)]
    [InlineData("0009" + "00000001" + "000174" + "FFFFFFFF" + "00000000" + "00000008" + "FFFF" + "DEADBEEF", 0, 8)]
    public void Subscriptions_of_other_versions_are_understood(string hex, int owned, int generation)
    {
        var read = ConsumerProtocol.ReadSubscription("m", null, AssignmentStrategy.CooperativeSticky, Convert.FromHexString(hex));
        Assert.Equal((owned, generation), (read.Owned.Count, read.Generation));
        Assert.Equal(["t"], read.Topics);
    }

    [Fact]
    public void An_assignment_has_Kafkas_bytes_and_none_at_all_is_an_empty_one()
    {
        var bytes = ConsumerProtocol.WriteAssignment(Owned);
        Assert.Equal(
            "0003" + "00000002" + "000174" + "00000002" + "00000000" + "00000003" + "000175" + "00000001" + "00000001" + "FFFFFFFF", Convert.ToHexString(bytes));
        Assert.Equal([new("t", 0), new("t", 3), new("u", 1)], ConsumerProtocol.ReadAssignment(bytes));
        Assert.Empty(ConsumerProtocol.ReadAssignment(default));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0003" + "7FFFFFFF")]
    [InlineData("0003" + "00000001" + "000174" + "FFFFFFFF" + "00000001" + "000174" + "40000000")]
    public void Garbage_is_refused(string hex) => Assert.Throws<ProtocolException>(
        () => ConsumerProtocol.ReadSubscription("m", null, AssignmentStrategy.Range, Convert.FromHexString(hex)));
}
