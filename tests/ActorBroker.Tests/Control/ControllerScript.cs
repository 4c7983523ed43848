using System.Collections.Immutable;
using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Tests.Control;

/// <summary>Brokers and topics in a few words: commands go to the core, its events to the image.</summary>
internal sealed class ControllerScript
{
    private readonly ControllerCore _core;
    private long _sequence;
    private int _ids;

    public ControllerScript(int brokers, int imbalancePercentage = 10, int defaultFactor = 3)
    {
        _core = new ControllerCore(
            new ControllerOptions(1, defaultFactor, 100, TimeSpan.FromSeconds(4), null, imbalancePercentage, 10_000, 3), TopicDefaults.Standard, () => new Guid(++_ids, 0, 0, new byte[8]), () => 0);
        for (var id = 1; id <= brokers; id++) Start(id);
    }

    public MetadataImage Image { get; private set; } = MetadataImage.Empty;

    public object Do(ICommand command, bool othersKnow = false)
    {
        var decision = _core.Decide(Image, _sequence, command, othersKnow);
        Store(decision);
        return decision.Reply!;
    }

    public object Register(int id, bool clean = true, string? boot = "boot", int directory = 0, string? rack = null) => Do(new RegisterBroker(
        new BrokerId(id), new Guid(++_ids, 0, 0, new byte[8]), new DirectoryId(new Guid(id, 0, (short)directory, new byte[8])), null, rack, [], clean, boot));

    public void Start(int id, bool clean = true, string? boot = "boot", int directory = 0, string? rack = null)
    {
        Assert.IsType<BrokerAccepted>(Register(id, clean, boot, directory, rack));
        Beat(id);
    }

    public HeartbeatAnswered Beat(int id, bool wantsShutdown = false, bool othersKnow = false) => Assert.IsType<HeartbeatAnswered>(
        Do(new BrokerHeartbeat(new BrokerId(id), Epoch(id), Image.Version, wantsShutdown), othersKnow));

    public void Fence(params int[] ids)
    {
        foreach (var id in ids) Store(_core.Fence(Image, _sequence, [(new BrokerId(id), Epoch(id))]));
    }

    /// <returns>How many changes that led to.</returns>
    public int RaiseInternalTopics()
    {
        var decision = _core.RaiseInternalTopics(Image, _sequence);
        Store(decision);
        return decision.Events.Length;
    }

    public void Rebalance() => Store(_core.Rebalance(Image, _sequence));

    /// <summary>One partition on these brokers.</summary>
    public void Create(string name, ImmutableArray<int> replicas, params (string Key, string Value)[] configs) => Assert.Equal(
        ErrorCode.None,
        Topics(new CreateTopics([new NewTopic(name, -1, -1, [Ids(replicas)], [.. configs.Select(c => KeyValuePair.Create(c.Key, (string?)c.Value))])], ValidateOnly: false)).Error);

    public TopicResult Topics(ICommand command) => ((TopicResults)Do(command)).Results[0];

    public void Configure(string topic, string key, string? value) =>
        Assert.Equal(ErrorCode.None, Topics(new AlterTopicConfigs([new TopicConfigChanges(topic, [new ConfigChange(key, value)])], ValidateOnly: false)).Error);

    public PartitionImage Partition(string topic) => Image.FindTopic(topic)!.Partitions[0];

    /// <summary>The partition's leader proposes, by what the image says.</summary>
    public IsrOutcome Propose(string topic, ImmutableArray<int> isr) =>
        Propose(topic, Partition(topic).Leader!.Value.Value, Partition(topic), [.. isr.Select(id => new IsrMember(new BrokerId(id), Epoch(id)))]);

    public IsrOutcome Propose(string topic, int proposer, PartitionImage basis, ImmutableArray<IsrMember> isr) => ((PartitionsAltered)Do(new AlterPartitions(
        new BrokerId(proposer), Epoch(proposer), [new IsrProposal(Image.FindTopic(topic)!.Id, basis.Index, basis.LeaderEpoch, basis.PartitionEpoch, isr)]))).Results[0];

    public ErrorCode Reassign(string topic, params int[] replicas) =>
        ((ReassignmentResults)Do(new AlterReassignments([new Reassignment(topic, 0, Ids([.. replicas]))]))).Results[0].Error;

    public ErrorCode Elect(ElectionKind kind, string topic) =>
        ((ElectionResults)Do(new ElectLeaders(kind, [new TopicPartition(topic, 0)]))).Results[0].Error;

    public long Epoch(int id) => Image.Brokers[new BrokerId(id)].Epoch;

    /// <summary>As "leader / isr / eligible", with ? for a last known leader.</summary>
    public string Standing(string topic)
    {
        var partition = Partition(topic);
        var leader = partition.Leader is { } id ? $"{id}" : partition.LastKnownLeader is { } last ? $"?{last}" : "-";
        return $"{leader} / {string.Join(',', partition.Isr)} / {string.Join(',', partition.EligibleLeaders)}";
    }

    private void Store(Decision decision)
    {
        foreach (var change in decision.Events) Image = ControllerState.Apply(Image, change, ++_sequence);
    }

    private static ImmutableArray<BrokerId> Ids(ImmutableArray<int> ids) => [.. ids.Select(id => new BrokerId(id))];
}
