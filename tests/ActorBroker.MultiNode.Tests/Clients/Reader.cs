using ActorBroker.Client;
using ActorBroker.MultiNode.Tests.Histories;
using Akka.Actor;

namespace ActorBroker.MultiNode.Tests.Clients;

/// <summary>Reads a topic along from its beginning and takes down every record and the high watermark that came with it.</summary>
internal sealed class Reader : ReceiveActor
{
    private readonly string _name;
    private readonly HistoryRecorder _history;

    public Reader(string bootstrap, string topic, string name, HistoryRecorder history)
    {
        (_name, _history) = (name, history);
        history.BeganReading(name);
        var settings = ConsumerSettings.Create(Context.System).WithBootstrap([.. bootstrap.Split(',')]).Subscribe(topic).StartAt(StartPosition.Beginning) with
        {
            // A lost position is a fault, not a reason to begin anywhere else.
            AutoOffsetReset = AutoOffsetReset.None,
        };
        Context.ActorOf(Consumer.Props(settings.WithClientId(name), Self), "consumer");
        Receive<ConsumerBatch>(OnBatch);
        Receive<PartitionFailed>(failed => history.Trouble($"{name} can't read {failed.Partition} on from {failed.Position}: {failed.Error} {failed.Message}"));
        Receive<TopicFailed>(failed => history.Trouble($"{name} can't read {failed.Topic}: {failed.Error} {failed.Message}"));
        // The rest is news without consequence for a history.
        ReceiveAny(static _ => { });
    }

    private void OnBatch(ConsumerBatch batch)
    {
        foreach (var record in batch.Records)
        {
            var (producer, number) = RecordText.Parse(record.Value!.Value.Span);
            _history.Saw(new Seen(_name, record.Partition.Partition, record.Offset.Value, producer, number, batch.HighWatermark.Value));
        }

        Sender.Tell(new Processed(batch));
    }
}
