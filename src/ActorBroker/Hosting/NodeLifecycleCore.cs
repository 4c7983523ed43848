namespace ActorBroker.Hosting;

/// <summary>What the core wants done.</summary>
internal abstract record NodeEffect
{
    /// <summary>Ask the controller to register this broker.</summary>
    public sealed record Register : NodeEffect;

    /// <param name="Reconciled">The newest metadata whose replicas are open here.</param>
    public sealed record Heartbeat(long Epoch, long Reconciled, bool WantsShutdown) : NodeEffect;

    /// <summary>Tell the controller at once, without a heartbeat.</summary>
    public sealed record TellReconciled(long Epoch, long Version) : NodeEffect;

    /// <summary>Tell the replicas under which epoch they follow and are followed.</summary>
    public sealed record Registered(long Epoch) : NodeEffect;

    /// <summary>Tell the replicas whether they may serve clients.</summary>
    public sealed record SelfFence(bool IsFenced) : NodeEffect;

    /// <summary>Open the endpoint for clients: this node serves. Once.</summary>
    public sealed record Serve : NodeEffect;

    /// <summary>Nothing more to wait for before this node goes. Once.</summary>
    public sealed record MayStop : NodeEffect;
}

/// <param name="Heartbeat"><c>broker.heartbeat.interval.ms</c>.</param>
/// <param name="Session"><c>broker.session.timeout.ms</c>: after it the controller may have others lead in this broker's place.</param>
/// <param name="ShutdownPatience"><c>controlled.shutdown.timeout.ms</c>; zero: leaders are not moved away first.</param>
internal sealed record NodeLifecycleOptions(TimeSpan Heartbeat, TimeSpan Session, TimeSpan ShutdownPatience);

/// <summary>
/// One broker's standing with the controller, from joining the cluster to its stop.
/// <code>
/// Outside --joined--> Registering --accepted--> Registered --stop--> Stopping --may go--> Gone
///                          ^-------unknown------------'
/// </code>
/// It serves once its own metadata shows it unfenced under its own epoch, and its replicas are as that metadata says; from
/// then on its endpoint stays open, and replicas say for themselves what they lead.
/// Invariant: a broker fences itself when no heartbeat that it sent within the last session is known to have been answered, and
/// serves again only when one is, and its metadata is as new as that answer: by then it knows whom the controller made
/// leaders in its place.
/// Left to others: sending, the metadata, opening replicas.
/// </summary>
internal sealed class NodeLifecycleCore(NodeLifecycleOptions options)
{
    /// <summary>A registration may be lost with the controller that it was sent to; a repeated one changes nothing.</summary>
    private static readonly TimeSpan RegisterAgain = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan StoppingHeartbeat = TimeSpan.FromMilliseconds(50);

    private Phase _phase = Phase.Outside;
    private TimeSpan _nextAt;
    private TimeSpan _stopBy;
    private long? _epoch;
    private long _reconciled = -1;
    private long _version = -1;
    private bool _isActive;
    private bool _othersAreActive;
    private bool _isServing;

    /// <summary>When the newest heartbeat was sent that is known to have been answered.</summary>
    private TimeSpan _contactAt;
    private TimeSpan? _oldestUnanswered;
    private bool _isSelfFenced;

    /// <summary>The controller's metadata as of that contact; nothing is as new while no heartbeat was answered.</summary>
    private long _answeredVersion = long.MaxValue;

    private enum Phase
    {
        Outside,
        Registering,
        Registered,
        Stopping,
        Gone,
    }

    /// <summary>In order; the driver performs and clears them.</summary>
    public List<NodeEffect> Effects { get; } = [];

    /// <summary>Null while the controller has not accepted this broker.</summary>
    public long? Epoch => _epoch;

    public bool IsServing => _isServing;

    public void OnJoined(TimeSpan now)
    {
        if (_phase == Phase.Outside) Register(now);
    }

    /// <summary>Several times per heartbeat interval.</summary>
    public void OnTick(TimeSpan now)
    {
        if (_phase is Phase.Outside or Phase.Gone) return;
        if (_isServing && !_isSelfFenced && now - _contactAt > options.Session) FenceSelf(true);
        if (_phase == Phase.Stopping && (now >= _stopBy || _isSelfFenced))
        {
            BecomeGone();
            return;
        }

        if (now < _nextAt) return;
        if (_phase == Phase.Registering) Register(now);
        else Heartbeat(now);
    }

