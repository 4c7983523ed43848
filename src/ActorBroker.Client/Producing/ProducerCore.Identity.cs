using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>The half about exactly once: the producer's id, and answers that speak of sequence numbers.</summary>
internal sealed partial class ProducerCore
{
    private readonly List<ProducerBatch> _doubtful = [];
    private bool _isIdentityAsked;
    private TimeSpan _askIdentityAt;
    private int _identityFailures;
    private string? _identityFault;

    /// <summary>A broker gave an id: what waited for it leaves.</summary>
    public void OnIdentity(ProducerId id, ProducerEpoch epoch, TimeSpan now)
    {
        (_isIdentityAsked, _identityFailures, _identityFault) = (false, 0, null);
        _identity!.Become(id, epoch);
        foreach (var topic in _topics.Values)
        {
            foreach (var queue in topic.Queues)
            {
                if (queue.Head is not null)
                    List(queue);
            }
        }

        Advance(now);
    }

    /// <summary>No broker could be asked, or it had none: batches wait, within their delivery timeout, and it is asked again.</summary>
    public void OnNoIdentity(string message, TimeSpan now)
    {
        (_isIdentityAsked, _identityFault) = (false, $"no producer id could be had: {message}");
        _askIdentityAt = now + _backoff.Delay(++_identityFailures);
        Advance(now);
    }

    private void AskIdentity(TimeSpan now)
    {
        if (_identity is not { IsWanted: true } || _isIdentityAsked || _askIdentityAt > now)
            return;
        _isIdentityAsked = true;
        _effects.Add(ProducerEffect.AskIdentity.Instance);
    }

    private static bool SpeaksOfSequence(ErrorCode error) =>
        error is ErrorCode.OutOfOrderSequenceNumber or ErrorCode.UnknownProducerId or ErrorCode.InvalidProducerEpoch;

    /// <summary>Errors with which a leader certainly wrote nothing. After others a batch may be found there, a resigned leader's for one.</summary>
    private static bool ExcludesWriting(ErrorCode error) =>
        SpeaksOfSequence(error) || error is ErrorCode.NotEnoughReplicas or ErrorCode.UnknownTopicOrPartition;

    /// <summary>Usually what it must follow is not there yet. If it never will be, the partition's epoch ends, and with it what may be written already.</summary>
    private void OnOutOfOrder(ProducerBatch batch, ErrorCode error, string message, TimeSpan now)
    {
        Return(batch);
        if (!batch.IsDone)
            batch.Queue.OnOutOfOrder(batch, error == ErrorCode.InvalidProducerEpoch, _doubtful);
        foreach (var doubtful in _doubtful)
        {
            Fail(
                doubtful, DeliveryFailure.Unresolved, error,
                $"{batch.Queue.Partition}: a batch before it was given up, so the broker can't tell any more whether it has it ({message})");
        }

        _doubtful.Clear();
        RetryLater(batch, error, message, now, left: true);
    }
}
