namespace ActorBroker.MultiNode.Tests.Network;

/// <summary>What becomes of bytes on a link.</summary>
internal enum LinkState
{
    Open,

    /// <summary>Nothing arrives and nothing is lost: as TCP sees a cut that heals, since it repeats what was not acknowledged.</summary>
    Stalled,

    /// <summary>Connections are reset, new ones too: a firewall that says no.</summary>
    Refused,
}

/// <summary>The way from one endpoint to another; the way back is another link. Any thread.</summary>
internal sealed class Link
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _changed = New();
    private LinkState _state = LinkState.Open;

    /// <summary>Added to every piece of data.</summary>
    public TimeSpan Delay { get; set; }

    public LinkState State
    {
        get
        {
            lock (_lock) return _state;
        }

        set
        {
            TaskCompletionSource changed;
            lock (_lock)
            {
                _state = value;
                (changed, _changed) = (_changed, New());
            }

            changed.SetResult();
        }
    }

    /// <summary>Completes once the link is not stalled.</summary>
    public async Task PassableAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (_state != LinkState.Stalled) return;
                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellation);
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