    public void OnAccepted(long epoch, TimeSpan now)
    {
        if (_phase != Phase.Registering) return;
        _phase = Phase.Registered;
        _epoch = epoch;
        _contactAt = now;
        _answeredVersion = long.MaxValue;
        Effects.Add(new NodeEffect.Registered(epoch));
        Heartbeat(now);
    }

    /// <summary>The controller does not know this broker under its epoch.</summary>
    public void OnUnknown(TimeSpan now)
    {
        if (_phase == Phase.Stopping) BecomeGone();
        if (_phase == Phase.Registered) Register(now);
    }

    public void OnHeartbeatAnswered(long epoch, long version, bool mayShutDown, TimeSpan now)
    {
        if (epoch != _epoch || _phase is not (Phase.Registered or Phase.Stopping)) return;
        if (_oldestUnanswered is { } sent)
        {
            // Which of several it answers is not known: the oldest is the safe guess, and the next answer is exact.
            _contactAt = sent;
            _oldestUnanswered = null;
        }

        _answeredVersion = version;
        TryUnfence(now);
        if (_phase == Phase.Stopping && mayShutDown) BecomeGone();
    }

    /// <summary>The metadata here is now of that version.</summary>
    /// <param name="isActive">It shows a broker as unfenced under that epoch.</param>
    public void OnMetadata(long version, Func<long, bool> isActive, bool othersAreActive, TimeSpan now)
    {
        _version = version;
        _othersAreActive = othersAreActive;
        _isActive = _epoch is { } epoch && isActive(epoch);
        TryUnfence(now);
        TryServe();
    }

    /// <summary>The replicas here are as the metadata of that version says.</summary>
    public void OnReconciled(long version, TimeSpan now)
    {
        _reconciled = version;
        if (_epoch is not { } epoch) return;
        if (_isActive) Effects.Add(new NodeEffect.TellReconciled(epoch, version));
        else if (_phase == Phase.Registered) Heartbeat(now); // It makes the controller unfence this broker.
        TryServe();
    }

    /// <summary>Answered by <see cref="NodeEffect.MayStop"/>, at once where there is nobody to lead in its place, or no controller that would see to it.</summary>
    /// <param name="mayWait">False for a node that is no member of the cluster any more.</param>
    public void OnStop(bool mayWait, TimeSpan now)
    {
        if (_phase is Phase.Stopping or Phase.Gone) return;
        if (!mayWait || _phase != Phase.Registered || !_isServing || !_isActive || !_othersAreActive || _isSelfFenced || options.ShutdownPatience == TimeSpan.Zero)
        {
            BecomeGone();
            return;
        }

        _phase = Phase.Stopping;
        _stopBy = now + options.ShutdownPatience;
        Heartbeat(now);
    }

    private void Register(TimeSpan now)
    {
        _phase = Phase.Registering;
        _epoch = null;
        _isActive = false;
        _oldestUnanswered = null;
        _nextAt = now + RegisterAgain;
        Effects.Add(new NodeEffect.Register());
    }

    private void Heartbeat(TimeSpan now)
    {
        _oldestUnanswered ??= now;
        _nextAt = now + (_phase == Phase.Stopping ? StoppingHeartbeat : options.Heartbeat);
        Effects.Add(new NodeEffect.Heartbeat(_epoch!.Value, _reconciled, _phase == Phase.Stopping));
    }

    private void TryUnfence(TimeSpan now)
    {
        if (_isSelfFenced && _epoch is not null && now - _contactAt <= options.Session && _version >= _answeredVersion) FenceSelf(false);
    }

    private void FenceSelf(bool isFenced)
    {
        _isSelfFenced = isFenced;
        Effects.Add(new NodeEffect.SelfFence(isFenced));
    }

    private void TryServe()
    {
        if (_isServing || _phase != Phase.Registered || !_isActive || _reconciled < _version) return;
        _isServing = true;
        Effects.Add(new NodeEffect.Serve());
    }

    private void BecomeGone()
    {
        _phase = Phase.Gone;
        Effects.Add(new NodeEffect.MayStop());
    }
}
