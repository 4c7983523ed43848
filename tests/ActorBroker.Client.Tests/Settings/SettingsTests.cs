using System.Reflection;
using System.Text.RegularExpressions;
using Akka.Configuration;

namespace ActorBroker.Client.Tests.Settings;

/// <summary>reference.conf and the settings records say the same things, and faults are reported all at once.</summary>
public partial class SettingsTests
{
    private static readonly string[] NotConfigured =
        [nameof(ConsumerSettings.Topics), nameof(ConsumerSettings.Partitions), nameof(ConsumerSettings.Start), nameof(ConsumerSettings.StartOffsets),
        nameof(ConsumerSettings.TopicPattern)];

    /// <summary>Another valid value for each key, so that whether it is read shows.</summary>
    private static readonly Dictionary<string, string> Others = new(StringComparer.Ordinal)
    {
        ["bootstrap.servers"] = "\"other:1\"",
        ["client.id"] = "\"other\"",
        ["acks"] = "1",
        ["partitioner.class"] = "round-robin",
        ["auto.offset.reset"] = "earliest",
        ["check.crcs"] = "false",
        ["retries"] = "7",
        ["group.id"] = "other",
        ["group.instance.id"] = "other\nactorbroker.consumer.group.id = g",
        ["partition.assignment.strategy"] = "sticky",
        ["enable.auto.commit"] = "false",
        ["client.rack"] = "other",
        ["exclude.internal.topics"] = "false",
        ["dead.letter.topic"] = "other",
        ["enable.idempotence"] = "false",
        ["compression.type"] = "gzip",
        ["partitioner.adaptive.partitioning.enable"] = "false",
        ["partitioner.ignore.keys"] = "true",
        ["delivery.timeout.ms"] = "120001",
        ["retry.backoff.max.ms"] = "1001",
    };

    [Fact]
    public void Defaults_are_those_that_are_documented()
    {
        var producer = ProducerSettings.Create(ConfigurationFactory.Empty);
        Assert.Equal(Acks.All, producer.Acks);
        Assert.Equal(16384, producer.BatchSize);
        Assert.Equal(TimeSpan.FromMilliseconds(5), producer.Linger);
        Assert.Equal(32 << 20, producer.BufferMemory);
        Assert.Equal(5, producer.MaxInFlightRequestsPerConnection);
        Assert.Equal(int.MaxValue, producer.Retries);
        Assert.Equal(TimeSpan.FromMinutes(2), producer.DeliveryTimeout);
        Assert.Equal(KeylessPartitioner.Sticky, producer.Partitioner);
        Assert.Equal(TimeSpan.FromSeconds(30), producer.Client.RequestTimeout);
        Assert.Equal("127.0.0.1:4053", Assert.Single(producer.Client.Bootstrap));
        Assert.Equal(AutoOffsetReset.Latest, ConsumerSettings.Create(ConfigurationFactory.Empty).AutoOffsetReset);
    }

