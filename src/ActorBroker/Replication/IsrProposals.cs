using ActorBroker.Log;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Replication;

/// <summary>
/// ISR proposals of all partitions led here, on their way to the controller: batched, one batch under way, sent again
/// until it is answered.
/// Invariant: a proposal counts as refused only when every sending of it has been answered, or so long after the last one
/// that none can be under way: the controller might accept a later copy of what it refused before (KIP-497 compares
/// partition epochs, so it accepts none twice).
/// </summary>
internal sealed class IsrProposals(long resendMs, long forgetMs)
{
    private readonly Dictionary<(TopicId Topic, int Index), IsrProposal> _waiting = [];
    private readonly Dictionary<(TopicId Topic, int Index), IsrProposal> _sent = [];
    private readonly List<(long DueMs, IsrProposal Proposal)> _doubtful = [];
    private long _lastSentMs;
    private int _sendings;

    public bool IsIdle => _waiting.Count == 0 && _sent.Count == 0 && _doubtful.Count == 0;

    /// <summary>Names what is under way, however often it was sent.</summary>
    public int Batch { get; private set; }

    public void Add(IsrProposal proposal) => _waiting[(proposal.Topic, proposal.Index)] = proposal;

    /// <summary>What is to be sent now; null while an answer is awaited or there is nothing.</summary>
    public IReadOnlyCollection<IsrProposal>? TakeDue(long nowMs)
    {
        if (_sent.Count > 0)
        {
            if (nowMs - _lastSentMs < resendMs) return null;
        }
        else
        {
            if (_waiting.Count == 0) return null;
            foreach (var (key, proposal) in _waiting) _sent.Add(key, proposal);
            _waiting.Clear();
            _sendings = 0;
            Batch++;
        }

        _lastSentMs = nowMs;
        _sendings++;
        return _sent.Values;
    }

    /// <summary>Proposals that were certainly refused. What was accepted comes with the metadata.</summary>
    /// <param name="batch">The <see cref="Batch"/> that is answered; an answer to a copy of one that is settled says nothing new.</param>
    public IReadOnlyList<IsrProposal> OnAnswer(int batch, PartitionsAltered answer, long nowMs)
    {
        var refused = new List<IsrProposal>();
        if (batch != Batch) return refused;
        foreach (var outcome in answer.Results)
        {
            if (!_sent.Remove((outcome.Topic, outcome.Index), out var proposal)) continue;
            // A later standing settles the proposal when it comes with the metadata, whichever way it was decided.
            if (outcome.Error == ErrorCode.None || outcome.Now is not { } now || now.PartitionEpoch != proposal.PartitionEpoch) continue;
            if (_sendings <= 1) refused.Add(proposal);
            else _doubtful.Add((nowMs + forgetMs, proposal));
        }

        return refused;
    }

    /// <summary>The controller took nothing of the batch: it is sent again after a pause.</summary>
    public void OnUnavailable(int batch, long nowMs, long pauseMs)
    {
        if (batch == Batch) _lastSentMs = nowMs - resendMs + pauseMs;
    }

    /// <summary>Another registration: whatever was sent under the former one will be refused.</summary>
    public void OnRegistered() => _lastSentMs -= resendMs;

    /// <summary>Proposals that were refused so long ago that no copy of them can be under way.</summary>
    public IEnumerable<IsrProposal> TakeForgotten(long nowMs)
    {
        var due = _doubtful.Where(entry => entry.DueMs <= nowMs).Select(entry => entry.Proposal).ToList();
        _doubtful.RemoveAll(entry => entry.DueMs <= nowMs);
        return due;
    }
}
