using System.Collections.Immutable;
using System.Text.RegularExpressions;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Client;

/// <summary>What a consumer does without a valid position: <c>auto.offset.reset</c>.</summary>
public enum AutoOffsetReset
{
    Latest,
    Earliest,

    /// <summary>The partition stops and says so.</summary>
    None,
}

/// <summary>A consumer's settings: <c>actorbroker.consumer</c>, and what to read. The meaning of each stands in reference.conf.</summary>
public sealed record ConsumerSettings
{
    internal const string Section = "actorbroker.consumer";

    private ConsumerSettings()
    {
    }

    public required ClientSettings Client { get; init; }

    public required AutoOffsetReset AutoOffsetReset { get; init; }

    /// <summary>In bytes.</summary>
    public required int FetchMinBytes { get; init; }

    public required TimeSpan FetchMaxWait { get; init; }

    /// <summary>In bytes.</summary>
    public required int FetchMaxBytes { get; init; }

    /// <summary>In bytes.</summary>
    public required int MaxPartitionFetchBytes { get; init; }

    public required int MaxPollRecords { get; init; }

    public required bool CheckCrcs { get; init; }

    /// <summary>The group that shares the topics subscribed to, and in whose name offsets are committed; empty: none.</summary>
    public required string GroupId { get; init; }

    /// <summary>Names a static member, which keeps its partitions over a restart; empty: none.</summary>
    public required string GroupInstanceId { get; init; }

    public required TimeSpan SessionTimeout { get; init; }

    public required TimeSpan HeartbeatInterval { get; init; }

    /// <summary>Also the rebalance timeout.</summary>
    public required TimeSpan MaxPollInterval { get; init; }

    /// <summary>The favourite first; a group uses the first that all of its members know.</summary>
    public required ImmutableArray<AssignmentStrategy> PartitionAssignmentStrategy { get; init; }

    public required bool EnableAutoCommit { get; init; }

    /// <summary>Zero: after each batch, as soon as the last commit is answered.</summary>
    public required TimeSpan AutoCommitInterval { get; init; }

    public required string ClientRack { get; init; }

    public required bool ExcludeInternalTopics { get; init; }

    /// <summary>Where records go that failed <see cref="MaxDeliveryAttempts"/> times; empty: they are delivered until they succeed.</summary>
    public required string DeadLetterTopic { get; init; }

    public required int MaxDeliveryAttempts { get; init; }

    /// <summary>Topics of which every partition is read, those added later included.</summary>
    public ImmutableArray<string> Topics { get; init; } = [];

    /// <summary>A regular expression for whole names of topics to read, those made later included; groups only.</summary>
    public string? TopicPattern { get; init; }

    /// <summary>Single partitions to read, besides <see cref="Topics"/>.</summary>
    public ImmutableArray<TopicPartition> Partitions { get; init; } = [];

    /// <summary>
    /// Where partitions without a place of their own in <see cref="StartOffsets"/> begin; null goes by <see cref="AutoOffsetReset"/>.
    /// With a group both are only for partitions of which it has committed nothing yet.
    /// </summary>
    public StartPosition? Start { get; init; }

    public ImmutableDictionary<TopicPartition, StartPosition> StartOffsets { get; init; } =
        ImmutableDictionary<TopicPartition, StartPosition>.Empty;

    /// <summary>Partitions come and go with the members of the group.</summary>
    internal bool IsMember => GroupId.Length > 0 && Partitions.IsDefaultOrEmpty;

    /// <exception cref="ClientSettingsException">A value can't be read or is out of range.</exception>
    public static ConsumerSettings Create(ActorSystem system) => Create(system.Settings.Config);

    public static ConsumerSettings Create(Config config)
    {
        var settings = SettingsReader.Read(config, Section, From);
        settings.Validate();
        return settings;
    }

    public ConsumerSettings WithBootstrap(params ImmutableArray<string> addresses) =>
        this with { Client = Client.WithBootstrap(addresses) };

    public ConsumerSettings WithClientId(string clientId) => this with { Client = Client.WithClientId(clientId) };

    /// <summary>Shares the topics subscribed to with the other members of the group.</summary>
    /// <param name="group">Its id.</param>
    /// <param name="instance">Makes it a static member of that name (KIP-345); no two members may have the same.</param>
    public ConsumerSettings WithGroup(string group, string instance = "") => this with { GroupId = group, GroupInstanceId = instance };

    public ConsumerSettings WithAssignment(params ImmutableArray<AssignmentStrategy> strategies) => this with { PartitionAssignmentStrategy = strategies };

    /// <summary>Commits only when told to: by <see cref="CommitOffsets"/>, or <see cref="ConsumerClient.CommitAsync(CancellationToken)"/>.</summary>
    public ConsumerSettings WithManualCommit() => this with { EnableAutoCommit = false };

    /// <param name="interval">Zero: after each batch.</param>
    public ConsumerSettings WithAutoCommit(TimeSpan interval) => this with { EnableAutoCommit = true, AutoCommitInterval = interval };

    /// <param name="topic">Must exist.</param>
    /// <param name="attempts">Deliveries of one record until it goes there.</param>
    public ConsumerSettings WithDeadLetters(string topic, int attempts) => this with { DeadLetterTopic = topic, MaxDeliveryAttempts = attempts };

    /// <summary>Reads, in a group, all partitions of the topics whose whole name matches this regular expression.</summary>
    public ConsumerSettings SubscribePattern(string pattern) => this with { TopicPattern = pattern };

