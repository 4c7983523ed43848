namespace Akka.Remote.Delivery;

/// <summary>
/// Acknowledgement of system messages: <see cref="Cumulative"/> is the highest number that arrived, <see cref="Nacks"/> are the
/// numbers below it that did not.
/// </summary>
internal readonly record struct Ack(long Cumulative, long[] Nacks)
{
    public static readonly long[] NoNacks = [];
}
