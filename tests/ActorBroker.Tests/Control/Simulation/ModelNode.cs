using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Tests.Control.Simulation;

/// <summary>What a leader knows in its term.</summary>
internal sealed class ModelLead(LeaderEpoch epoch, int start)
{
    public LeaderEpoch Epoch => epoch;

    /// <summary>Where its log ended when it began to lead.</summary>
    public int Start => start;

    public int HighWatermark { get; set; }

    /// <summary>How far each follower's log went when it fetched in this term, and its broker epoch then.</summary>
    public Dictionary<BrokerId, (int Position, long Epoch)> Fetched { get; } = [];

    /// <summary>Proposed to the controller, outcome unknown.</summary>
    public ImmutableArray<IsrMember> Proposed { get; set; } = [];

    public int ProposedAt { get; set; }
}

/// <summary>A broker: a process that lives or not, a data folder, and its own view of the metadata.</summary>
internal sealed class ModelNode(int id)
{
    private readonly Dictionary<(TopicId, int), List<int>> _logs = [];
    private readonly Dictionary<(TopicId, int), ModelLead> _leads = [];

    public BrokerId Id { get; } = new(id);

    public bool IsAlive { get; private set; }

    public bool StoppedCleanly { get; private set; } = true;

    public Guid Directory { get; set; }

    public string BootId { get; set; } = "";

    public long Epoch { get; private set; }

    public MetadataImage View { get; private set; } = MetadataImage.Empty;

    /// <summary>Lost records, and the controller can't know it yet: it will when this broker registers, before it serves.</summary>
    public bool HasSecretLoss { get; set; }

    public void Start(long epoch)
    {
        IsAlive = true;
        StoppedCleanly = false;
        Epoch = epoch;
        View = MetadataImage.Empty;
    }

    public void Stop(bool clean)
    {
        IsAlive = false;
        StoppedCleanly = clean;
        _leads.Clear();
    }

    /// <summary>The machine's page cache is gone: of what was not synced some may be.</summary>
    public void LosePower(Random random, Guid run)
    {
        BootId = run.ToString();
        if (!IsAlive && StoppedCleanly) return;
        Stop(clean: false);
        HasSecretLoss = true;
        foreach (var log in _logs.Values)
        {
            var kept = random.Next(log.Count + 1);
            log.RemoveRange(kept, log.Count - kept);
        }
    }

    public void LoseDisk(Guid newFolder)
    {
        if (IsAlive) return;
        StoppedCleanly = true; // a new folder
        Directory = newFolder;
        HasSecretLoss = true;
        _logs.Clear();
    }

    public List<int> Log(TopicId topic, int index)
    {
        if (!_logs.TryGetValue((topic, index), out var log)) _logs[(topic, index)] = log = [];
        return log;
    }

    /// <summary>As this broker sees it; null when it does not exist there.</summary>
    public PartitionImage? Partition(TopicId topic, int index) =>
        View.FindTopic(topic) is { } image && index < image.Partitions.Length ? image.Partitions[index] : null;

    /// <summary>Null unless it leads, as far as it knows.</summary>
    public ModelLead? Leads(TopicId topic, int index) =>
        IsAlive && View.Brokers.TryGetValue(Id, out var self) && self.Epoch == Epoch && Partition(topic, index) is { } standing && standing.Leader == Id
            ? _leads[(topic, index)]
            : null;

    public void Adopt(MetadataImage view)
    {
        View = view;
        foreach (var key in _logs.Keys.ToArray())
            if (Partition(key.Item1, key.Item2)?.Replicas.Contains(Id) != true) _logs.Remove(key);
        foreach (var topic in view.TopicsById.Values)
        {
            foreach (var standing in topic.Partitions)
            {
                var key = (topic.Id, standing.Index);
                if (standing.Leader != Id) _leads.Remove(key);
                else if (!_leads.TryGetValue(key, out var lead) || lead.Epoch != standing.LeaderEpoch) _leads[key] = new ModelLead(standing.LeaderEpoch, Log(topic.Id, standing.Index).Count);
                else if (standing.PartitionEpoch > lead.ProposedAt) lead.Proposed = [];
            }
        }
    }
}