    /// <summary>Reads all partitions of these topics.</summary>
    public ConsumerSettings Subscribe(params ImmutableArray<string> topics) => this with { Topics = topics };

    /// <summary>Reads exactly these partitions.</summary>
    public ConsumerSettings Assign(params ImmutableArray<TopicPartition> partitions) => this with { Partitions = partitions };

    public ConsumerSettings StartAt(StartPosition start) => this with { Start = start };

    public ConsumerSettings StartAt(TopicPartition partition, StartPosition start) =>
        this with { StartOffsets = StartOffsets.SetItem(partition, start) };

    internal void Validate()
    {
        var faults = new FaultList();
        Client.Check(faults);
        faults.Require(FetchMinBytes >= 0, "fetch.min.bytes must not be negative");
        faults.Require(FetchMaxWait >= TimeSpan.Zero, "fetch.max.wait.ms must not be negative");
        faults.Require(FetchMaxWait < Client.RequestTimeout, "fetch.max.wait.ms must be below request.timeout.ms");
        faults.Require(FetchMaxBytes > 0, "fetch.max.bytes must be above 0");
        faults.Require(MaxPartitionFetchBytes > 0, "max.partition.fetch.bytes must be above 0");
        faults.Require(MaxPollRecords > 0, "max.poll.records must be above 0");
        CheckGroup(faults);
        faults.ThrowIfAny();
    }

    private void CheckGroup(FaultList faults)
    {
        faults.Require(SessionTimeout > TimeSpan.Zero, "session.timeout.ms must be above 0");
        faults.Require(HeartbeatInterval > TimeSpan.Zero, "heartbeat.interval.ms must be above 0");
        faults.Require(HeartbeatInterval < SessionTimeout, "heartbeat.interval.ms must be below session.timeout.ms");
        faults.Require(MaxPollInterval > TimeSpan.Zero, "max.poll.interval.ms must be above 0");
        faults.Require(AutoCommitInterval >= TimeSpan.Zero, "auto.commit.interval.ms must not be negative");
        faults.Require(MaxDeliveryAttempts > 0, "max.delivery.attempts must be above 0");
        faults.Require(!PartitionAssignmentStrategy.IsDefaultOrEmpty, "partition.assignment.strategy names none");
        faults.Require(
            PartitionAssignmentStrategy.IsDefaultOrEmpty || PartitionAssignmentStrategy.Distinct().Count() == PartitionAssignmentStrategy.Length,
            "partition.assignment.strategy names one more than once");
        faults.Require(GroupInstanceId.Length == 0 || GroupId.Length > 0, "group.instance.id needs group.id");
        faults.Require(TopicPattern is null || GroupId.Length > 0, "a pattern of topics needs group.id");
        faults.Require(TopicPattern is null || Topics.IsDefaultOrEmpty, "topics and a pattern of topics exclude each other");
        faults.Require(
            GroupId.Length == 0 || Partitions.IsDefaultOrEmpty || (Topics.IsDefaultOrEmpty && TopicPattern is null),
            "with group.id, Subscribe and Assign exclude each other: a group shares out all of its topics' partitions");
        try
        {
            _ = TopicPattern is null ? null : new Regex(TopicPattern, RegexOptions.CultureInvariant);
        }
        catch (ArgumentException e)
        {
            faults.Require(holds: false, $"the pattern of topics '{TopicPattern}' is no regular expression: {e.Message}");
        }
    }

    private static ConsumerSettings From(SettingsReader reader) => new()
    {
        Client = ClientSettings.From(reader.At(ClientSettings.Section)),
        AutoOffsetReset = reader.Choice(
            "auto.offset.reset",
            ("latest", AutoOffsetReset.Latest), ("earliest", AutoOffsetReset.Earliest), ("none", AutoOffsetReset.None)),
        FetchMinBytes = reader.Number("fetch.min.bytes"),
        FetchMaxWait = reader.Milliseconds("fetch.max.wait.ms"),
        FetchMaxBytes = reader.Number("fetch.max.bytes"),
        MaxPartitionFetchBytes = reader.Number("max.partition.fetch.bytes"),
        MaxPollRecords = reader.Number("max.poll.records"),
        CheckCrcs = reader.Flag("check.crcs"),
        GroupId = reader.Text("group.id"),
        GroupInstanceId = reader.Text("group.instance.id"),
        SessionTimeout = reader.Milliseconds("session.timeout.ms"),
        HeartbeatInterval = reader.Milliseconds("heartbeat.interval.ms"),
        MaxPollInterval = reader.Milliseconds("max.poll.interval.ms"),
        PartitionAssignmentStrategy = reader.Choices(
            "partition.assignment.strategy",
            ("range", AssignmentStrategy.Range), ("roundrobin", AssignmentStrategy.RoundRobin),
            ("sticky", AssignmentStrategy.Sticky), ("cooperative-sticky", AssignmentStrategy.CooperativeSticky)),
        EnableAutoCommit = reader.Flag("enable.auto.commit"),
        AutoCommitInterval = reader.Milliseconds("auto.commit.interval.ms"),
        ClientRack = reader.Text("client.rack"),
        ExcludeInternalTopics = reader.Flag("exclude.internal.topics"),
        DeadLetterTopic = reader.Text("dead.letter.topic"),
        MaxDeliveryAttempts = reader.Number("max.delivery.attempts"),
    };
}
