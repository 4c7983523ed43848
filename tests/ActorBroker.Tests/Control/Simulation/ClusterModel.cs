using System.Collections.Immutable;
using System.Text.Json;
using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Tests.Control.Simulation;

/// <summary>
/// A naive cluster around the real decisions: brokers whose view of the metadata lags behind, logs as lists of record
/// numbers, leaders that commit by what their view says. Whoever is elected cleanly must hold all that was committed.
/// </summary>
internal sealed class ClusterModel
{
    private readonly ControllerCore _core;
    private readonly Random _random;
    private readonly Dictionary<(TopicId, int), List<int>> _committed = [];
    private readonly Dictionary<(TopicId, int), LeaderEpoch> _recovered = [];
    private readonly List<AlterPartitions> _sent = [];
    private readonly List<MetadataImage> _images = [MetadataImage.Empty];
    private readonly ModelLog _log;
    private int _ids;
    private int _records;
    private ICommand? _command;

    private readonly TakenOut _takenOut;

    public ClusterModel(int seed, TakenOut takenOut = TakenOut.Nothing)
    {
        _takenOut = takenOut;
        _random = new Random(seed);
        _log = new ModelLog(_random);
        _core = new ControllerCore(
            new ControllerOptions(2, 3, 10, TimeSpan.FromSeconds(4), null, LeaderImbalancePercentage: 10, EventsBetweenImages: 100, InternalReplicationFactor: 3),
            TopicDefaults.Standard, NewId, () => _random.Next());
        for (var id = 1; id <= 4; id++) Nodes.Add(id, new ModelNode(id) { Directory = NewId(), BootId = $"boot{id}" });
    }

    public Dictionary<int, ModelNode> Nodes { get; } = [];

    public MetadataImage Image { get; private set; } = MetadataImage.Empty;

    public List<(long Sequence, IControlEvent Change)> Events { get; } = [];

    public int Elections { get; private set; }

    public int Recoveries { get; private set; }

    public long Committed => _committed.Values.Sum(records => (long)records.Count);

    public object? Do(ICommand command, bool othersKnow = false)
    {
        _command = command;
        if (command is AlterPartitions alter) command = alter with { Partitions = [.. alter.Partitions.Select(Spoil)] };
        var decision = _core.Decide(Image, _log.Sequence, command, othersKnow);
        Store(decision);
        return decision.Reply;
    }

    public void Fence(ModelNode node)
    {
        if (!Image.Brokers.TryGetValue(node.Id, out var broker)) return;
        _command = null;
        Store(_core.Fence(Image, _log.Sequence, [(broker.Id, broker.Epoch)]));
    }

    public void RaiseInternalTopics()
    {
        _command = null;
        var before = Image;
        var decision = _core.RaiseInternalTopics(Image, _log.Sequence);
        Store(decision);
        foreach (var change in decision.Events.OfType<PartitionChanged>())
        {
            var topic = before.FindTopic(new TopicId(change.TopicId))!;
            var old = topic.Partitions[change.Index];
            Check(topic.IsInternal && change.RemovingReplicas.IsEmpty && change.Replicas.Length <= 3, "internal topics get replicas, up to three");
            Check(old.Replicas.Except(old.AddingReplicas).All(id => change.Replicas.Contains(id.Value)), "nobody loses a replica that it holds");
        }
    }

    public void Rebalance()
    {
        _command = null;
        Store(_core.Rebalance(Image, _log.Sequence));
    }

    /// <summary>The whole image goes into the log, which begins with it from then on, unless the controller dies meanwhile.</summary>
    public void Compact() => _log.Store(Image);

    /// <summary>Another controller reads the log: it must know what this one knows, and brokers must get it whatever they had.</summary>
    public void RestartController()
    {
        var memory = _log.Recover();
        var known = Text(Image);
        Check(Text(memory.Image) == known, "another controller knows what this one does");
        for (var i = 0; i < 3; i++)
        {
            var old = _images[_random.Next(Math.Max(0, _images.Count - 20), _images.Count)];
            Check(Text(ModelLog.Follow(memory, old)) == known, $"a broker that has version {old.Version} gets what it missed");
        }
    }

