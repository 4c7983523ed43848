using ActorBroker.Log;
using ActorBroker.Metadata;

namespace ActorBroker.Replication;

/// <summary>One replica for its life: another topic of the same name has another key.</summary>
internal readonly record struct ReplicaKey(TopicId Topic, TopicPartition Partition);

internal enum ReplicaPhase
{
    /// <summary>Wanted, but its folder is still that of an earlier topic of the same name.</summary>
    Waiting,
    Opening,

    /// <summary>Its actor recovers.</summary>
    Starting,
    Serving,

    /// <summary>Its actor finishes what is in flight.</summary>
    Draining,

    /// <summary>Its actor has stopped; the journal cuts its log.</summary>
    Cutting,

    /// <summary>Its actor has stopped; the journal lets go of the log.</summary>
    Releasing,
    Closing,

    /// <summary>It failed; it is opened again after a pause.</summary>
    BackingOff,
}

internal enum ReplicaEffectKind
{
    /// <summary>Open the log, in the background.</summary>
    Open,

    /// <summary>Create the actor on the log that was opened.</summary>
    Start,

    /// <summary>Tell the actor its new assignment and settings.</summary>
    Assign,
    Drain,

    /// <summary>Have the journal cut the log, as its actor has asked.</summary>
    Cut,

    /// <summary>Have the journal let go of the log.</summary>
    Release,

    /// <summary>Close the log, in the background; it stays.</summary>
    Close,

    /// <summary>Let go of a log that failed, in the background: it is not flushed, since what it holds is unknown.</summary>
    Abandon,

    /// <summary>Close the log if it is open and delete its folder, in the background.</summary>
    Delete,

    /// <summary>Say <c>OnRetry</c> after a pause that grows with the number of failures.</summary>
    Retry,
}

internal readonly record struct ReplicaEffect(ReplicaEffectKind Kind, ReplicaKey Key, int Failures = 0);

/// <summary>What a replica is to be while it is wanted.</summary>
internal sealed record WantedReplica(PartitionAssignment Assignment, TopicSettings Settings);

/// <summary>
/// Brings the replicas on this broker to what the metadata says, one at a time each, all at once.
/// <code>
/// phase                input              next          effect
/// (none)               wanted             Opening       Open; Waiting while another topic's replica has the folder
/// Opening              opened             Starting      Start; Closing + Delete/Close when no longer wanted
/// Opening              open failed        BackingOff    Retry; Closing + Delete when no longer wanted
/// Starting             serving            Serving
/// Starting, Serving    changed            same          Assign
/// Starting, Serving    unwanted, shutdown Draining      Drain
/// Starting, Serving    cut needed         Draining      Drain
/// Starting, Serving    actor stopped      Releasing     Release (it failed)
/// Draining             actor stopped      Cutting       Cut, when one is needed and it is still wanted
/// Draining             actor stopped      Releasing     Release, otherwise
/// Cutting              cut                Starting      Start; Releasing + Release when no longer wanted
/// Cutting              cut failed         Releasing     Release (it failed)
/// Releasing            released           Closing       Delete, Abandon or Close
/// Closing              closed             (none)        or BackingOff + Retry (it failed), Opening + Open, when it is wanted
/// BackingOff           retry              Opening       Open
/// BackingOff           unwanted           Closing       Delete
/// </code>
/// Invariant: a folder belongs to at most one replica that is not Waiting. A version of the metadata is complete when
/// every replica that it (or an earlier one) touched serves, is gone, or has failed at least once: a broken disk must not
/// hold up the controller.
/// </summary>
internal sealed class ReplicaManagerCore
{
    private readonly Dictionary<ReplicaKey, Replica> _replicas = [];
    private readonly Dictionary<TopicPartition, ReplicaKey> _folders = [];
    private readonly Queue<long> _incomplete = new();
    private long _version;
    private bool _isShuttingDown;

    public int Count => _replicas.Count;

    /// <summary>False when a replica was let go of in a state that must be checked at the next start.</summary>
    public bool IsClean { get; private set; } = true;

    public bool IsShutDown => _isShuttingDown && _replicas.Count == 0;

    public IEnumerable<ReplicaKey> Serving => _replicas.Where(entry => entry.Value.Phase == ReplicaPhase.Serving).Select(entry => entry.Key);

    public ReplicaPhase? PhaseOf(ReplicaKey key) => _replicas.GetValueOrDefault(key)?.Phase;

    public WantedReplica? Wanted(ReplicaKey key) => _replicas.GetValueOrDefault(key)?.Wanted;

