namespace ActorBroker.Log;

internal sealed class TimeIndex
{
    public const int EntrySize = 12;
}
