using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>
/// Records that their target failed on, or did not live to answer for, on their way to be handed over again.
/// <code>
/// waiting (backs off) -> out -- processed --> next record, or done
///    ^                    '-- failed --> once more; with a dead-letter topic and often enough: burying
///    |                                       burying -- written --> next record, or done
///    '---------------------------------------'-- not written --> burying again, after a pause
/// </code>
/// With a dead-letter topic one record at a time, so that the bad one shows; without, the rest of what failed together.
/// </summary>
/// <param name="records">From the first one not processed.</param>
/// <param name="next">The offset behind them.</param>
/// <param name="highWatermark">As of their fetch.</param>
/// <param name="epoch">Their highest leader epoch.</param>
internal sealed class Redelivery(ConsumerRecord[] records, Offset next, Offset highWatermark, LeaderEpoch epoch)
{
    private int _at;

    /// <summary>Deliveries in a row that failed of what is next.</summary>
    public int Failures { get; private set; }

    public string Reason { get; private set; } = "";

    public TimeSpan NotBefore { get; private set; }

    /// <summary>The next record goes to the dead-letter topic.</summary>
    public bool IsBurying { get; private set; }

    /// <summary>It is on its way there.</summary>
    public bool IsBuried { get; private set; }

    public bool IsDone => _at == records.Length;

    public ConsumerRecord Current => records[_at];

    /// <summary>The offset behind <see cref="Current"/>.</summary>
    public Offset BehindCurrent => _at + 1 < records.Length ? records[_at + 1].Offset : next;

    public LeaderEpoch Epoch => epoch;

    public bool MayDeliver(TimeSpan now) => !IsBurying && NotBefore <= now;

    public bool MayBury(TimeSpan now) => IsBurying && !IsBuried && NotBefore <= now;

    public ConsumerBatch Batch(TopicPartition partition, bool oneByOne, int generation) => oneByOne
        ? new ConsumerBatch(partition, [Current], BehindCurrent, highWatermark, generation) { Attempt = Failures + 1, Epoch = epoch }
        : new ConsumerBatch(partition, records[_at..], next, highWatermark, generation) { Attempt = Failures + 1, Epoch = epoch };

    /// <summary>All before this offset is done with.</summary>
    public void Advance(Offset processed)
    {
        var before = _at;
        while (_at < records.Length && records[_at].Offset < processed)
            _at++;
        if (_at > before)
            (Failures, NotBefore, IsBurying, IsBuried) = (0, TimeSpan.Zero, false, false);
    }

    /// <param name="reason">Why.</param>
    /// <param name="counts">False where it is not known which record of several was at fault.</param>
    /// <param name="retryAt">When it may be handed over again.</param>
    public void Fail(string reason, bool counts, TimeSpan retryAt)
    {
        Reason = reason;
        NotBefore = retryAt;
        if (counts)
            Failures++;
    }

    public void BecomeBurying() => (IsBurying, NotBefore) = (true, TimeSpan.Zero);

    public void BecomeBuried() => IsBuried = true;

    public void FailToBury(TimeSpan retryAt) => (IsBuried, NotBefore) = (false, retryAt);
}

/// <summary>A record for the dead-letter topic.</summary>
internal sealed record DeadLetter(ConsumerRecord Record, int Generation, int Attempts, string Reason);