    public void OnMetadata(long version, IReadOnlyDictionary<ReplicaKey, WantedReplica> wanted, List<ReplicaEffect> effects)
    {
        if (_isShuttingDown || version < _version) return;
        _version = version;
        _incomplete.Enqueue(version);
        foreach (var (key, replica) in _replicas.ToArray())
            if (replica.Wanted is not null && !wanted.ContainsKey(key)) Retire(key, replica, effects);
        foreach (var (key, want) in wanted) Want(key, want, effects);
    }

    public void OnOpened(ReplicaKey key, List<ReplicaEffect> effects)
    {
        var replica = Expect(key, ReplicaPhase.Opening);
        if (replica.Wanted is null || _isShuttingDown)
            Close(key, replica, effects);
        else
            Move(key, replica, ReplicaPhase.Starting, ReplicaEffectKind.Start, effects);
    }

    public void OnOpenFailed(ReplicaKey key, List<ReplicaEffect> effects)
    {
        var replica = Expect(key, ReplicaPhase.Opening);
        if (_isShuttingDown) RemoveUnclean(key, effects);
        else if (replica.Wanted is null) Move(key, replica, ReplicaPhase.Closing, ReplicaEffectKind.Delete, effects);
        else BackOff(key, replica, effects);
    }

    /// <summary>False when the replica has meanwhile been told to stop.</summary>
    public bool OnServing(ReplicaKey key)
    {
        if (!_replicas.TryGetValue(key, out var replica) || replica.Phase != ReplicaPhase.Starting) return false;
        replica.Phase = ReplicaPhase.Serving;
        replica.Failures = 0;
        return true;
    }

    public void OnActorStopped(ReplicaKey key, List<ReplicaEffect> effects)
    {
        var replica = _replicas[key];
        replica.HasFailed |= replica.Phase is ReplicaPhase.Starting or ReplicaPhase.Serving;
        if (replica is { IsToBeCut: true, HasFailed: false, Wanted: not null } && !_isShuttingDown)
            Move(key, replica, ReplicaPhase.Cutting, ReplicaEffectKind.Cut, effects);
        else
            Move(key, replica, ReplicaPhase.Releasing, ReplicaEffectKind.Release, effects);
        replica.IsToBeCut = false;
    }

    /// <summary>Its actor found that its log left the leader's. False when it is to stop anyway.</summary>
    public bool OnCutNeeded(ReplicaKey key, List<ReplicaEffect> effects)
    {
        if (!_replicas.TryGetValue(key, out var replica) || replica.Phase is not (ReplicaPhase.Starting or ReplicaPhase.Serving)) return false;
        replica.IsToBeCut = true;
        Move(key, replica, ReplicaPhase.Draining, ReplicaEffectKind.Drain, effects);
        return true;
    }

    public void OnCut(ReplicaKey key, bool isDone, List<ReplicaEffect> effects)
    {
        var replica = Expect(key, ReplicaPhase.Cutting);
        replica.HasFailed |= !isDone;
        if (isDone && replica.Wanted is not null && !_isShuttingDown)
            Move(key, replica, ReplicaPhase.Starting, ReplicaEffectKind.Start, effects);
        else
            Move(key, replica, ReplicaPhase.Releasing, ReplicaEffectKind.Release, effects);
    }

    /// <summary>Its last write failed, whether or not it was to stop anyway.</summary>
    public void OnActorFailed(ReplicaKey key) => _replicas[key].HasFailed = true;

    public void OnReleased(ReplicaKey key, List<ReplicaEffect> effects) => Close(key, Expect(key, ReplicaPhase.Releasing), effects);

    public void OnClosed(ReplicaKey key, bool isClean, List<ReplicaEffect> effects)
    {
        var replica = Expect(key, ReplicaPhase.Closing);
        if (replica.Wanted is null) Remove(key, effects);
        else if (_isShuttingDown && isClean && !replica.HasFailed) Remove(key, effects);
        else if (_isShuttingDown) RemoveUnclean(key, effects);
        else if (isClean && !replica.HasFailed) Move(key, replica, ReplicaPhase.Opening, ReplicaEffectKind.Open, effects);
        else BackOff(key, replica, effects);
    }

    public void OnRetry(ReplicaKey key, List<ReplicaEffect> effects)
    {
        if (_replicas.TryGetValue(key, out var replica) && replica.Phase == ReplicaPhase.BackingOff)
            Move(key, replica, ReplicaPhase.Opening, ReplicaEffectKind.Open, effects);
    }

    public void OnShutdown(List<ReplicaEffect> effects)
    {
        _isShuttingDown = true;
        foreach (var (key, replica) in _replicas.ToArray())
        {
            if (replica.Phase == ReplicaPhase.Waiting) _replicas.Remove(key);
            else if (replica.Phase == ReplicaPhase.BackingOff) RemoveUnclean(key, effects);
            else if (replica.Phase is ReplicaPhase.Starting or ReplicaPhase.Serving)
                Move(key, replica, ReplicaPhase.Draining, ReplicaEffectKind.Drain, effects);
        }
    }

