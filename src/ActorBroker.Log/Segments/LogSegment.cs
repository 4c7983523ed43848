namespace ActorBroker.Log;

internal sealed class LogSegment
{
    public void Release() => throw new NotImplementedException();
}
