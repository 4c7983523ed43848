using System.Globalization;
using ActorBroker.Protocol;

namespace ActorBroker.Api.Groups;

/// <summary>
/// The room that an answer about groups has. Where it does not suffice, clients that said they take parts (a tagged field of
/// our own) get what fits and ask for the rest; others get an error, since the transport would drop the whole without a word.
/// </summary>
internal sealed class ResponseRoom(RequestContext context)
{
    /// <summary>More than the envelope and the fixed fields of such an answer take.</summary>
    private const int FixedBytes = 1024;

    private long _left = Math.Max(context.MaxResponseBytes - FixedBytes, 0);

    /// <summary>Nothing has been taken yet.</summary>
    public bool IsUntouched { get; private set; } = true;

    public string Fault =>
        $"The answer is larger than the {context.MaxResponseBytes.ToString(CultureInfo.InvariantCulture)} bytes that this client's transport takes " +
        "(akka.remote.dot-netty.tcp.maximum-frame-size in the client's system).";

    public bool TryTake(long bytes)
    {
        if (bytes > _left) return false;
        _left -= bytes;
        IsUntouched = false;
        return true;
    }
}
