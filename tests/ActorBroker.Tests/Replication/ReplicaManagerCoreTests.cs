using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using ActorBroker.Log;
using ActorBroker.Replication;

namespace ActorBroker.Tests.Replication;

/// <summary>Golden scripts: what happens to one broker's replicas, and exactly what the core has done about it.</summary>
public sealed class ReplicaManagerCoreTests
{
    [Fact]
    public void A_wanted_partition_is_opened_started_and_then_its_version_is_complete()
    {
        new Script()
            .Metadata(1, "a").Opened("a").Serving("a")
            .Metadata(2, "a")
            .Expect("""
                metadata 1 -> Open a
                opened a -> Start a
                serving a -> complete 1
                metadata 2 -> complete 2
                """);
    }

    [Fact]
    public void An_unwanted_partition_finishes_its_writes_before_its_folder_goes()
    {
        new Script()
            .Metadata(1, "a").Opened("a").Serving("a")
            .Metadata(2).Stopped("a").Released("a").Closed("a")
            .Expect("""
                metadata 1 -> Open a
                opened a -> Start a
                serving a -> complete 1
                metadata 2 -> Drain a
                stopped a -> Release a
                released a -> Delete a
                closed a -> complete 2
                """);
    }

    [Fact]
    public void A_topic_made_anew_waits_for_the_folder_of_its_name()
    {
        new Script()
            .Metadata(1, "a").Opened("a").Serving("a")
            .Metadata(2, "a'").Stopped("a").Released("a").Closed("a").Opened("a'").Serving("a'")
            .Expect("""
                metadata 1 -> Open a
                opened a -> Start a
                serving a -> complete 1
                metadata 2 -> Drain a
                stopped a -> Release a
                released a -> Delete a
                closed a -> Open a'
                opened a' -> Start a'
                serving a' -> complete 2
                """);
    }

    [Fact]
    public void A_failed_partition_is_abandoned_and_opened_again_after_growing_pauses()
    {
        new Script()
            .Metadata(1, "a").Opened("a").Serving("a")
            .Stopped("a").Released("a").Closed("a").Retry("a")
            .OpenFailed("a").Retry("a").Opened("a").Serving("a")
            .Stopped("a").Released("a").Closed("a")
            .Expect("""
                metadata 1 -> Open a
                opened a -> Start a
                serving a -> complete 1
                stopped a -> Release a
                released a -> Abandon a
                closed a -> Retry 1 a
                retry a -> Open a
                open failed a -> Retry 2 a
                retry a -> Open a
                opened a -> Start a
                serving a -> nothing
                stopped a -> Release a
                released a -> Abandon a
                closed a -> Retry 1 a
                """);
    }

    [Fact]
    public void A_partition_that_can_not_be_opened_does_not_hold_up_its_version()
    {
        new Script()
            .Metadata(1, "a", "b").OpenFailed("a").Opened("b").Serving("b")
            .Metadata(2, "b").Closed("a")
            .Expect("""
                metadata 1 -> Open a, Open b
                open failed a -> Retry 1 a
                opened b -> Start b
                serving b -> complete 1
                metadata 2 -> Delete a, complete 2
                closed a -> nothing
                """);
    }

    [Fact]
    public void A_later_version_does_not_delay_an_earlier_one()
    {
        new Script()
            .Metadata(1, "a").Metadata(2, "a", "b").Opened("a").Serving("a").Opened("b").Serving("b")
            .Expect("""
                metadata 1 -> Open a
                metadata 2 -> Open b
                opened a -> Start a
                serving a -> complete 1
                opened b -> Start b
                serving b -> complete 2
                """);
    }

    [Fact]
    public void What_changes_while_it_serves_is_assigned_and_what_is_gone_while_it_opens_is_deleted()
    {
        new Script()
            .Metadata(1, "a", "b").Opened("a").Serving("a")
            .Metadata(2, "a*").Opened("b").Closed("b")
            .Expect("""
                metadata 1 -> Open a, Open b
                opened a -> Start a
                serving a -> nothing
                metadata 2 -> Assign a, complete 1
                opened b -> Delete b
                closed b -> complete 2
                """);
    }

    [Fact]
    public void A_partition_wanted_again_while_it_goes_is_closed_and_opened_again()
    {
        new Script()
            .Metadata(1, "a").Opened("a").Serving("a").Metadata(2).Metadata(3, "a")
            .Stopped("a").Released("a").Closed("a").Opened("a").Serving("a")
            .Expect("""
                metadata 1 -> Open a
                opened a -> Start a
                serving a -> complete 1
                metadata 2 -> Drain a
                metadata 3 -> complete 2
                stopped a -> Release a
                released a -> Close a
                closed a -> Open a
                opened a -> Start a
                serving a -> complete 3
                """);
    }

