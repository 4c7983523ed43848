using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>The half about what the target could not do: handed over again, or put aside.</summary>
internal sealed partial class ConsumerCore
{
    private bool BuriesFailures => _settings.DeadLetterTopic.Length > 0;

    /// <summary>The target failed on a batch; an answer for anything but what is out is ignored.</summary>
    /// <param name="batch">What is out.</param>
    /// <param name="at">The record at fault, with all before it done; none if that is not known.</param>
    /// <param name="reason">For the dead-letter topic.</param>
    /// <param name="now">Monotonic.</param>
    public void OnFailed(ConsumerBatch batch, Offset at, string reason, TimeSpan now)
    {
        if (!ReferenceEquals(batch, _outstanding))
            return;
        TakeBack(at, reason, now);
        Advance(now);
    }

    /// <summary>The target has lost what was out to it.</summary>
    public void OnTargetRestarted(string reason, TimeSpan now)
    {
        if (_outstanding is not null)
            TakeBack(Offset.None, reason, now);
        Advance(now);
    }

    /// <summary>A dead letter is written, or failed to be.</summary>
    /// <param name="letter">Which.</param>
    /// <param name="failure">Null if it is written.</param>
    /// <param name="now">Monotonic.</param>
    public void OnBuried(DeadLetter letter, string? failure, TimeSpan now)
    {
        var record = letter.Record;
        if (!_readers.TryGetValue(record.Partition, out var reader) || reader.Generation != letter.Generation || reader.Redelivery is not { IsBuried: true } redelivery)
            return;
        if (failure is null)
        {
            _effects.Add(new ConsumerEffect.Notify(new DeadLettered(record.Partition, record.Offset, _settings.DeadLetterTopic, letter.Attempts, letter.Reason)));
            reader.OnProcessed(redelivery.BehindCurrent, redelivery.Epoch);
            Proceed(reader, redelivery);
        }
        else
        {
            redelivery.FailToBury(now + _settings.Client.RetryBackoffMax);
            _effects.Add(new ConsumerEffect.Notify(new DeadLetterFailed(record.Partition, record.Offset, _settings.DeadLetterTopic, failure)));
        }

        Advance(now);
    }

    private void TakeBack(Offset at, string reason, TimeSpan now)
    {
        var batch = _outstanding!;
        BecomeIdle();
        if (!_readers.TryGetValue(batch.Partition, out var reader) || reader.Generation != batch.Generation)
            return;
        var rest = batch.Records.SkipWhile(record => record.Offset < at).ToArray();
        if (rest.Length == 0)
        {
            // A place behind all of the batch says that all of it is done.
            OnDone(reader, batch);
            return;
        }

        if (rest.Length < batch.Records.Count)
            reader.OnProcessed(rest[0].Offset, batch.Epoch);
        reader.EndReported = Offset.None;
        var redelivery = reader.Redelivery ??= new Redelivery(rest, batch.NextOffset, batch.HighWatermark, batch.Epoch);
        redelivery.Advance(rest[0].Offset);
        var isKnown = rest.Length == 1 || at != Offset.None;
        redelivery.Fail(reason, isKnown || !BuriesFailures, now + (isKnown || !BuriesFailures ? _backoff.Delay(redelivery.Failures + 1) : TimeSpan.Zero));
        if (BuriesFailures && redelivery.Failures >= _settings.MaxDeliveryAttempts)
            redelivery.BecomeBurying();
    }

    private void OnDone(PartitionReader reader, ConsumerBatch batch)
    {
        reader.OnProcessed(batch.NextOffset, batch.Epoch);
        if (reader.Redelivery is { } redelivery)
            Proceed(reader, redelivery);
    }

    private void Proceed(PartitionReader reader, Redelivery redelivery)
    {
        redelivery.Advance(reader.Processed);
        if (!redelivery.IsDone)
            return;
        reader.Redelivery = null;
        // Said before, of what then failed: it holds only now.
        if (reader.Buffered is null)
            ReportEnd(reader);
    }

    private void Bury(TimeSpan now)
    {
        if (!BuriesFailures)
            return;
        foreach (var reader in _turns)
        {
            if (reader.Redelivery is not { } redelivery || reader.IsHeld || !redelivery.MayBury(now))
                continue;
            redelivery.BecomeBuried();
            _effects.Add(new ConsumerEffect.Bury(new DeadLetter(redelivery.Current, reader.Generation, redelivery.Failures, redelivery.Reason)));
        }
    }
}