    /// <summary>Versions of the metadata that are complete now and were not when last asked, in order.</summary>
    public IEnumerable<long> TakeCompleted()
    {
        if (_incomplete.Count == 0) yield break;
        var unsettled = long.MaxValue;
        foreach (var replica in _replicas.Values)
            if (!replica.IsSettled) unsettled = Math.Min(unsettled, replica.Since);
        while (_incomplete.TryPeek(out var version) && version < unsettled)
        {
            _incomplete.Dequeue();
            yield return version;
        }
    }

    private void Want(ReplicaKey key, WantedReplica want, List<ReplicaEffect> effects)
    {
        if (!_replicas.TryGetValue(key, out var replica))
        {
            _replicas.Add(key, replica = new Replica { Wanted = want, Since = _version });
            TryTakeFolder(key, replica, effects);
            return;
        }

        if (replica.Wanted == want) return;
        var wasRetired = replica.Wanted is null;
        replica.Wanted = want;
        if (wasRetired) replica.Since = _version;
        else if (replica.Phase is ReplicaPhase.Starting or ReplicaPhase.Serving) effects.Add(new ReplicaEffect(ReplicaEffectKind.Assign, key));
    }

    private void Retire(ReplicaKey key, Replica replica, List<ReplicaEffect> effects)
    {
        replica.Wanted = null;
        replica.Since = _version;
        switch (replica.Phase)
        {
            case ReplicaPhase.Waiting:
                _replicas.Remove(key);
                break;
            case ReplicaPhase.BackingOff:
                Move(key, replica, ReplicaPhase.Closing, ReplicaEffectKind.Delete, effects);
                break;
            case ReplicaPhase.Starting or ReplicaPhase.Serving:
                Move(key, replica, ReplicaPhase.Draining, ReplicaEffectKind.Drain, effects);
                break;
        }
    }

    private void TryTakeFolder(ReplicaKey key, Replica replica, List<ReplicaEffect> effects)
    {
        if (_folders.TryAdd(key.Partition, key))
            Move(key, replica, ReplicaPhase.Opening, ReplicaEffectKind.Open, effects);
    }

    private void Close(ReplicaKey key, Replica replica, List<ReplicaEffect> effects)
    {
        var how = replica.Wanted is null ? ReplicaEffectKind.Delete
            : replica.HasFailed ? ReplicaEffectKind.Abandon
            : ReplicaEffectKind.Close;
        Move(key, replica, ReplicaPhase.Closing, how, effects);
    }

    private static void BackOff(ReplicaKey key, Replica replica, List<ReplicaEffect> effects)
    {
        replica.Phase = ReplicaPhase.BackingOff;
        replica.HasFailed = false;
        effects.Add(new ReplicaEffect(ReplicaEffectKind.Retry, key, ++replica.Failures));
    }

    private void RemoveUnclean(ReplicaKey key, List<ReplicaEffect> effects)
    {
        IsClean = false;
        Remove(key, effects);
    }

    private void Remove(ReplicaKey key, List<ReplicaEffect> effects)
    {
        _replicas.Remove(key);
        _folders.Remove(key.Partition);
        if (_isShuttingDown) return;
        foreach (var (other, replica) in _replicas)
            if (replica.Phase == ReplicaPhase.Waiting && other.Partition == key.Partition) TryTakeFolder(other, replica, effects);
    }

    private static void Move(ReplicaKey key, Replica replica, ReplicaPhase phase, ReplicaEffectKind effect, List<ReplicaEffect> effects)
    {
        replica.Phase = phase;
        effects.Add(new ReplicaEffect(effect, key));
    }

    private Replica Expect(ReplicaKey key, ReplicaPhase phase)
    {
        var replica = _replicas[key];
        Invariant.Check(replica.Phase == phase, $"replica {key.Partition} is {replica.Phase}, not {phase}");
        return replica;
    }

    private sealed class Replica
    {
        /// <summary>Null: it is to go, and its data with it.</summary>
        public WantedReplica? Wanted { get; set; }

        public ReplicaPhase Phase { get; set; }

        /// <summary>The metadata version that last made it come or go.</summary>
        public long Since { get; set; }

        public int Failures { get; set; }

        /// <summary>What the log holds is unknown until it is opened again.</summary>
        public bool HasFailed { get; set; }

        public bool IsToBeCut { get; set; }

        public bool IsSettled => Phase is ReplicaPhase.Serving or ReplicaPhase.BackingOff || Failures > 0;
    }
}
