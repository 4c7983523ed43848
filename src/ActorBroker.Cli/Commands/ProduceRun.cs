using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Threading.Channels;
using ActorBroker.Cli.Output;
using ActorBroker.Cli.Records;
using ActorBroker.Client;
using ActorBroker.Log;

namespace ActorBroker.Cli.Commands;

/// <summary>Feeds lines to a producer, counts what became of each, and sums up.</summary>
internal sealed class ProduceRun(
    string topic, LineFormat format, RecordHeader[] headers, bool showRate, bool json, TextWriter output, TextWriter error)
{
    /// <summary>
    /// Records out at a time; beyond it reading waits. Enough to fill every batch and request on their way; more only
    /// fills caches and the garbage collector's hands (measured: half the rate at twenty times as many).
    /// </summary>
    private const int MaxOutstanding = 10_000;

    /// <summary>Likewise, for long lines: less than the producer's buffer, so that none is refused for want of it.</summary>
    private const long MaxOutstandingBytes = 16 << 20;
    private const int MaxDistinctFaultsShown = 10;
    private static readonly TimeSpan ProgressEvery = TimeSpan.FromSeconds(1);

    private readonly HashSet<string> _faults = new(StringComparer.Ordinal);
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly SemaphoreSlim _counted = new(0, 1);
    private long _outstandingBytes;
    private long _lines;
    private long _delivered;
    private long _failed;
    private long _bytes;
    private bool _unreachable;

    public string Topic => topic;

    public async Task<int> RunAsync(ProducerClient producer, Stream input, CancellationToken cancellation)
    {
        var outcomes = Channel.CreateBounded<(ValueTask<RecordMetadata>, int)>(new BoundedChannelOptions(MaxOutstanding) { SingleReader = true, SingleWriter = true });
        var counting = CountAsync(outcomes.Reader);
        using var progress = Progress();
        try
        {
            await SendAsync(producer, new LineReader(input), outcomes.Writer, cancellation);
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C: what was read is still delivered and counted.
        }
        finally
        {
            outcomes.Writer.Complete();
        }

        await counting;
        Summarise();
        return _unreachable && _delivered == 0 ? ExitCode.BrokerUnreachable : _failed > 0 ? ExitCode.Failed : ExitCode.Done;
    }

    private async Task SendAsync(ProducerClient producer, LineReader lines, ChannelWriter<(ValueTask<RecordMetadata>, int)> outcomes, CancellationToken cancellation)
    {
        while (await lines.ReadAsync(cancellation) is { } line)
        {
            _lines++;
            if (!format.TryParse(line, out var key, out var value))
            {
                _failed++;
                Report($"line {_lines} has no key separator");
                continue;
            }

            var bytes = (key?.Length ?? 0) + (value?.Length ?? 0);
            _bytes += bytes;
            while (Interlocked.Read(ref _outstandingBytes) is > 0 and var outstanding && outstanding + bytes > MaxOutstandingBytes)
                await _counted.WaitAsync(CancellationToken.None);
            Interlocked.Add(ref _outstandingBytes, bytes);
            var outcome = (producer.ProduceAsync(topic, key, value, headers), bytes);
            if (!outcomes.TryWrite(outcome)) await outcomes.WriteAsync(outcome, CancellationToken.None);
        }
    }

    private async Task CountAsync(ChannelReader<(ValueTask<RecordMetadata>, int)> outcomes)
    {
        await foreach (var (outcome, bytes) in outcomes.ReadAllAsync())
        {
            try
            {
                await outcome;
                _delivered++;
            }
            catch (DeliveryException e)
            {
                Interlocked.Increment(ref _failed);
                _unreachable |= e.Reason == DeliveryFailure.Unreachable;
                Report(e.Message);
            }

            Interlocked.Add(ref _outstandingBytes, -bytes);
            if (_counted.CurrentCount == 0) _counted.Release();
        }
    }

    private void Report(string fault)
    {
        lock (_faults)
        {
            if (_faults.Count < MaxDistinctFaultsShown && _faults.Add(fault)) error.WriteLine($"actorbroker: {fault}");
        }
    }

    private Timer? Progress()
    {
        var interactive = !Console.IsErrorRedirected;
        if (!interactive && !showRate) return null;
        return new Timer(_ =>
        {
            var line = string.Create(CultureInfo.InvariantCulture, $"{_delivered:N0} records delivered, {_lines / Stopwatch.GetElapsedTime(_started).TotalSeconds:N0} records/s");
            error.Write(interactive ? $"\r\x1b[K{line}" : line + Environment.NewLine);
        }, null, ProgressEvery, ProgressEvery);
    }

    private void Summarise()
    {
        var seconds = Stopwatch.GetElapsedTime(_started).TotalSeconds;
        var rate = _delivered / seconds;
        if (!Console.IsErrorRedirected) error.Write("\r\x1b[K");
        if (json)
        {
            output.Write(Encoding.UTF8.GetString(new JsonLine().Build(line =>
            {
                line.WriteString("topic"u8, topic);
                line.WriteNumber("records"u8, _delivered);
                line.WriteNumber("bytes"u8, _bytes);
                line.WriteNumber("seconds"u8, Math.Round(seconds, 3));
                line.WriteNumber("records_per_second"u8, Math.Round(rate));
                line.WriteNumber("failed"u8, _failed);
            }).Span));
            return;
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{_delivered:N0} records, {_bytes:N0} bytes, {seconds:0.00} s, {rate:N0} records/s ({_bytes / seconds / 1e6:0.0} MB/s), {_failed:N0} failed"));
    }
}
