using ActorBroker.Messaging;

namespace ActorBroker.Client.Tests.Messaging;

/// <summary>Scenario: someone types where the broker is.</summary>
public class BrokerAddressTests
{
    [Theory]
    [InlineData("localhost:4053", "actorbroker", "localhost", 4053)]
    [InlineData("  kafka-1.example.org:9999 ", "actorbroker", "kafka-1.example.org", 9999)]
    [InlineData("my-sys_1@10.0.0.7:1", "my-sys_1", "10.0.0.7", 1)]
    [InlineData("[::1]:4053", "actorbroker", "[::1]", 4053)]
    [InlineData("s@[2001:DB8:0::7]:65535", "s", "[2001:db8::7]", 65535)]
    public void A_good_address_is_taken(string text, string system, string host, int port)
    {
        Assert.Equal(new BrokerAddress(system, host, port), BrokerAddress.Parse(text));
    }

    [Theory]
    [InlineData("", "host is missing", "port is missing")]
    [InlineData("localhost", "port is missing")]
    [InlineData("localhost:", "port is missing")]
    [InlineData(":4053", "host is missing")]
    [InlineData("localhost:0", "'0' is no port")]
    [InlineData("localhost:65536", "'65536' is no port")]
    [InlineData("localhost:-1", "'-1' is no port")]
    [InlineData("::1", "brackets", "port is missing")]
    [InlineData("[::1]", "port is missing")]
    [InlineData("[nonsense]:4053", "'[nonsense]' is no host")]
    [InlineData("a b:4053", "'a b' is no host")]
    [InlineData("@localhost:4053", "'' is no name")]
    [InlineData("-x@lo cal:no", "'-x' is no name", "'lo cal' is no host", "'no' is no port")]
    public void All_that_is_wrong_is_listed(string text, params string[] faults)
    {
        Assert.False(BrokerAddress.TryParse(text, out _, out var error));
        Assert.All(faults, fault => Assert.Contains(fault, error));
        Assert.Equal(error, Assert.Throws<FormatException>(() => BrokerAddress.Parse(text)).Message);
    }

    [Fact]
    public void Several_addresses_are_separated_by_commas_and_their_faults_listed_together()
    {
        Assert.Equal(["a:1", "b@c:2"], BrokerAddress.ParseList("a:1, b@c:2,").Select(a => a.ToString()));

        var error = Assert.Throws<FormatException>(() => BrokerAddress.ParseList("a:1,b,c:x"));
        Assert.Contains("'b' is no broker address", error.Message);
        Assert.Contains("'c:x' is no broker address", error.Message);
        Assert.Throws<FormatException>(() => BrokerAddress.ParseList(" , "));
    }

    [Fact]
    public void Localhost_stands_for_every_text_the_broker_may_call_itself_by()
    {
        Assert.Equal(
            ["akka.tcp://actorbroker@localhost:4053", "akka.tcp://actorbroker@127.0.0.1:4053", "akka.tcp://actorbroker@[::1]:4053"],
            BrokerAddress.Parse("localhost:4053").Candidates().Select(a => a.ToString()));
        Assert.Equal(
            ["akka.ssl.tcp://x@10.0.0.7:1"],
            BrokerAddress.Parse("x@10.0.0.7:1").Candidates("akka.ssl.tcp").Select(a => a.ToString()));
    }
}
