using ActorBroker.Log;

namespace ActorBroker.Cleaning;

/// <summary>
/// Which log is cleaned next: the filthiest of those that are due. One that failed is set aside until it is opened anew, so that
/// it never keeps the others from being cleaned; one for which the disk had no room is tried again after the others.
/// </summary>
internal sealed class CleanerCore
{
    private readonly HashSet<object> _setAside = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<object> _postponed = new(ReferenceEqualityComparer.Instance);

    /// <param name="Log">Its identity; another opening of the same log is another.</param>
    public readonly record struct Candidate(object Log, LogOptions Options, CleaningSurvey Survey);

    public bool IsSetAside(object log) => _setAside.Contains(log);

    /// <summary>The index of the one to clean; -1 when none is due.</summary>
    public int Choose(IReadOnlyList<Candidate> candidates)
    {
        var best = -1;
        for (var i = 0; i < candidates.Count; i++)
        {
            var (log, options, survey) = candidates[i];
            if (survey.IsDue(options) && !_setAside.Contains(log) && !_postponed.Contains(log)
                && (best < 0 || survey.DirtyRatio > candidates[best].Survey.DirtyRatio))
                best = i;
        }

        // Nothing else is due: the next look takes all again.
        if (best < 0) _postponed.Clear();
        return best;
    }

    public void SetAside(object log) => _setAside.Add(log);

    public void Postpone(object log) => _postponed.Add(log);

    /// <summary>Forgets logs that are not open any more.</summary>
    public void Keep(Func<object, bool> isOpen)
    {
        _setAside.RemoveWhere(log => !isOpen(log));
        _postponed.RemoveWhere(log => !isOpen(log));
    }
}
