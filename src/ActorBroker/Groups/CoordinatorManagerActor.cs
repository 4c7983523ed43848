using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Replication;
using Akka.Actor;
using Akka.Event;
using static ActorBroker.Groups.CoordinatorProtocol;

namespace ActorBroker.Groups;

internal sealed record CoordinatorManagerSetup(
    BrokerId Self, CoordinatorDirectory Coordinators, PartitionDirectory Partitions, GroupOptions Options, Func<Guid> NewId, TimeProvider Time);

/// <summary>
/// Keeps a coordinator for each partition of <c>__consumer_offsets</c> that this node has led, and tells it when it leads.
/// One that broke is made anew after a pause, and loads what the log holds.
/// </summary>
internal sealed class CoordinatorManagerActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan PauseAfterFault = TimeSpan.FromSeconds(5);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CoordinatorManagerSetup _setup;
    private readonly Dictionary<int, IActorRef> _coordinators = [];
    private readonly Dictionary<int, Lead> _leading = [];
    private MetadataImage _image = MetadataImage.Empty;

    public CoordinatorManagerActor(CoordinatorManagerSetup setup)
    {
        _setup = setup;
        Receive<MetadataChanged>(changed => OnMetadata(changed.Image));
        Receive<Terminated>(gone => OnBroken(gone.ActorRef));
        Receive<Again>(again => Tell(again.Partition));
    }

    private sealed record Again(int Partition);

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(CoordinatorManagerSetup setup) => Akka.Actor.Props.Create(() => new CoordinatorManagerActor(setup));

    /// <summary>What it had in memory is not to be trusted, and the log has it all.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private void OnMetadata(MetadataImage image)
    {
        var former = _image;
        _image = image;
        FollowLeaders(image.FindTopic(GroupPartitioner.Topic));
        if (ReferenceEquals(former.TopicsByName, image.TopicsByName)) return;
        var deleted = former.TopicsByName.Values.Where(topic => image.FindTopic(topic.Id) is null).Select(topic => topic.Name).ToHashSet(StringComparer.Ordinal);
        if (deleted.Count == 0) return;
        foreach (var partition in _leading.Keys) _coordinators.GetValueOrDefault(partition)?.Tell(new TopicsDeleted(deleted));
    }

    private void FollowLeaders(TopicImage? topic)
    {
        foreach (var partition in _leading.Keys.Where(partition => LeadOf(topic, partition) is null).ToList())
        {
            _leading.Remove(partition);
            _coordinators.GetValueOrDefault(partition)?.Tell(Resign.Instance);
        }

        for (var partition = 0; partition < (topic?.Partitions.Length ?? 0); partition++)
        {
            if (LeadOf(topic, partition) is not { } lead || _leading.GetValueOrDefault(partition) == lead) continue;
            _leading[partition] = lead;
            Tell(partition);
        }
    }

    private Lead? LeadOf(TopicImage? topic, int partition)
    {
        if (topic is null || partition >= topic.Partitions.Length) return null;
        var image = topic.Partitions[partition];
        return image.Leader == _setup.Self ? new Lead(topic.Id, image.LeaderEpoch) : null;
    }

    private void Tell(int partition)
    {
        if (!_leading.TryGetValue(partition, out var lead)) return;
        if (!_coordinators.TryGetValue(partition, out var coordinator))
        {
            coordinator = Context.ActorOf(CoordinatorActor.Props(new CoordinatorSetup(partition, _setup.Partitions, _setup.Options, _setup.NewId, _setup.Time)));
            Context.Watch(coordinator);
            _coordinators.Add(partition, coordinator);
        }

        coordinator.Tell(lead);
        _setup.Coordinators.Set(partition, coordinator);
    }

    private void OnBroken(IActorRef coordinator)
    {
        var partition = _coordinators.First(entry => entry.Value.Equals(coordinator)).Key;
        _log.Error("The coordinator of {0}-{1} broke; it is made anew in {2} s", GroupPartitioner.Topic, partition, PauseAfterFault.TotalSeconds);
        _setup.Coordinators.Remove(partition);
        _coordinators.Remove(partition);
        Timers.StartSingleTimer(partition, new Again(partition), PauseAfterFault);
    }
}