    [Fact]
    public void Shutdown_drains_and_closes_everything_cleanly()
    {
        var script = new Script()
            .Metadata(1, "a", "b", "c").Opened("a").Serving("a").Opened("b")
            .Shutdown().Stopped("a").Stopped("b").Released("b").Released("a").Closed("a").Opened("c").Closed("b").Closed("c")
            .Metadata(2, "d")
            .Expect("""
                metadata 1 -> Open a, Open b, Open c
                opened a -> Start a
                serving a -> nothing
                opened b -> Start b
                shutdown -> Drain a, Drain b
                stopped a -> Release a
                stopped b -> Release b
                released b -> Close b
                released a -> Close a
                closed a -> nothing
                opened c -> Close c
                closed b -> nothing
                closed c -> complete 1, shut down
                metadata 2 -> nothing
                """);
        Assert.True(script.Core.IsClean);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Shutdown_is_not_clean_when_a_partition_fails_in_it_or_before(bool failsBefore, bool closeFails)
    {
        var script = new Script().Metadata(1, "a").Opened("a").Serving("a");
        if (failsBefore) script.Stopped("a").Released("a").Closed("a");
        script.Shutdown();
        if (closeFails) script.Stopped("a").Released("a").Closed("a", isClean: false);
        Assert.True(script.Core.IsShutDown);
        Assert.False(script.Core.IsClean);
    }

    /// <summary>Names of replicas: a letter is a topic, ' another topic of the same name, * the same with another assignment.</summary>
    private sealed class Script
    {
        private readonly List<ReplicaEffect> _effects = [];
        private readonly StringBuilder _transcript = new();
        private int _partitionEpoch;

        public ReplicaManagerCore Core { get; } = new();

        public Script Metadata(long version, params string[] names) => Step(
            $"metadata {version}",
            () => Core.OnMetadata(version, names.ToDictionary(name => Key(name.TrimEnd('*')), Want), _effects));

        public Script Opened(string name) => Step($"opened {name}", () => Core.OnOpened(Key(name), _effects));

        public Script OpenFailed(string name) => Step($"open failed {name}", () => Core.OnOpenFailed(Key(name), _effects));

        public Script Serving(string name) => Step($"serving {name}", () => Assert.True(Core.OnServing(Key(name))));

        public Script Stopped(string name) => Step($"stopped {name}", () => Core.OnActorStopped(Key(name), _effects));

        public Script Released(string name) => Step($"released {name}", () => Core.OnReleased(Key(name), _effects));

        public Script Closed(string name, bool isClean = true) => Step($"closed {name}", () => Core.OnClosed(Key(name), isClean, _effects));

        public Script Retry(string name) => Step($"retry {name}", () => Core.OnRetry(Key(name), _effects));

        public Script Shutdown() => Step("shutdown", () => Core.OnShutdown(_effects));

        public Script Expect(string transcript)
        {
            Assert.Equal(transcript.ReplaceLineEndings("\n"), _transcript.ToString().TrimEnd());
            return this;
        }

        private static ReplicaKey Key(string name) => new(
            new TopicId(new Guid(name[0], name.Length > 1 ? (short)1 : (short)0, 0, new byte[8])), new TopicPartition(name[..1], 0));

        private WantedReplica Want(string name)
        {
            var epoch = name.EndsWith('*') ? ++_partitionEpoch : 0;
            var self = new BrokerId(1);
            return new WantedReplica(
                new PartitionAssignment(self, self, new LeaderEpoch(0), Replicas, Replicas, [], epoch, BrokerStandings.None), PartitionSettings);
        }

        private static readonly ImmutableArray<BrokerId> Replicas = [new BrokerId(1)];
        private static readonly ActorBroker.Metadata.TopicSettings PartitionSettings = PartitionScript.Settings();

        private Script Step(string title, Action input)
        {
            input();
            var outcome = _effects
                .Select(effect => effect.Failures > 0 ? $"{effect.Kind} {effect.Failures} {Name(effect.Key)}" : $"{effect.Kind} {Name(effect.Key)}")
                .Concat(Core.TakeCompleted().Select(version => $"complete {version}"))
                .Concat(Core.IsShutDown && Core.Count == 0 && title.StartsWith("closed", StringComparison.Ordinal) ? ["shut down"] : [])
                .ToList();
            _effects.Clear();
            _transcript.Append(CultureInfo.InvariantCulture, $"{title} -> {(outcome.Count == 0 ? "nothing" : string.Join(", ", outcome))}\n");
            return this;
        }

        private static string Name(ReplicaKey key) => key.Partition.Topic + (key.Topic == Key(key.Partition.Topic).Topic ? "" : "'");
    }
}
