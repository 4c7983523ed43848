using System.Globalization;
using System.Text;
using ActorBroker.Log;
using ActorBroker.Protocol;
using Akka.Actor;

namespace ActorBroker.Client.Tests.Actors;

/// <summary>
/// Clients of a cluster of three brokers over TCP, which know one address of it. Brokers stop and come back; the test says who
/// leads. The log is one, as if replication were perfect.
/// </summary>
public sealed class FailoverTests : IAsyncLifetime
{
    private static readonly TopicPartition P0 = new("t", 0);

    private readonly ActorRig _rig = ActorRig.OverTcp();
    private readonly Dictionary<int, ActorSystem> _others = [];

    private FakeLog Log => _rig.Log;

    public Task InitializeAsync()
    {
        Log.Topics["t"] = 1;
        foreach (var id in new[] { 2, 3 })
        {
            Log.Nodes[id] = Ports.Next();
            _others[id] = ActorRig.StartBroker(Log, id);
        }

        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        foreach (var system in _others.Values) await system.Terminate();
        await _rig.DisposeAsync();
    }

    [Fact]
    public async Task A_leader_that_vanishes_in_the_middle_of_a_batch_is_replaced_and_nothing_is_lost_or_reported_twice()
    {
        await using var producer = ProducerClient.Create(_rig.Client, _rig.Producer());
        await DeliveredAsync(Send(producer, 0, 10));
        Log.Judge = request => request is ProduceRequest && Log.Leader == 1 ? null : ErrorCode.None;
        var tasks = Send(producer, 10, 200);
        while (!Log.Seen.Any(request => request is ProduceRequest && Log.EndOf(P0) == 10))
            await Task.Yield();
        await _rig.StopBrokerAsync();
        Elect(2);
        Log.Nodes.TryRemove(1, out _);
        await DeliveredAsync(tasks);
        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"v{i}"), Log.Values(P0));
        Assert.Equal((200, 0), ((await producer.GetMetricsAsync()).RecordsDelivered, (await producer.GetMetricsAsync()).RecordsFailed));
    }

    [Fact]
    public async Task Elections_one_after_the_other_cost_neither_records_nor_order()
    {
        await using var producer = ProducerClient.Create(_rig.Client, _rig.Producer());
        var all = new List<Task<RecordMetadata>>();
        for (var round = 0; round < 6; round++)
        {
            var sent = Send(producer, round * 100, (round + 1) * 100);
            all.AddRange(sent);
            await sent[0].WaitAsync(ActorRig.Deadline);
            Elect((round % 3) + 1);
        }

        await DeliveredAsync(all);
        Assert.Equal(Enumerable.Range(0, 600).Select(i => $"v{i}"), Log.Values(P0).Distinct());
    }

    [Fact]
    public async Task All_brokers_away_and_one_of_them_back_go_on_where_they_stopped()
    {
        await using var producer = ProducerClient.Create(_rig.Client, _rig.Producer());
        await using var consumer = ConsumerClient.Create(_rig.Client, _rig.Consumer().Subscribe("t").StartAt(StartPosition.Beginning));
        var reading = ReadAsync(consumer, 100);
        await DeliveredAsync(Send(producer, 0, 50));
        await _rig.StopBrokerAsync();
        foreach (var system in _others.Values) await system.Terminate();
        var tasks = Send(producer, 50, 100);
        Elect(3);
        _others[3] = ActorRig.StartBroker(Log, 3);
        await DeliveredAsync(tasks);
        Assert.Equal(Enumerable.Range(0, 100), await reading.WaitAsync(ActorRig.Deadline));
    }

    [Fact]
    public async Task A_consumer_whose_bootstrap_broker_is_gone_follows_leaders_and_reads_each_record_once()
    {
        await using var producer = ProducerClient.Create(_rig.Client, _rig.Producer());
        await using var consumer = ConsumerClient.Create(_rig.Client, _rig.Consumer().Subscribe("t").StartAt(StartPosition.Beginning));
        var reading = ReadAsync(consumer, 90);
        await DeliveredAsync(Send(producer, 0, 30));
        Elect(2);
        await _rig.StopBrokerAsync();
        await DeliveredAsync(Send(producer, 30, 60));
        Elect(3);
        await DeliveredAsync(Send(producer, 60, 90));
        Assert.Equal(Enumerable.Range(0, 90), await reading.WaitAsync(ActorRig.Deadline));
    }

    private void Elect(int leader)
    {
        Log.Leader = leader;
        Log.Epoch++;
    }

    private static List<Task<RecordMetadata>> Send(ProducerClient producer, int from, int to) =>
        [.. Enumerable.Range(from, to - from).Select(i => producer.ProduceAsync("t", null, Encoding.UTF8.GetBytes($"v{i}")).AsTask())];

    private static async Task DeliveredAsync(IEnumerable<Task<RecordMetadata>> tasks) => await Task.WhenAll(tasks).WaitAsync(ActorRig.Deadline);

    private static async Task<List<int>> ReadAsync(ConsumerClient consumer, int count)
    {
        var read = new List<int>();
        await foreach (var record in consumer)
        {
            read.Add(int.Parse(Encoding.UTF8.GetString(record.Value!.Value.Span)[1..], CultureInfo.InvariantCulture));
            if (read.Count == count) break;
        }

        return read;
    }
}
