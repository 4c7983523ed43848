using ActorBroker.Hosting;
using ActorBroker.Journal;
using Akka.Configuration;

namespace ActorBroker.Tests.Hosting;

/// <summary>The broker's settings: reference.conf and code agree, and what is wrong is said all at once.</summary>
public class BrokerOptionsTests
{
    private static readonly Config Reference = ConfigurationFactory.FromResource("reference.conf", typeof(Broker).Assembly);

    [Fact]
    public void The_defaults_are_valid_and_a_data_folder_is_found_for_each_node()
    {
        var options = BrokerOptions.Read(Reference);
        Assert.Equal(1, options.NodeId.Value);
        Assert.EndsWith(Path.Combine("actorbroker", "node-1"), options.DataDirectory, StringComparison.Ordinal);
        Assert.Null(options.ClusterId);
        Assert.Empty(options.TopicDefaults.BrokerValues);
        Assert.Equal(3, options.Controller.DefaultReplicationFactor);
    }

    [Fact]
    public void Every_key_of_reference_conf_is_read_and_every_key_read_is_in_it()
    {
        var reader = new OptionsReader(Reference.GetConfig(BrokerOptions.Section), BrokerOptions.Section);
        BrokerOptions.Read(reader);
        reader.ThrowIfFaulty();
        var written = Keys(Reference.GetConfig(BrokerOptions.Section).Root.GetObject()!.Items, "")
            .Where(key => !key.StartsWith("api-dispatcher.", StringComparison.Ordinal)) // read by Akka
            .Order(StringComparer.Ordinal);
        Assert.Equal(written, reader.KeysRead.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void All_faults_are_listed_together()
    {
        var config = ConfigurationFactory.ParseString("""
            actorbroker {
              node.id = -1
              num.partitions = many
              log.retention.ms = -5
              log.cleanup.policy = "compact,squeeze"
            }
            """).WithFallback(Reference);
        var fault = Assert.Throws<BrokerConfigurationException>(() => BrokerOptions.Read(config));
        Assert.Equal(4, fault.Faults.Count);
        Assert.Contains("actorbroker.node.id = -1 must be from 0", fault.Message, StringComparison.Ordinal);
        Assert.Contains("actorbroker.num.partitions = many is not a whole number", fault.Message, StringComparison.Ordinal);
        Assert.Contains("actorbroker.log.retention.ms = -5 must be at least -1", fault.Message, StringComparison.Ordinal);
        Assert.Contains("actorbroker.log.cleanup.policy = compact,squeeze must be delete, compact or compact,delete", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-1", 3)]
    [InlineData("1", 1)]
    [InlineData("0", 0)]
    public void Internal_topics_have_three_replicas_unless_it_is_said_otherwise(string configured, int factor)
    {
        var config = ConfigurationFactory.ParseString($"actorbroker.offsets.topic.replication.factor = {configured}").WithFallback(Reference);
        if (factor > 0) Assert.Equal(factor, BrokerOptions.Read(config).Controller.InternalReplicationFactor);
        else Assert.Single(Assert.Throws<BrokerConfigurationException>(() => BrokerOptions.Read(config)).Faults);
    }

    [Fact]
    public void A_broker_key_becomes_the_default_of_its_topic_key()
    {
        var options = BrokerOptions.Read(ConfigurationFactory.ParseString("actorbroker.log.retention.ms = 1000").WithFallback(Reference));
        Assert.Equal("1000", options.TopicDefaults.Default("retention.ms", replicationFactor: 1));
    }

    [Theory]
    [InlineData(1, "1")]
    [InlineData(2, "1")]
    [InlineData(3, "2")]
    [InlineData(5, "2")]
    public void Min_insync_replicas_is_two_from_replication_factor_three_on_unless_it_is_set(int factor, string expected)
    {
        Assert.Equal(expected, BrokerOptions.Read(Reference).TopicDefaults.Default("min.insync.replicas", factor));
        var configured = BrokerOptions.Read(ConfigurationFactory.ParseString("actorbroker.min.insync.replicas = 1").WithFallback(Reference));
        Assert.Equal("1", configured.TopicDefaults.Default("min.insync.replicas", factor));
    }

    [Fact]
    public void What_journals_read_stands_beside_it_without_conflict() =>
        Assert.Equal("ActorBroker.Journal.CommitLogJournal, ActorBroker", Reference.WithFallback(JournalLogs.DefaultConfig()).GetString("actorbroker.journal.commit-log.class"));

    private static IEnumerable<string> Keys(IDictionary<string, Akka.Configuration.Hocon.HoconValue> section, string prefix)
    {
        foreach (var (key, value) in section)
        {
            if (value.IsObject())
            {
                foreach (var inner in Keys(value.GetObject()!.Items, $"{prefix}{key}."))
                    yield return inner;
            }
            else
            {
                yield return prefix + key;
            }
        }
    }
}
