using ActorBroker.Client;
using ActorBroker.MultiNode.Tests.Histories;
using Akka.Actor;

namespace ActorBroker.MultiNode.Tests.Clients;

/// <summary>
/// A member of a group that commits each batch by itself and says when it is done with what is taken from it: so what it
/// takes down of its turns is true before the group goes on.
/// </summary>
internal sealed class GroupMember : ReceiveActor
{
    private readonly string _name;
    private readonly GroupRecorder _group;

    public GroupMember(string bootstrap, string topic, string group, string name, GroupRecorder recorder)
    {
        (_name, _group) = (name, recorder);
        var settings = ConsumerSettings.Create(Context.System).WithBootstrap([.. bootstrap.Split(',')]).WithClientId(name)
            .WithGroup(group).Subscribe(topic).WithManualCommit().WithAssignment(AssignmentStrategy.CooperativeSticky) with
        {
            AutoOffsetReset = AutoOffsetReset.Earliest,
            SessionTimeout = TimeSpan.FromSeconds(6),
            HeartbeatInterval = TimeSpan.FromSeconds(1),
        };
        var consumer = Context.ActorOf(Consumer.Props(settings, Self), "consumer");
        Receive<PartitionsAssigned>(assigned => _group.Began(_name, assigned.Added.Select(partition => partition.Partition)));
        Receive<PartitionsRevoked>(revoked =>
        {
            _group.Ended(_name, revoked.Partitions.Select(partition => partition.Partition), TurnEnd.Released);
            Sender.Tell(new Released(revoked));
        });
        Receive<PartitionsLost>(lost => _group.Ended(_name, lost.Partitions.Select(partition => partition.Partition), TurnEnd.Lost));
        Receive<ConsumerBatch>(OnBatch);
        Receive<GroupFailed>(failed => _group.Trouble($"{name}: {failed.Error} {failed.Message}{(failed.IsFinal ? ", for good" : "")}"));
        Receive<PartitionFailed>(failed => _group.Trouble($"{name} can't read {failed.Partition} on from {failed.Position}: {failed.Error} {failed.Message}"));
        Receive<Crash>(_ =>
        {
            Context.Stop(consumer);
            Context.Stop(Self);
        });
        // The rest is news without consequence for a history.
        ReceiveAny(static _ => { });
    }

    /// <summary>Stops without a word to the group.</summary>
    public sealed record Crash;

    /// <summary>Stops, and the turns that were open are over: the group may not have given them to others before.</summary>
    protected override void PostStop() => _group.Crashed(_name);

    private void OnBatch(ConsumerBatch batch)
    {
        foreach (var record in batch.Records) _group.Took(_name, record.Partition.Partition, record.Offset.Value);
        Sender.Tell(new Processed(batch));
        Sender.Tell(new CommitOffsets());
    }
}