    public static string Text(MetadataImage image) => JsonSerializer.Serialize(ImageDocument.Of(image), ControllerJson.Default.ImageDocument);

    public void Start(ModelNode node)
    {
        if (node.IsAlive) return;
        var incarnation = NewId();
        var reply = Do(new RegisterBroker(
            node.Id, incarnation, new DirectoryId(node.Directory), Image.ClusterId, null, [], node.StoppedCleanly, node.BootId));
        if (reply is not BrokerAccepted accepted) return;
        node.Start(accepted.BrokerEpoch);
    }

    public void Beat(ModelNode node, bool wantsShutdown)
    {
        if (!node.IsAlive) return;
        var reply = Do(new BrokerHeartbeat(node.Id, node.Epoch, node.View.Version, wantsShutdown), othersKnow: _random.Next(2) == 0);
        if (reply is HeartbeatAnswered { MayShutDown: true }) node.Stop(clean: true);
    }

    /// <summary>The node hears of a newer image, perhaps not the newest, but never of one from before its registration.</summary>
    public void Advance(ModelNode node, bool newest)
    {
        if (!node.IsAlive) return;
        var from = _images.FindIndex(image => image.Version > node.View.Version && image.Version >= node.Epoch);
        if (from >= 0) node.Adopt(_images[newest ? ^1 : _random.Next(from, _images.Count)]);
    }

    public void Append(TopicId topic, int index)
    {
        foreach (var node in Nodes.Values)
            if (node.Leads(topic, index) is not null && _random.Next(2) == 0) node.Log(topic, index).Add(++_records);
    }

    public void Fetch(ModelNode follower, TopicId topic, int index)
    {
        if (!follower.IsAlive || follower.Partition(topic, index) is not { Leader: { } leaderId } standing || leaderId == follower.Id) return;
        if (!standing.Replicas.Contains(follower.Id)) return;
        var leader = Nodes[leaderId.Value];
        if (leader.Leads(topic, index) is not { } lead || lead.Epoch != standing.LeaderEpoch) return;
        var to = follower.Log(topic, index);
        var from = leader.Log(topic, index);
        var same = CommonPrefix(to, from);
        to.RemoveRange(same, to.Count - same);
        to.AddRange(from.Skip(same).Take(_random.Next(4)));
        lead.Fetched[follower.Id] = (to.Count, follower.Epoch);
    }

    public void Commit(TopicId topic, int index)
    {
        foreach (var node in Nodes.Values)
        {
            // What an earlier leader commits after others went on without its records is lost: that was the price.
            if (node.Leads(topic, index) is not { } lead || lead.Epoch < _recovered.GetValueOrDefault((topic, index))) continue;
            var standing = node.Partition(topic, index)!;
            var minimum = TopicDefaults.Standard.MinInsyncReplicas(node.View.FindTopic(topic)!);
            if (standing.Isr.Length < Math.Min(minimum, standing.Replicas.Length)) continue;
            var log = node.Log(topic, index);
            var isr = standing.Isr.Concat(lead.Proposed.Select(member => member.Id)).Distinct();
            var through = isr.Min(member => member == node.Id ? log.Count : lead.Fetched.TryGetValue(member, out var fetched) ? fetched.Position : 0);
            lead.HighWatermark = Math.Max(lead.HighWatermark, through);
            var committed = CommittedOf(topic, index);
            var same = CommonPrefix(committed, log);
            Check(same >= Math.Min(committed.Count, through), $"{node.Id} commits {through} records of {index} of {topic} in epoch {lead.Epoch} that differ from what was committed");
            if (through > committed.Count) committed.AddRange(log.Skip(committed.Count).Take(through - committed.Count));
        }
    }

