using ActorBroker.Hosting;
using ActorBroker.Journal;
using ActorBroker.Journal.Quorum;
using Akka.Configuration;
using Akka.Configuration.Hocon;

namespace ActorBroker.Tests.Journal;

/// <summary>journal.conf and code agree: every key is read, every key that is read is there.</summary>
public sealed class JournalOptionsTests
{
    /// <summary>What Akka itself reads of a plugin.</summary>
    private static readonly string[] Plugin = ["class", "plugin-dispatcher", "replay-filter.mode", "recovery-event-timeout"];

    public static TheoryData<string> Sections => ["actorbroker.journal.commit-log", "actorbroker.journal.quorum", "actorbroker.snapshot.checkpoint"];

    [Theory]
    [MemberData(nameof(Sections))]
    public void Every_key_is_read_and_every_key_read_is_there(string section)
    {
        var config = JournalLogs.DefaultConfig().GetConfig(section);
        var reader = new OptionsReader(config, section);
        Read(section, reader);
        var written = Keys(config.Root.GetObject()!.Items, "").Except(Plugin).Order(StringComparer.Ordinal);
        Assert.Equal(written, reader.KeysRead.Order(StringComparer.Ordinal));
    }

    // A section that is added without being read would go unnoticed above.
    [Fact]
    public void There_are_no_other_sections() =>
        Assert.Equal(
            ["io-dispatcher", "journal.commit-log", "journal.quorum", "snapshot.checkpoint"],
            Keys(JournalLogs.DefaultConfig().GetConfig("actorbroker").Root.GetObject()!.Items, "")
                .Select(key => string.Join('.', key.Split('.').Take(key.StartsWith("io-", StringComparison.Ordinal) ? 1 : 2)))
                .Distinct()
                .Order(StringComparer.Ordinal));

    [Fact]
    public void What_is_out_of_range_is_named()
    {
        var config = ConfigurationFactory.ParseString("write.timeout.ms = 0, retry.backoff.ms = soon").WithFallback(JournalLogs.DefaultConfig().GetConfig(QuorumOptions.Section));
        var fault = Assert.Throws<BrokerConfigurationException>(() => QuorumOptions.Read(config));
        Assert.Equal(2, fault.Faults.Count);
        Assert.Contains("actorbroker.journal.quorum.write.timeout.ms = 0 must be from 1", fault.Message, StringComparison.Ordinal);
    }

    private static void Read(string section, OptionsReader reader)
    {
        switch (section)
        {
            case "actorbroker.journal.commit-log":
                JournalLogs.OwnDirectory(reader);
                JournalLogs.OwnLogOptions(reader);
                break;
            case QuorumOptions.Section:
                QuorumOptions.Read(reader);
                break;
            default:
                CheckpointStore.Keep(reader);
                break;
        }
    }

    private static IEnumerable<string> Keys(IDictionary<string, HoconValue> section, string prefix)
    {
        foreach (var (key, value) in section)
        {
            if (!value.IsObject()) yield return prefix + key;
            else
                foreach (var inner in Keys(value.GetObject()!.Items, prefix + key + ".")) yield return inner;
        }
    }
}
