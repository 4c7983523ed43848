using System.Collections.Concurrent;
using System.Diagnostics;
using ActorBroker.Client;
using ActorBroker.MultiNode.Tests.Histories;

namespace ActorBroker.MultiNode.Tests.Clients;

/// <summary>Takes down what clients do and see, as it happens. Any thread.</summary>
internal sealed class HistoryRecorder
{
    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly ConcurrentDictionary<(string Producer, long Number), Send> _sends = new();
    private readonly ConcurrentQueue<Seen> _seen = new();
    private readonly ConcurrentDictionary<LeaderSeen, byte> _leaders = new();
    private readonly ConcurrentQueue<RetrySpan> _retries = new();
    private readonly ConcurrentQueue<string> _troubles = new();
    private readonly ConcurrentDictionary<string, ProducerMetrics> _metrics = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _seenBy = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte> _exactlyOnce = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Producer, int Partition), TimeSpan> _lastAcknowledged = new();
    private long _acknowledged;

    public TimeSpan Now => Stopwatch.GetElapsedTime(_began);

    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    /// <summary>Errors that clients were told of; a scenario says which of them it allows.</summary>
    public IReadOnlyCollection<string> Troubles => _troubles;

    /// <summary>How many partitions have acknowledged a record of the producer that it was given after <paramref name="from"/>.</summary>
    public int PartitionsFlowing(string producer, TimeSpan from) =>
        _lastAcknowledged.Count(last => last.Key.Producer == producer && last.Value >= from);

    public IReadOnlyDictionary<string, ProducerMetrics> Metrics => _metrics;

    /// <summary>The producer is idempotent.</summary>
    public void PromisesExactlyOnce(string producer) => _exactlyOnce.TryAdd(producer, 0);

    public void Began(string producer, long number, int partition, bool durable) =>
        _sends[(producer, number)] = new Send(producer, number, partition, durable, Now, null, SendOutcome.Unknown, -1);

    public void Acknowledge(string producer, long number, int partition, long offset)
    {
        var send = _sends[(producer, number)];
        if (send.Partition != partition) Trouble($"{producer}:{number} was sent to partition {send.Partition} and acknowledged in {partition}");
        _sends[(producer, number)] = send with { Ended = Now, Outcome = SendOutcome.Acknowledged, Offset = offset };
        _lastAcknowledged.AddOrUpdate((producer, partition), send.Began, (_, last) => last > send.Began ? last : send.Began);
        Interlocked.Increment(ref _acknowledged);
    }

    public void Fail(string producer, long number, DeliveryException failure)
    {
        var neverSent = failure.Reason is DeliveryFailure.BufferFull or DeliveryFailure.RecordTooLarge or DeliveryFailure.InvalidTopicOrPartition;
        _sends[(producer, number)] = _sends[(producer, number)] with { Ended = Now, Outcome = neverSent ? SendOutcome.NeverSent : SendOutcome.Unknown };
        Trouble($"{producer}:{number} failed: {failure.Reason}, {failure.Message}");
    }

    /// <summary>How many records each reader was given.</summary>
    public IReadOnlyDictionary<string, long> SeenBy => _seenBy;

    public void BeganReading(string reader) => _seenBy.TryAdd(reader, 0);

    public void Saw(Seen record)
    {
        _seen.Enqueue(record);
        _seenBy.AddOrUpdate(record.Reader, 1, static (_, count) => count + 1);
    }

    public void SawLeader(LeaderSeen leader) => _leaders.TryAdd(leader, 0);

    public void SentAgain(RetrySpan span) => _retries.Enqueue(span);

    public void Count(string producer, ProducerMetrics metrics) => _metrics[producer] = metrics;

    public void Trouble(string what) => _troubles.Enqueue($"{Now.TotalSeconds:0.000} s: {what}");

    public History Build(IReadOnlyList<Seen> final) => new(
        [.. _sends.Values.OrderBy(send => send.Producer, StringComparer.Ordinal).ThenBy(send => send.Number)],
        [.. _seen],
        [.. _leaders.Keys],
        [.. _retries],
        final,
        _metrics.Where(producer => producer.Value.BatchesReordered > 0).Select(producer => producer.Key).ToHashSet(StringComparer.Ordinal),
        _exactlyOnce.Keys.ToHashSet(StringComparer.Ordinal));

    /// <summary>
    /// By partition, the longest time without an acknowledgement around the given span: of all silences that overlap it,
    /// the longest, measured whole. The producer must send to every partition all the time.
    /// </summary>
    public IReadOnlyDictionary<int, TimeSpan> Silences(string producer, TimeSpan from, TimeSpan to)
    {
        var silences = new Dictionary<int, TimeSpan>();
        foreach (var partition in _sends.Values.Where(send => send.Producer == producer).GroupBy(send => send.Partition))
        {
            var longest = TimeSpan.Zero;
            var last = partition.Min(send => send.Began);
            foreach (var at in partition.Where(send => send.Outcome == SendOutcome.Acknowledged).Select(send => send.Ended!.Value).Order().Append(Now))
            {
                if (at > from && last < to && at - last > longest) longest = at - last;
                last = at;
            }

            silences[partition.Key] = longest;
        }

        return silences;
    }
}