    /// <summary>A proposal of unknown outcome is sent again until it is answered, or a later partition epoch is seen.</summary>
    public void Propose(ModelNode node, TopicId topic, int index)
    {
        if (node.Leads(topic, index) is not { } lead) return;
        var standing = node.Partition(topic, index)!;
        if (lead.Proposed.IsEmpty)
        {
            lead.Proposed = NewIsr(node, lead, topic, index);
            lead.ProposedAt = standing.PartitionEpoch;
        }

        var reply = Do(new AlterPartitions(node.Id, node.Epoch, [new IsrProposal(topic, index, standing.LeaderEpoch, standing.PartitionEpoch, lead.Proposed)]));
        if (reply is PartitionsAltered { Results: [{ Error: not ErrorCode.IneligibleReplica }] }) _sent.Add((AlterPartitions)_command!);
        if (_random.Next(2) == 0) return; // the answer is lost
        if (reply is not PartitionsAltered { Results: [{ Error: var error }] }) return;
        if (error is ErrorCode.None or ErrorCode.NewLeaderElected)
        {
            lead.Proposed = []; // also where nothing was to change
            node.Adopt(_images[^1]);
        }
        // Another error may stand for the first try's success, which was not heard of.
        else if (error is ErrorCode.IneligibleReplica) lead.Proposed = [];
    }

    /// <summary>A copy of an earlier proposal arrives late. (Of one that was refused for its members no copy may: see IsrProposals.)</summary>
    public void Redeliver(TopicId topic, int index)
    {
        var earlier = _sent.FindAll(sent => sent.Partitions[0].Topic == topic && sent.Partitions[0].Index == index);
        if (earlier.Count > 0) Do(earlier[_random.Next(Math.Max(0, earlier.Count - 8), earlier.Count)]);
    }

    /// <summary>As the controller would see it without the rule that is taken out.</summary>
    private IsrProposal Spoil(IsrProposal proposal) => _takenOut switch
    {
        TakenOut.BrokerEpochs => proposal with { Isr = [.. proposal.Isr.Select(member => member with { BrokerEpoch = -1 })] },
        TakenOut.PartitionEpochs when Image.FindTopic(proposal.Topic) is { } topic => proposal with { PartitionEpoch = topic.Partitions[proposal.Index].PartitionEpoch },
        _ => proposal,
    };

    private ImmutableArray<IsrMember> NewIsr(ModelNode node, ModelLead lead, TopicId topic, int index)
    {
        var isr = ImmutableArray.CreateBuilder<IsrMember>();
        var standing = node.Partition(topic, index)!;
        foreach (var replica in standing.Replicas)
        {
            var isIn = standing.Isr.Contains(replica);
            if (replica == node.Id) isr.Add(new IsrMember(replica, node.Epoch));
            else if (lead.Fetched.TryGetValue(replica, out var fetched) && fetched.Position >= Math.Max(lead.HighWatermark, lead.Start))
            {
                // Who has all stays; whoever lags may have done so for too long.
                if ((isIn && fetched.Position == node.Log(topic, index).Count) || _random.Next(3) > 0) isr.Add(new IsrMember(replica, fetched.Epoch));
            }
            else if (isIn && _random.Next(3) > 0)
            {
                isr.Add(new IsrMember(replica, node.View.Brokers.TryGetValue(replica, out var broker) ? broker.Epoch : -2));
            }
        }

        return isr.ToImmutable();
    }

    public Guid NewId() => new(++_ids, 0, 0, new byte[8]);

    private void Store(Decision decision)
    {
        foreach (var change in decision.Events)
        {
            var before = Image;
            Image = ControllerState.Apply(Image, change, _log.Add(change));
            Events.Add((_log.Sequence, change));
            Settle(change);
            if (change is PartitionChanged e) CheckChange(before, e);
        }

        Check(decision.Events.IsEmpty || decision.Image.Version == Image.Version, "the decision knows the version it leads to");
        if (!decision.Events.IsEmpty) _images.Add(Image);
        CheckStandings();
        if (_random.Next(8) == 0) _log.Skip();
    }

    private void Settle(IControlEvent change)
    {
        if (change is BrokerRegistered registered) Nodes[registered.BrokerId].HasSecretLoss = false;
    }

