using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;

namespace ActorBroker.Control;

/// <summary>
/// Which brokers are heard of, and what each has reconciled. Nothing of it is stored: a new controller gives every broker a
/// whole session first. Times are those of one clock that never goes back.
/// </summary>
internal sealed class SessionTable(TimeSpan timeout)
{
    private readonly Dictionary<BrokerId, Session> _sessions = [];
    private TimeSpan _lastLook;

    /// <summary>How often to look for sessions that are over: often enough to be late by a small part of one.</summary>
    public TimeSpan LookInterval { get; } = TimeSpan.FromMilliseconds(Math.Clamp(timeout.TotalMilliseconds / 16, 20, 500));

    /// <summary>The controller has just begun.</summary>
    public void Start(MetadataImage image, TimeSpan now)
    {
        _sessions.Clear();
        _lastLook = now;
        foreach (var broker in image.Brokers.Values) Open(broker, now);
    }

    /// <summary>The broker was heard of under its present epoch.</summary>
    /// <param name="reconciled">Null: it didn't say.</param>
    public void Touch(BrokerImage broker, long? reconciled, TimeSpan now)
    {
        if (!_sessions.TryGetValue(broker.Id, out var session) || session.Epoch != broker.Epoch) session = Open(broker, now);
        session.LastHeard = now;
        if (reconciled is { } version) session.Reconciled = Math.Max(session.Reconciled, version);
    }

    /// <summary>The newest metadata that the broker is known to serve; -1 when it said nothing yet.</summary>
    public long Reconciled(BrokerImage broker) =>
        _sessions.TryGetValue(broker.Id, out var session) && session.Epoch == broker.Epoch ? session.Reconciled : -1;

    /// <summary>The broker has begun to stop: others must know <paramref name="image"/> before it may.</summary>
    public void BeginStop(BrokerId stopping, MetadataImage image)
    {
        if (_sessions.TryGetValue(stopping, out var session)) session.StopsAt = image.Version;
    }

    /// <summary>
    /// Whether every active broker serves what <paramref name="stopping"/>'s going has led to. Where a former controller
    /// began it, that is counted from now.
    /// </summary>
    public bool OthersKnow(MetadataImage image, BrokerImage stopping)
    {
        if (!stopping.InControlledShutdown || !_sessions.TryGetValue(stopping.Id, out var session)) return false;
        session.StopsAt ??= image.Version;
        foreach (var broker in image.Brokers.Values)
            if (broker.IsActive && Reconciled(broker) < session.StopsAt) return false;
        return true;
    }

    /// <summary>
    /// Brokers that were silent for a session and are not fenced yet. A pause of the controller itself is taken off: what
    /// arrived meanwhile waits to be read.
    /// </summary>
    public ImmutableArray<(BrokerId Id, long Epoch)> Expired(MetadataImage image, TimeSpan now)
    {
        var gap = now - _lastLook;
        _lastLook = now;
        if (gap > LookInterval * 4)
        {
            foreach (var session in _sessions.Values) session.LastHeard += gap;
            return [];
        }

        var expired = ImmutableArray.CreateBuilder<(BrokerId, long)>();
        foreach (var broker in image.Brokers.Values)
        {
            if (broker.Fenced) continue;
            if (!_sessions.TryGetValue(broker.Id, out var session) || session.Epoch != broker.Epoch) Open(broker, now);
            else if (now - session.LastHeard > timeout) expired.Add((broker.Id, broker.Epoch));
        }

        return expired.ToImmutable();
    }

    private Session Open(BrokerImage broker, TimeSpan now)
    {
        var session = new Session(broker.Epoch) { LastHeard = now };
        _sessions[broker.Id] = session;
        return session;
    }

    private sealed class Session(long epoch)
    {
        public long Epoch => epoch;

        public TimeSpan LastHeard { get; set; }

        public long Reconciled { get; set; } = -1;

        /// <summary>The metadata version that others must know before this broker may stop; null while it is not stopping, or not known to be.</summary>
        public long? StopsAt { get; set; }
    }
}
