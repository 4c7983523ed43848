using System.Runtime.CompilerServices;
using System.Threading.Channels;
using ActorBroker.Log;
using Akka.Actor;

namespace ActorBroker.Client;

/// <summary>
/// The consumer for code that awaits: one reader at a time, <c>await foreach (var record in consumer)</c>. A loop that was
/// left goes on with the next record when another begins. A batch counts as processed once the reader asks for what is
/// behind it. Seeks, pauses and the like may come from any thread. In a group, what other members took over is not handed
/// out any more; with <c>enable.auto.commit</c> what counts as processed is committed, on disposal up to the record before
/// the last one handed out.
/// </summary>
public sealed class ConsumerClient : IAsyncEnumerable<ConsumerRecord>, IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CommitPatience = TimeSpan.FromMinutes(2);

    /// <summary>Longer than a consumer gives itself to commit and leave.</summary>
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(10);

    private readonly IActorRef _bridge;
    private readonly ConsumerInbox _inbox;
    private readonly bool _commitsByItself;
    private int _reading;
    private volatile bool _disposed;

    private ConsumerClient(ActorSystem system, ConsumerSettings settings)
    {
        var channel = Channel.CreateUnbounded<object>(new UnboundedChannelOptions { SingleReader = true });
        var voids = new VoidBatches();
        _bridge = system.ActorOf(ConsumerBridge.Props(settings, channel.Writer, voids));
        _inbox = new ConsumerInbox(channel.Reader, voids, _bridge);
        _commitsByItself = settings.GroupId.Length > 0 && settings.EnableAutoCommit;
    }

    /// <exception cref="ClientSettingsException">The settings are wrong, or name nothing to read.</exception>
    public static ConsumerClient Create(ActorSystem system, ConsumerSettings settings) => new(system, settings);

    /// <summary>Never ends by itself.</summary>
    /// <exception cref="ConsumerException">A topic or partition can't be read, or no broker answered at the start.</exception>
    public IAsyncEnumerator<ConsumerRecord> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        ReadRecordsAsync(untilEnd: false, cancellationToken).GetAsyncEnumerator(cancellationToken);

    /// <summary>As the enumeration, but ends once everything committed so far has been read in every partition.</summary>
    public IAsyncEnumerable<ConsumerRecord> ReadToEndAsync(CancellationToken cancellationToken = default) =>
        ReadRecordsAsync(untilEnd: true, cancellationToken);

    /// <summary>For high rates: whole batches. Never ends by itself.</summary>
    public IAsyncEnumerable<ConsumerBatch> ReadBatchesAsync(CancellationToken cancellationToken = default) =>
        ReadBatchesAsync(untilEnd: false, cancellationToken);

    /// <summary>For high rates: whole batches, up to the end.</summary>
    public IAsyncEnumerable<ConsumerBatch> ReadBatchesToEndAsync(CancellationToken cancellationToken = default) =>
        ReadBatchesAsync(untilEnd: true, cancellationToken);

    /// <summary>Goes on elsewhere; once this completes no record from before is handed out any more.</summary>
    /// <returns>False if the partition is not read here.</returns>
    public async Task<bool> SeekAsync(TopicPartition partition, StartPosition position, CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var sought = await _bridge.Ask<Sought>(new Seek(partition, position), Patience, cancellation);
        _inbox.OnSought(sought);
        return sought.IsAssigned;
    }

    public void Pause(params IReadOnlyList<TopicPartition> partitions) => _bridge.Tell(new Pause(partitions), ActorRefs.NoSender);

    public void Resume(params IReadOnlyList<TopicPartition> partitions) => _bridge.Tell(new Resume(partitions), ActorRefs.NoSender);

    public async Task<ConsumerPositions> GetPositionsAsync(CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return await _bridge.Ask<ConsumerPositions>(GetConsumerPositions.Instance, Patience, cancellation);
    }

    /// <summary>
    /// Commits, for the group, every record handed out so far, the one that the loop is at included: for loops that commit when
    /// they are done with a record. To be called by the reader.
    /// </summary>
    /// <exception cref="ConsumerException">It is not, or not fully, stored.</exception>
    public Task CommitAsync(CancellationToken cancellation = default) =>
        CommitAsync(new CommitOffsets { Further = _inbox.HandedOut(alsoLast: true) }, cancellation);

    /// <summary>Commits these places to read on, of partitions that are assigned. Any thread.</summary>
    /// <exception cref="ConsumerException">It is not, or not fully, stored.</exception>
    public Task CommitAsync(IReadOnlyDictionary<TopicPartition, Offset> offsets, CancellationToken cancellation = default) =>
        CommitAsync(new CommitOffsets(offsets.ToDictionary(offset => offset.Key, offset => new CommittedOffset(offset.Value))), cancellation);

    /// <summary>
    /// The loop could not do its work on the record or batch that it is at: it comes again after a pause with those behind it, or
    /// goes to <c>dead.letter.topic</c> after <c>max.delivery.attempts</c>. To be called by the reader, which then goes on.
    /// </summary>
    public void Fail(string reason)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _inbox.Fail(reason);
    }

    /// <summary>Commits and leaves the group, if there is one, and stops; a reader that waits ends.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (_commitsByItself && Volatile.Read(ref _reading) == 0 && _inbox.HandedOut(alsoLast: false) is { Count: > 0 } done)
            _bridge.Tell(new CommitOffsets { Further = done }, ActorRefs.NoSender);
        await _bridge.GracefulStop(ClosePatience, new StopConsumer(Drain: false));
    }

    private async Task CommitAsync(CommitOffsets commit, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        // The consumer itself ends it in time; this is for one that has stopped.
        var committed = await _bridge.Ask<OffsetsCommitted>(commit, CommitPatience, cancellation);
        if (!committed.Succeeded)
            throw new ConsumerException(committed.Error, committed.Message);
    }

    private async IAsyncEnumerable<ConsumerRecord> ReadRecordsAsync(bool untilEnd, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Enter();
        try
        {
            while (_inbox.HasRecord || await _inbox.NextBatchAsync(untilEnd, cancellationToken))
            {
                while (_inbox.HasRecord)
                    yield return _inbox.TakeRecord();
            }
        }
        finally
        {
            Volatile.Write(ref _reading, 0);
        }
    }

    private async IAsyncEnumerable<ConsumerBatch> ReadBatchesAsync(bool untilEnd, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Enter();
        try
        {
            while (_inbox.HasRecord || await _inbox.NextBatchAsync(untilEnd, cancellationToken))
                yield return _inbox.TakeBatch();
        }
        finally
        {
            Volatile.Write(ref _reading, 0);
        }
    }

    private void Enter()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Interlocked.Exchange(ref _reading, 1) != 0)
            throw new InvalidOperationException("The consumer is being read already: one reader at a time.");
    }
}
