using Akka.Actor;

namespace Akka.TestKit.Internal;

/// <summary>
/// Makes the test actor the sender of what a test tells. The running cell is per thread, so what continues after an await gets it
/// again, on whichever thread that is.
/// </summary>
internal sealed class ImplicitSenderContext(ActorCell? cell) : SynchronizationContext
{
    public static void Install(ActorCell? cell)
    {
        ActorCell.Current = cell;
        SetSynchronizationContext(new ImplicitSenderContext(cell));
    }

    public override void Post(SendOrPostCallback d, object? state) =>
        ThreadPool.UnsafeQueueUserWorkItem(static work => work.Item1.Run(work.d, work.state), (this, d, state), preferLocal: false);

    public override void Send(SendOrPostCallback d, object? state) => Run(d, state);

    public override SynchronizationContext CreateCopy() => new ImplicitSenderContext(cell);

    private void Run(SendOrPostCallback d, object? state)
    {
        var outerCell = ActorCell.Current;
        var outerContext = Current;
        try
        {
            ActorCell.Current = cell;
            SetSynchronizationContext(this);
            d(state);
        }
        finally
        {
            SetSynchronizationContext(outerContext);
            ActorCell.Current = outerCell;
        }
    }
}
