using ActorBroker.Log;
using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.TestKit.Xunit2;

namespace ActorBroker.Tests.Api;

/// <summary>
/// A seeded run of one node under faults: bursts of produces in flight while writes and flushes fail, the process or the
/// machine dies, the node stops cleanly, or the disk fills up. After each step: what was acknowledged is there at its
/// offset, in order, offsets are dense, and nothing is there that nobody sent. Every batch is synced (flush.messages=1).
/// </summary>
public sealed class DataPathChaosTests : TestKit
{
    private readonly DataPath _node;
    private readonly SortedDictionary<long, string> _acknowledged = [];
    private readonly HashSet<string> _sent = new(StringComparer.Ordinal);

    public DataPathChaosTests() : base(DataPath.Config) => _node = new DataPath(this);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Nothing_acknowledged_is_lost_or_moved(int seed)
    {
        var random = new Random(seed);
        _node.CreateTopic("flights", 1, ("flush.messages", "1"), ("segment.bytes", "1048576"));
        for (var step = 0; step < 12; step++)
        {
            Burst(random);
            switch (random.Next(6))
            {
                case 0:
                    _node.Crash();
                    _node.Start();
                    break;
                case 1:
                    _node.Crash((CrashMode)random.Next(3));
                    _node.Start();
                    break;
                case 2:
                    _node.Files.StopFailing();
                    _node.StopCleanly(); // clean or not: a partition may be reopening
                    _node.Start();
                    break;
            }

            Check(seed, step);
        }

        Assert.NotEmpty(_acknowledged);
    }

    /// <summary>Up to 20 produces at once; some meet a fault, and each is answered all the same.</summary>
    private void Burst(Random random)
    {
        var fault = random.Next(4);
        if (fault == 0) _node.Files.FailNext(FileOperation.Write, ".log", times: random.Next(1, 3));
        if (fault == 1) _node.Files.FailNext(FileOperation.Flush, ".log", times: random.Next(1, 3));
        if (fault == 2) _node.Files.CapacityBytes = _node.Files.UsedBytes + random.Next(20_000);
        var values = new Dictionary<int, string>();
        for (var i = random.Next(1, 20); i > 0; i--)
        {
            var value = $"{_sent.Count}.{new string('x', random.Next(2000))}";
            _sent.Add(value);
            values.Add(_node.Send(DataPath.Produce("flights", 0, _node.Batch(value), timeoutMs: 2000)), value);
        }

        while (values.Count > 0)
        {
            var response = _node.Client.ExpectMsg<ApiResponse>(TimeSpan.FromSeconds(20));
            Assert.True(values.Remove(response.CorrelationId, out var value));
            var outcome = DataPath.Only((ProduceResponse)response.Body);
            if (outcome.ErrorCode == ErrorCode.None) Assert.True(_acknowledged.TryAdd(outcome.BaseOffset, value), "an offset was given twice");
            else Assert.True(outcome.ErrorCode.IsRetriable(), $"{outcome.ErrorCode}: {outcome.ErrorMessage}");
        }

        _node.Files.CapacityBytes = long.MaxValue;
        _node.Time.Advance(TimeSpan.FromSeconds(2));
    }

    private void Check(int seed, int step)
    {
        _node.Files.StopFailing();
        AwaitCondition(() => _node.AskFetch("flights", 0).ErrorCode == ErrorCode.None, TimeSpan.FromSeconds(30), TimeSpan.FromMilliseconds(20));
        var stored = _node.ReadAll("flights");
        var at = $"seed {seed}, step {step}";
        Assert.True(stored.Select(record => record.Offset).SequenceEqual(Enumerable.Range(0, stored.Count).Select(i => (long)i)), $"offsets are not dense: {at}");
        Assert.True(stored.All(record => _sent.Contains(record.Value)), $"a record that nobody sent: {at}");
        foreach (var (offset, value) in _acknowledged)
            Assert.True(offset < stored.Count && stored[(int)offset].Value == value, $"offset {offset} is not what was acknowledged: {at}");
    }
}
