using System.Collections.Immutable;
using ActorBroker.Metadata;

namespace ActorBroker.Control;

/// <summary>What people find of the controller's decisions in the log: a line for each transition of a broker or topic, one for all elections of an entry.</summary>
internal static class ControllerLog
{
    public static IEnumerable<string> Lines(MetadataImage before, MetadataImage after, ImmutableArray<IControlEvent> events)
    {
        int led = 0, offline = 0;
        foreach (var change in events)
        {
            switch (change)
            {
                case ClusterFormed e:
                    yield return $"Cluster {e.ClusterId} formed";
                    break;
                case BrokerRegistered e:
                    yield return $"Broker {e.BrokerId} registered{(e.CleanShutdown ? "" : " after an unclean stop")}";
                    break;
                case BrokerFencingChanged e:
                    yield return $"Broker {e.BrokerId} (epoch {e.BrokerEpoch}) is {(e.Fenced ? "fenced" : "active")}";
                    break;
                case BrokerStopping e:
                    yield return $"Broker {e.BrokerId} (epoch {e.BrokerEpoch}) is stopping";
                    break;
                case BrokerRemoved e:
                    yield return $"Broker {e.BrokerId} is unregistered";
                    break;
                case TopicCreated e:
                    yield return $"Topic {e.Name} created with {e.Partitions.Length} partition(s)";
                    break;
                case TopicDeleted e:
                    yield return $"Topic {before.FindTopic(new Log.TopicId(e.TopicId))?.Name} deleted";
                    break;
                case PartitionChanged e when before.FindTopic(new Log.TopicId(e.TopicId)) is { } topic && topic.Partitions[e.Index].LeaderEpoch.Value < e.LeaderEpoch:
                    if (e.Leader < 0) offline++;
                    else led++;
                    break;
            }
        }

        if (led + offline > 0) yield return $"Metadata version {after.Version}: {led} partition(s) have a new leader, {offline} have none";
    }
}