    private void CheckChange(MetadataImage before, PartitionChanged e)
    {
        var topic = before.FindTopic(new TopicId(e.TopicId))!;
        var old = topic.Partitions[e.Index];
        var now = Image.FindTopic(topic.Id)!.Partitions[e.Index];
        Check(now.PartitionEpoch == old.PartitionEpoch + 1, "partition epochs grow by one");
        Check(now.LeaderEpoch.Value - old.LeaderEpoch.Value == (now.Leader == old.Leader ? 0 : 1), "the leader epoch grows exactly with a new leader");
        if (now.Leader is not { } leader || leader == old.Leader) return;

        Elections++;
        var log = Nodes[leader.Value].Log(topic.Id, e.Index);
        var committed = CommittedOf(topic.Id, e.Index);
        var proposed = _command is AlterPartitions alter && alter.Partitions.Any(p => p.Topic == topic.Id && p.Index == e.Index && p.Isr.Any(m => m.Id == leader));
        if (proposed || old.Isr.Contains(leader) || old.EligibleLeaders.Contains(leader))
        {
            Check(Nodes[leader.Value].HasSecretLoss || CommonPrefix(committed, log) == committed.Count, $"{leader} is elected for {topic.Name}-{e.Index} without all that was committed");
            return;
        }

        var mayBeUnclean = TopicDefaults.Standard.AllowsUncleanElection(topic) || _command is ElectLeaders { Kind: ElectionKind.Unclean };
        Check(mayBeUnclean || leader == old.LastKnownLeader || leader == old.Leader, $"{leader} leads {topic.Name}-{e.Index} from outside");
        var couldLead = old.Isr.Concat(old.EligibleLeaders).Where(id => !(_command is RegisterBroker lost && lost.Id == id));
        Check(mayBeUnclean || !couldLead.Any(), "the last known leader leads only when nobody else could");
        Recoveries++;
        _recovered[(topic.Id, e.Index)] = now.LeaderEpoch;
        var kept = CommonPrefix(committed, log);
        committed.RemoveRange(kept, committed.Count - kept);
    }

    private void CheckStandings()
    {
        foreach (var topic in Image.TopicsById.Values)
        {
            Check(ReferenceEquals(Image.FindTopic(topic.Name), topic), "a topic is the same by name and id");
            var minimum = TopicDefaults.Standard.MinInsyncReplicas(topic);
            foreach (var p in topic.Partitions)
            {
                Check(p.Leader is null == p.Isr.IsEmpty, "nobody leads exactly while the ISR is empty");
                Check(p.Leader is not { } leader || p.Isr.Contains(leader), "the leader is in the ISR");
                Check(p.Isr.All(id => Image.Brokers[id].IsActive), "nobody inactive is in an ISR");
                Check(!p.Isr.Intersect(p.EligibleLeaders).Any(), "ISR and eligible leaders are disjoint");
                Check(p.Isr.Concat(p.EligibleLeaders).Concat(p.AddingReplicas).Concat(p.RemovingReplicas).All(p.Replicas.Contains), "they are replicas");
                Check(p.Replicas.Distinct().Count() == p.Replicas.Length && p.Isr.Distinct().Count() == p.Isr.Length, "they are sets");
                Check(p.EligibleLeaders.IsEmpty || p.Isr.Length < Math.Min(minimum, p.Replicas.Length), "eligible leaders stand by only below the minimum");
                Check(p.Leader is null || p.LastKnownLeader is null, "the last known leader matters only without a leader");
            }
        }
    }

    private List<int> CommittedOf(TopicId topic, int index)
    {
        if (!_committed.TryGetValue((topic, index), out var records)) _committed[(topic, index)] = records = [];
        return records;
    }

    private void Check(bool holds, string rule)
    {
        if (!holds) throw new InvalidOperationException($"broken at entry {_log.Sequence} by {_command}: {rule}\n{string.Join('\n', Events.TakeLast(25).Select(e => $"{e.Sequence} {e.Change.GetType().Name} {System.Text.Encoding.UTF8.GetString(new ControlEventSerializer(null!).ToBinary(e.Change))}"))}");
    }

    private static int CommonPrefix(List<int> a, List<int> b)
    {
        var n = 0;
        while (n < a.Count && n < b.Count && a[n] == b[n]) n++;
        return n;
    }
}
