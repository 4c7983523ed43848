using System.Text;
using System.Text.RegularExpressions;
using ActorBroker.Cli.Tests.Processes;
using ActorBroker.Client;
using ActorBroker.Log;
using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.Actor;

namespace ActorBroker.Interop.Tests;

/// <summary>Scenario: an application on one engine, and a broker on the other in a process of its own.</summary>
public sealed class ProductTests : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _deadline = new(Deadline);
    private NodeProcess _node = null!;
    private Application _application = null!;

    public async Task InitializeAsync()
    {
        _node = await NodeProcess.StartNewAsync();
        _application = new Application(_node.Bootstrap);
    }

    public async Task DisposeAsync()
    {
        await _application.DisposeAsync();
        await _node.DisposeAsync();
        _deadline.Dispose();
    }

    private string EndpointPath => $"akka.tcp://actorbroker@{_node.Bootstrap}/user/actorbroker";

    [Fact]
    public async Task Topics_are_made_altered_and_deleted_and_records_go_in_and_come_out()
    {
        await using var admin = _application.Admin();
        Assert.Equal(3, (await admin.CreateTopicsAsync([new NewTopic("flights", 3)], cancellation: _deadline.Token))[0].Partitions);
        var flights = ConfigResource.Topic("flights");
        var altered = await admin.AlterConfigsAsync(
            new Dictionary<ConfigResource, IReadOnlyList<ConfigChange>> { [flights] = [ConfigChange.Set("retention.ms", "3600000")] }, cancellation: _deadline.Token);
        Assert.Equal(ErrorCode.None, altered[0].Error);
        var described = await admin.DescribeConfigsAsync([flights], cancellation: _deadline.Token);
        Assert.Equal("3600000", described[0].Entries.Single(entry => entry.Name == "retention.ms").Value);

        var sent = new Dictionary<(int, long), string>();
        await using (var producer = _application.Producer())
        {
            var outcomes = Enumerable.Range(0, 1_000).Select(async i => (
                Where: await producer.ProduceAsync("flights", Bytes($"k{i % 17}"), Bytes($"v{i}"), [new RecordHeader("n", Bytes($"{i}"))]), Value: $"v{i}"));
            foreach (var (where, value) in await Task.WhenAll(outcomes)) sent.Add((where.Partition.Partition, where.Offset.Value), value);
        }

        var read = await _application.ReadAllAsync("flights", _deadline.Token);
        Assert.Equal(sent, read.ToDictionary(record => (record.Partition.Partition, record.Offset.Value), record => Text(record.Value)));
        Assert.All(read, record => Assert.Equal(Text(record.Value), "v" + Text(Assert.Single(record.Headers).Value)));

        Assert.True((await admin.DeleteTopicsAsync(["flights"], _deadline.Token))[0].Succeeded);
        Assert.Empty(await admin.ListTopicsAsync(_deadline.Token));
    }

    [Fact]
    public async Task A_node_is_found_under_its_alias()
    {
        await using var other = new Application($"localhost:{_node.Port}");
        await other.CreateTopicAsync("t", 1);
        await using var producer = other.Producer();
        Assert.Equal(0, (await producer.ProduceAsync("t", null, Bytes("v"))).Offset.Value);
    }

    [Fact]
    public async Task The_endpoint_answers_an_ask_and_says_what_it_can_not_do()
    {
        ApiMessages.Register(_application.System);
        var endpoint = await _application.System.ActorSelection(EndpointPath).ResolveOne(Deadline);
        var answer = await endpoint.Ask<ApiResponse>(new ApiRequest(7, "interop", 128_000, new ApiVersionsRequest()), Deadline);
        Assert.Equal(7, answer.CorrelationId);
        Assert.Contains(((ApiVersionsResponse)answer.Body).ApiKeys, api => api.ApiKey == ApiKey.Produce);
        var missing = await _application.System.ActorSelection($"akka.tcp://actorbroker@{_node.Bootstrap}/user/nobody").Ask<ActorIdentity>(new Identify(1), Deadline);
        Assert.Null(missing.Subject);
    }

    [Fact]
    public async Task More_than_a_frame_holds_is_split_and_fetched_in_parts()
    {
        await _application.CreateTopicAsync("large", 2);
        await using (var producer = _application.Producer())
        {
            var sends = Enumerable.Range(0, 40).Select(i => producer.ProduceAsync("large", Bytes($"{i}"), Filled(50_000, i)).AsTask());
            await Task.WhenAll(sends);
        }

        var read = await _application.ReadAllAsync("large", _deadline.Token);
        Assert.Equal(Enumerable.Range(0, 40), read.Select(record => int.Parse(Text(record.Key))).Order());
        Assert.All(read, record => Assert.Equal(Filled(50_000, int.Parse(Text(record.Key))), record.Value!.Value.ToArray()));
    }

    [Fact]
    public async Task A_record_larger_than_a_frame_fails_with_the_setting_and_the_value_it_needs()
    {
        await _application.CreateTopicAsync("huge", 1);
        await using var producer = _application.Producer();
        var failure = await Assert.ThrowsAsync<DeliveryException>(async () => await producer.ProduceAsync("huge", null, new byte[200_000]));
        Assert.Equal(ErrorCode.MessageTooLarge, failure.Error);
        Assert.Equal(0, (await producer.ProduceAsync("huge", null, Bytes("fits"))).Offset.Value);

        // Whoever does as he is told gets it through, and back.
        await using var roomy = new Application(_node.Bootstrap, FramesAsTold(failure.Message));
        await using (var larger = roomy.Producer())
            Assert.Equal(1, (await larger.ProduceAsync("huge", null, new byte[200_000])).Offset.Value);
        Assert.Equal([4, 200_000], (await roomy.ReadAllAsync("huge", _deadline.Token)).Select(record => record.Value!.Value.Length));

        // A reader with small frames hears why it can't go on, and what to change.
        var stopped = await Assert.ThrowsAsync<ConsumerException>(() => _application.ReadAllAsync("huge", _deadline.Token));
        await using var reader = new Application(_node.Bootstrap, FramesAsTold(stopped.Message));
        Assert.Equal(2, (await reader.ReadAllAsync("huge", _deadline.Token)).Count);
    }

    [Fact]
    public async Task What_just_fits_a_frame_when_written_fits_one_when_read()
    {
        await _application.CreateTopicAsync("brim", 1);
        await using var producer = _application.Producer();
        var sizes = new List<int>();
        for (var size = 125_000; size < 128_000; size += 100)
        {
            try
            {
                await producer.ProduceAsync("brim", null, new byte[size]);
                sizes.Add(size);
            }
            catch (DeliveryException e) when (e.Error == ErrorCode.MessageTooLarge)
            {
                break;
            }
        }

        Assert.InRange(sizes.Count, 1, 29);
        Assert.Equal(sizes, (await _application.ReadAllAsync("brim", _deadline.Token)).Select(record => record.Value!.Value.Length));
    }

    [Fact]
    public async Task A_broker_killed_is_seen_to_end_and_its_return_loses_nothing()
    {
        await _application.CreateTopicAsync("kept", 1);
        await using var producer = _application.Producer();
        for (var i = 0; i < 50; i++) await producer.ProduceAsync("kept", null, Bytes($"{i}"));
        var end = new TaskCompletionSource<Terminated>(TaskCreationOptions.RunContinuationsAsynchronously);
        var watching = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _application.System.ActorOf(Props.Create(() => new Watcher(EndpointPath, watching, end)));
        await watching.Task.WaitAsync(Deadline);

        await _node.KillAsync();
        var during = producer.ProduceAsync("kept", null, Bytes("50")).AsTask();
        Assert.True((await end.Task.WaitAsync(Deadline)).AddressTerminated);
        await _node.StartAsync();
        Assert.Equal(50, (await during.WaitAsync(Deadline)).Offset.Value);
        for (var i = 51; i < 100; i++) await producer.ProduceAsync("kept", null, Bytes($"{i}"));
        Assert.Equal(
            Enumerable.Range(0, 100).Select(i => $"{i}"),
            (await _application.ReadAllAsync("kept", _deadline.Token)).Select(record => Text(record.Value)));
    }

    private static string FramesAsTold(string message)
    {
        var size = Regex.Match(message, @"akka\.remote\.dot-netty\.tcp\.maximum-frame-size to at least (?<size>\d+b)", RegexOptions.ExplicitCapture, Deadline);
        Assert.True(size.Success, message);
        var bytes = size.Groups["size"].Value;
        return $"akka.remote.dot-netty.tcp {{ maximum-frame-size = {bytes}, send-buffer-size = {bytes}, receive-buffer-size = {bytes} }}";
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(ReadOnlyMemory<byte>? bytes) => Encoding.UTF8.GetString(bytes!.Value.Span);

    private static byte[] Filled(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private sealed class Watcher(string path, TaskCompletionSource watching, TaskCompletionSource<Terminated> end) : UntypedActor
    {
        protected override void PreStart() => Context.ActorSelection(path).Tell(new Identify(path));

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case ActorIdentity { Subject: { } endpoint }:
                    Context.Watch(endpoint);
                    watching.SetResult();
                    break;
                case Terminated terminated:
                    end.SetResult(terminated);
                    break;
                default:
                    Unhandled(message);
                    break;
            }
        }
    }
}