    [Theory]
    [InlineData("client", typeof(ClientSettings))]
    [InlineData("producer", typeof(ProducerSettings))]
    [InlineData("consumer", typeof(ConsumerSettings))]
    public void Every_key_is_read_and_every_property_has_a_key(string section, Type type)
    {
        var keys = KeysOf(section);
        foreach (var (key, value) in keys)
        {
            var other = Others.GetValueOrDefault(key) ?? (int.Parse(value) + 1).ToString();
            var config = ConfigurationFactory.ParseString($"actorbroker.{section}.{key} = {other}");
            Assert.True(Read(type, config).ToString() != Read(type, ConfigurationFactory.Empty).ToString(), $"actorbroker.{section}.{key} is not read");
        }

        var properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => !NotConfigured.Contains(p.Name) && p.PropertyType != typeof(ClientSettings));
        Assert.Equal(keys.Count, properties.Count());
    }

    [Fact]
    public void Every_key_is_explained()
    {
        var lines = SettingsReader.ReferenceText().Split('\n');
        for (var i = 1; i < lines.Length; i++)
        {
            if (Key().IsMatch(lines[i]))
                Assert.StartsWith("#", lines[i - 1].Trim(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void All_faults_are_listed_together()
    {
        var unreadable = Assert.Throws<ClientSettingsException>(() => ProducerSettings.Create(ConfigurationFactory.ParseString("""
            actorbroker.producer.batch.size = many
            actorbroker.producer.acks = most
            actorbroker.client.retry.backoff.ms = 1s
            """)));
        Assert.Equal(3, unreadable.Faults.Count);
        Assert.Contains("batch.size", unreadable.Message, StringComparison.Ordinal);
        Assert.Contains("'most' is none of all, -1, 1, 0", unreadable.Message, StringComparison.Ordinal);

        var impossible = Assert.Throws<ClientSettingsException>(() => ProducerSettings.Create(ConfigurationFactory.ParseString("""
            actorbroker.producer.delivery.timeout.ms = 10
            actorbroker.producer.batch.size = 0
            actorbroker.client.bootstrap.servers = "host, good:1, name@:2"
            """)));
        Assert.Equal(4, impossible.Faults.Count);
    }

    /// <summary>KIP-679: the default gives way to settings that contradict it, who asks for it is told of them.</summary>
    [Theory]
    [InlineData("acks = 1", "acks = all")]
    [InlineData("retries = 0", "retries above 0")]
    [InlineData("max.in.flight.requests.per.connection = 6", "at most 5")]
    public void Idempotence_by_default_gives_way_and_asked_for_insists(string contradiction, string needed)
    {
        Assert.True(ProducerSettings.Create(ConfigurationFactory.Empty).IsIdempotent);
        var given = ConfigurationFactory.ParseString($"actorbroker.producer.{contradiction}");
        Assert.False(ProducerSettings.Create(given).IsIdempotent);
        var asked = ConfigurationFactory.ParseString("actorbroker.producer.enable.idempotence = true").WithFallback(given);
        var fault = Assert.Throws<ClientSettingsException>(() => ProducerSettings.Create(asked));
        Assert.Contains($"enable.idempotence = true needs {needed}", fault.Message.Replace("max.in.flight.requests.per.connection of ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Throws<ClientSettingsException>(() => ProducerSettings.Create(given).WithIdempotence().Validate());
        Assert.False(ProducerSettings.Create(ConfigurationFactory.Empty).WithIdempotence(false).IsIdempotent);
    }

    [Theory]
    [InlineData("-1", Acks.All)]
    [InlineData("all", Acks.All)]
    [InlineData("1", Acks.Leader)]
    [InlineData("0", Acks.None)]
    public void Acks_are_spelled_as_in_Kafka(string text, Acks expected) =>
        Assert.Equal(expected, ProducerSettings.Create(ConfigurationFactory.ParseString($"actorbroker.producer.acks = {text}")).Acks);

    [Fact]
    public void A_consumer_needs_something_to_read()
    {
        var settings = ConsumerSettings.Create(ConfigurationFactory.Empty);
        Assert.Throws<ClientSettingsException>(() => Consumer.Props(settings, Akka.Actor.ActorRefs.Nobody));
    }

    [Fact]
    public void A_consumers_defaults_are_Kafkas()
    {
        var settings = ConsumerSettings.Create(ConfigurationFactory.Empty);
        Assert.Equal((45, 3, 300), (settings.SessionTimeout.TotalSeconds, settings.HeartbeatInterval.TotalSeconds, settings.MaxPollInterval.TotalSeconds));
        Assert.Equal([AssignmentStrategy.Range, AssignmentStrategy.CooperativeSticky], settings.PartitionAssignmentStrategy.ToArray());
        Assert.True(settings.EnableAutoCommit);
        Assert.Equal(5, settings.AutoCommitInterval.TotalSeconds);
        Assert.True(settings.ExcludeInternalTopics);
    }

    [Fact]
    public void What_is_wrong_with_a_groups_settings_is_listed_together()
    {
        var settings = ConsumerSettings.Create(ConfigurationFactory.Empty) with
        {
            HeartbeatInterval = TimeSpan.FromSeconds(50),
            GroupInstanceId = "i",
            MaxDeliveryAttempts = 0,
            TopicPattern = "(",
            Topics = ["t"],
            PartitionAssignmentStrategy = [AssignmentStrategy.Sticky, AssignmentStrategy.Sticky],
        };
        var faults = Assert.Throws<ClientSettingsException>(() => Consumer.Check(settings)).Faults;
        Assert.Equal(7, faults.Count);
        Assert.Contains("heartbeat.interval.ms must be below session.timeout.ms", faults);
        Assert.Throws<ClientSettingsException>(() => Consumer.Check(
            ConsumerSettings.Create(ConfigurationFactory.Empty).WithGroup("g").Subscribe("t").Assign(new ActorBroker.Log.TopicPartition("t", 0))));
        Assert.Equal(
            "actorbroker.consumer.partition.assignment.strategy = 'best' is none of range, roundrobin, sticky, cooperative-sticky",
            Assert.Single(Assert.Throws<ClientSettingsException>(
                () => ConsumerSettings.Create(ConfigurationFactory.ParseString("actorbroker.consumer.partition.assignment.strategy = \"range, best\""))).Faults));
    }

    private static object Read(Type type, Config config) =>
        type == typeof(ClientSettings) ? Flat(ClientSettings.Create(config))
        : type == typeof(ProducerSettings) ? ProducerSettings.Create(config)
        : Flat(ConsumerSettings.Create(config));

    /// <summary>With its list written out.</summary>
    private static string Flat(ClientSettings settings) => settings + string.Join(',', settings.Bootstrap);

    private static string Flat(ConsumerSettings settings) => settings + string.Join(',', settings.PartitionAssignmentStrategy);

    private static List<(string Key, string Value)> KeysOf(string section)
    {
        var keys = new List<(string, string)>();
        var inside = false;
        foreach (var line in SettingsReader.ReferenceText().Split('\n'))
        {
            if (line.StartsWith("  ", StringComparison.Ordinal) && line.TrimEnd().EndsWith('{'))
                inside = line.Trim() == section + " {";
            else if (inside && Key().Match(line) is { Success: true } match)
                keys.Add((match.Groups[1].Value, match.Groups[2].Value));
        }

        Assert.NotEmpty(keys);
        return keys;
    }

    [GeneratedRegex(@"^    ([a-z.]+) = (.*)$")]
    private static partial Regex Key();
}
