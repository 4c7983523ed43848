using System.Security.Cryptography;
using ActorBroker.Log;
using Akka.Actor;

namespace ActorBroker.Client;

/// <summary>
/// The producer for code that awaits. Any number of threads may call it; records of one caller keep their order within a
/// partition. Dispose it to send what it holds and stop.
/// </summary>
public sealed class ProducerClient : IAsyncDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);

    private readonly ProducerSettings _settings;
    private readonly ProducerIntake _intake;
    private readonly IActorRef _actor;

    private ProducerClient(ProducerSettings settings, ProducerIntake intake, IActorRef actor) =>
        (_settings, _intake, _actor) = (settings, intake, actor);

    /// <summary>Every record has its outcome by then.</summary>
    private TimeSpan LongestDelivery => _settings.MaxBlock + _settings.DeliveryTimeout + StopPatience;

    /// <exception cref="ClientSettingsException">The settings are wrong.</exception>
    public static ProducerClient Create(ActorSystem system, ProducerSettings settings)
    {
        var intake = new ProducerIntake(settings.BufferMemory);
        var actor = system.ActorOf(Producer.Props(settings, intake, RandomNumberGenerator.GetInt32(int.MaxValue)));
        return new ProducerClient(settings, intake, actor);
    }

    /// <summary>
    /// Sends a record; completes when it is where <c>acks</c> asks for. When <c>buffer.memory</c> is in use it waits for
    /// up to <c>max.block.ms</c>; records that wait may hold as many bytes again, any further one fails at once with
    /// <see cref="DeliveryFailure.BufferFull"/>. Key and value must not change until the task ends. Await the task once.
    /// </summary>
    /// <param name="topic">Its partitions are looked up at first use.</param>
    /// <param name="key">Decides the partition; null leaves that to the partitioner.</param>
    /// <param name="value">Null is a tombstone in a compacted topic.</param>
    /// <param name="headers">In order; keys may repeat.</param>
    /// <param name="timestamp">Null is now.</param>
    /// <param name="partition">Overrides the key's.</param>
    /// <exception cref="DeliveryException">The record is given up; the exception says why.</exception>
    public ValueTask<RecordMetadata> ProduceAsync(
        string topic,
        ReadOnlyMemory<byte>? key,
        ReadOnlyMemory<byte>? value,
        IReadOnlyList<RecordHeader>? headers = null,
        DateTimeOffset? timestamp = null,
        int? partition = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(topic);
        if (partition is < 0)
            throw new ArgumentOutOfRangeException(nameof(partition), partition, "A partition is not negative.");
        var delivery = new TaskDelivery { TimestampMs = timestamp?.ToUnixTimeMilliseconds() ?? -1 };
        var task = delivery.Task;
        _intake.Add(new OutgoingRecord(
            topic, partition ?? -1, key, value, Headers.ToArray(headers), delivery, Taken: default, MayWait: true));
        return task;
    }

    /// <inheritdoc cref="ProduceAsync(string, ReadOnlyMemory{byte}?, ReadOnlyMemory{byte}?, IReadOnlyList{RecordHeader}?, DateTimeOffset?, int?)"/>
    public ValueTask<RecordMetadata> ProduceAsync(
        string topic,
        byte[]? key,
        byte[]? value,
        IReadOnlyList<RecordHeader>? headers = null,
        DateTimeOffset? timestamp = null,
        int? partition = null) =>
        ProduceAsync(topic, Bytes.OrNull(key), Bytes.OrNull(value), headers, timestamp, partition);

    /// <summary>Sends everything given so far without lingering; completes when all of it has an outcome, good or bad.</summary>
    public async Task FlushAsync(CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(_intake.IsClosed, this);
        await _actor.Ask<Flushed>(new Flush(), LongestDelivery, cancellation);
    }

    public Task<ProducerMetrics> GetMetricsAsync(CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(_intake.IsClosed, this);
        return _actor.Ask<ProducerMetrics>(GetProducerMetrics.Instance, StopPatience, cancellation);
    }

    /// <summary>Flushes, then stops; takes as long as the slowest delivery.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_intake.IsClosed)
            return;
        await FlushAsync();
        await _actor.GracefulStop(StopPatience);
    }
}
