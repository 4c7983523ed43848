using ActorBroker.Client;
using ActorBroker.MultiNode.Tests.Histories;
using Akka.Actor;

namespace ActorBroker.MultiNode.Tests.Clients;

/// <param name="RecordsPerSecond">To each partition, evenly: so that silence is the cluster's.</param>
/// <param name="MaxInFlight">1: order holds whatever happens. Null: the default.</param>
/// <param name="Padding">Bytes by which each record is larger than its number.</param>
/// <param name="Idempotent">As by default; false: without, whatever acks is.</param>
/// <param name="DeliveryTimeout">Null: the default.</param>
internal sealed record WriterShape(
    string Name, Acks Acks = Acks.All, int RecordsPerSecond = 20, int? MaxInFlight = null, int Padding = 0, bool Idempotent = true, TimeSpan? DeliveryTimeout = null)
{
    /// <summary>The default wherever the other settings allow it.</summary>
    public bool IsExactlyOnce => Idempotent && Acks == Acks.All;
}

/// <summary>A producer with default settings that sends numbered records to every partition until it is stopped.</summary>
internal sealed class Writer : IAsyncDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan LookAtRetries = TimeSpan.FromMilliseconds(50);

    private readonly string _topic;
    private readonly int _partitions;
    private readonly WriterShape _shape;
    private readonly HistoryRecorder _history;
    private readonly ProducerClient _producer;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _writing;
    private readonly Task _watching;
    private long _next;
    private int _out;

    public Writer(ActorSystem system, string bootstrap, string topic, int partitions, WriterShape shape, HistoryRecorder history)
    {
        (_topic, _partitions, _shape, _history) = (topic, partitions, shape, history);
        var settings = ProducerSettings.Create(system).WithBootstrap([.. bootstrap.Split(',')]).WithAcks(shape.Acks).WithClientId(shape.Name);
        if (shape.MaxInFlight is { } max) settings = settings with { MaxInFlightRequestsPerConnection = max };
        if (!shape.Idempotent) settings = settings.WithIdempotence(false);
        if (shape.DeliveryTimeout is { } patience)
            settings = settings with { DeliveryTimeout = patience, Client = settings.Client with { RequestTimeout = patience / 2 } };
        if (shape.IsExactlyOnce) history.PromisesExactlyOnce(shape.Name);
        _producer = ProducerClient.Create(system, settings);
        _writing = Task.Run(WriteAsync);
        _watching = Task.Run(WatchRetriesAsync);
    }

    /// <summary>No new records; completes when each has its outcome.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _writing;
        await _producer.FlushAsync();
        while (Volatile.Read(ref _out) > 0) await Task.Delay(5);
        await _watching;
        _history.Count(_shape.Name, await _producer.GetMetricsAsync());
        await _producer.DisposeAsync();
    }

    public async ValueTask DisposeAsync() => await _stop.CancelAsync();

    private async Task WriteAsync()
    {
        using var timer = new PeriodicTimer(Tick);
        var owed = 0.0;
        var last = _history.Now;
        while (!_stop.IsCancellationRequested)
        {
            var now = _history.Now;
            // After a stall of this process it does not catch up with a burst.
            owed += Math.Min((now - last).TotalSeconds, 0.25) * _shape.RecordsPerSecond;
            last = now;
            for (; owed >= 1; owed--)
            {
                for (var partition = 0; partition < _partitions; partition++) _ = SendAsync(_next++, partition);
            }

            await timer.WaitForNextTickAsync();
        }
    }

    private async Task SendAsync(long number, int partition)
    {
        _history.Began(_shape.Name, number, partition, _shape.Acks == Acks.All);
        Interlocked.Increment(ref _out);
        try
        {
            var where = await _producer.ProduceAsync(_topic, RecordText.Key(number), RecordText.Value(_shape.Name, number, _shape.Padding), partition: partition);
            _history.Acknowledge(_shape.Name, number, where.Partition.Partition, where.Offset.Value);
        }
        catch (DeliveryException e)
        {
            _history.Fail(_shape.Name, number, e);
        }
        finally
        {
            Interlocked.Decrement(ref _out);
        }
    }

    /// <summary>A send is only counted as repeated if its batch was: the metrics tell when that was, no closer than this looks.</summary>
    private async Task WatchRetriesAsync()
    {
        using var timer = new PeriodicTimer(LookAtRetries);
        var (before, known) = (_history.Now, 0L);
        bool last;
        do
        {
            last = _writing.IsCompleted && Volatile.Read(ref _out) == 0;
            var metrics = await _producer.GetMetricsAsync();
            if (metrics.BatchesRetried > known) _history.SentAgain(new RetrySpan(_shape.Name, before, _history.Now));
            (before, known) = (_history.Now, metrics.BatchesRetried);
            await timer.WaitForNextTickAsync();
        }
        while (!last);
    }
}
