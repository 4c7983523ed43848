using ActorBroker.Log;
using ActorBroker.Protocol;
using static ActorBroker.Client.Tests.TestClusters;

namespace ActorBroker.Client.Tests.Producing;

/// <summary>A delivery that writes its outcome down, and fails on a second one.</summary>
internal sealed class TestDelivery(int id) : Delivery
{
    public int Id { get; } = id;

    public string? Outcome { get; private set; }

    public DeliveryFailure? Failure { get; private set; }

    public string Message { get; private set; } = "";

    public override void Succeeded(TopicPartition partition, Offset offset, long timestampMs) => Set($"{partition}@{offset}");

    public override void Failed(string topic, int? partition, DeliveryFailure reason, ErrorCode error, string message)
    {
        (Failure, Message) = (reason, message);
        Set(reason.ToString());
    }

    private void Set(string outcome)
    {
        Assert.True(Outcome is null, $"record {Id} has a second outcome: {Outcome}, {outcome}");
        Outcome = outcome;
    }
}

/// <summary>A producer core with time and effects at hand; outcomes go to the deliveries as in the actor.</summary>
internal sealed class ProducerRig
{
    private readonly List<ProducerEffect> _effects = [];
    private int _lastId;

    public ProducerRig(ProducerSettings settings, FrameBudget? frame = null, int seed = 1) =>
        Core = new ProducerCore(settings, frame ?? FrameBudget.Unlimited, new Random(seed), _effects);

    public ProducerCore Core { get; }

    public TimeSpan Now { get; private set; } = Ms(1000);

    public List<ProducerEffect.Send> Sent { get; } = [];

    /// <summary>What left with each of <see cref="Sent"/>: a batch lets go of its bytes when it has its outcome.</summary>
    public List<List<byte[]>> SentBytes { get; } = [];

    public List<ProducerEffect> Others { get; } = [];

    /// <summary>Ids in the order of their success.</summary>
    public List<int> Delivered { get; } = [];

    public TestDelivery Offer(string topic = "t", int partition = 0, int bytes = 10, bool mayWait = false, byte[]? key = null)
    {
        var delivery = new TestDelivery(++_lastId);
        var value = new byte[Math.Max(bytes, 4)];
        BitConverter.TryWriteBytes(value, delivery.Id);
        Core.OnRecord(new OutgoingRecord(topic, partition, key, value, null, delivery, Now, mayWait), Now, 5000);
        Do(() => Core.Advance(Now));
        return delivery;
    }

    public void Metadata(ClusterImage image) => Do(() => Core.OnMetadata(image, Now));

    public void After(double ms)
    {
        Now += Ms(ms);
        Do(() => Core.Advance(Now));
    }

    public void Do(Action action)
    {
        action();
        foreach (var effect in _effects)
            Perform(effect);
        _effects.Clear();
    }

    /// <summary>Answers the n-th request: one code for all, offsets counting from the one given.</summary>
    public void Answer(int request, ErrorCode error = ErrorCode.None, long baseOffset = 0) =>
        Do(() => Core.OnProduced(Sent[request].RequestId, Response(Sent[request], _ => (error, baseOffset)), Now));

    public void Break(int request, RequestFailure failure = RequestFailure.Disconnected) =>
        Do(() => Core.OnRequestEnded(Sent[request].RequestId, failure, ErrorCode.None, "lost", Now));

    public static ProduceResponse Response(ProducerEffect.Send send, Func<ProducerBatch, (ErrorCode Error, long Offset)> answer) => new()
    {
        Responses = [.. send.Batches.GroupBy(batch => batch.Queue.Partition.Topic).Select(topic => new ProduceResponse.TopicProduceResponse
        {
            Name = topic.Key,
            PartitionResponses = [.. topic.Select(batch => new ProduceResponse.PartitionProduceResponse
            {
                Index = batch.Queue.Partition.Partition,
                ErrorCode = answer(batch).Error,
                BaseOffset = answer(batch).Offset,
            })],
        })],
    };

    public static List<int> IdsOf(ReadOnlySpan<byte> batch)
    {
        var ids = new List<int>();
        using var records = new RecordEnumerator(batch);
        foreach (var record in records)
            ids.Add(BitConverter.ToInt32(record.Value));
        return ids;
    }

    private void Perform(ProducerEffect effect)
    {
        switch (effect)
        {
            case ProducerEffect.Send send:
                Sent.Add(send);
                SentBytes.Add([.. send.Batches.Select(batch => batch.Bytes.ToArray())]);
                break;
            case ProducerEffect.Succeed succeed:
                for (var i = 0; i < succeed.Batch.RecordCount; i++)
                {
                    succeed.Batch.Deliveries[i].Succeeded(succeed.Batch.Queue.Partition, succeed.BaseOffset + i, 0);
                    Delivered.Add(((TestDelivery)succeed.Batch.Deliveries[i]).Id);
                }

                break;
            case ProducerEffect.Fail fail:
                foreach (var delivery in fail.Batch.Deliveries)
                    delivery.Failed(fail.Batch.Queue.Partition.Topic, null, fail.Reason, fail.Error, fail.Message);
                break;
            case ProducerEffect.FailRecord fail:
                fail.Record.Delivery.Failed(fail.Record.Topic, null, fail.Reason, fail.Error, fail.Message);
                break;
            default:
                Others.Add(effect);
                break;
        }
    }
}
