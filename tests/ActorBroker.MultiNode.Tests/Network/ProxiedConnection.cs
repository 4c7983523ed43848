using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace ActorBroker.MultiNode.Tests.Network;

/// <summary>
/// One connection through a proxy: a pump each way. What a cut holds back includes the news of an end: neither a closed
/// nor a reset connection is told to the other side before the link carries again, as with a real cut.
/// </summary>
internal sealed class ProxiedConnection(string source, string destination, Socket accepted, Socket target, Link there, Link back)
{
    private const int Piece = 64 * 1024;
    private readonly TaskCompletionSource _frozen = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _reset = new();

    public void ResetIfBetween(string a, string b)
    {
        if (IsBetween(a, b)) Reset();
    }

    public void FreezeIfBetween(string a, string b)
    {
        if (IsBetween(a, b)) _frozen.TrySetResult();
    }

    public void Reset()
    {
        _reset.Cancel();
        accepted.Close(0);
        target.Close(0);
    }

    /// <summary>Returns when both ends may know that it is over.</summary>
    public async Task RunAsync(IPEndPoint to, byte[] first, CancellationToken stopped)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(stopped, _reset.Token);
        var cancellation = linked.Token;
        await there.PassableAsync(cancellation);
        if (there.State == LinkState.Refused || back.State == LinkState.Refused) return;
        try
        {
            await target.ConnectAsync(to, cancellation);
        }
        catch (SocketException)
        {
            await back.PassableAsync(cancellation);
            return;
        }

        if (first.Length > 0) await target.SendAsync(first, cancellation);
        var pumps = new[] { PumpAsync(accepted, target, there, back, cancellation), PumpAsync(target, accepted, back, there, cancellation) };
        // A reset ends both ways; a half closed connection lives on the other way.
        if (await await Task.WhenAny(pumps) == PumpEnd.Closed) await Task.WhenAll(pumps);
    }

    private enum PumpEnd
    {
        Closed,
        Reset,
    }

    private async Task<PumpEnd> PumpAsync(Socket from, Socket onto, Link link, Link reverse, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Piece);
        try
        {
            while (true)
            {
                int read;
                try
                {
                    read = await from.ReceiveAsync(buffer.AsMemory(0, Piece), cancellation);
                }
                catch (SocketException)
                {
                    await PassAsync(link, cancellation);
                    return PumpEnd.Reset;
                }

                await PassAsync(link, cancellation);
                if (read == 0)
                {
                    onto.Shutdown(SocketShutdown.Send);
                    return PumpEnd.Closed;
                }

                if (link.Delay > TimeSpan.Zero) await Task.Delay(link.Delay, cancellation);
                try
                {
                    await SendAllAsync(onto, buffer.AsMemory(0, read), cancellation);
                }
                catch (SocketException)
                {
                    // The far end is gone; that news travels the other way.
                    await PassAsync(reverse, cancellation);
                    return PumpEnd.Reset;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task PassAsync(Link link, CancellationToken cancellation)
    {
        await link.PassableAsync(cancellation);
        // A frozen connection waits for nothing but the end of the test.
        if (_frozen.Task.IsCompleted) await Task.Delay(Timeout.Infinite, cancellation);
    }

    private static async Task SendAllAsync(Socket onto, ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        while (!bytes.IsEmpty) bytes = bytes[await onto.SendAsync(bytes, cancellation)..];
    }

    private bool IsBetween(string a, string b) => (source == a && destination == b) || (source == b && destination == a);
}
