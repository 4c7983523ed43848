using Akka.Actor;

namespace ActorBroker.Client;

/// <summary>Reads an ActorSystem's own limits on messages.</summary>
internal static class SystemFrame
{
    public static bool HasRemoting(ActorSystem system) =>
        ((ExtendedActorSystem)system).Provider.DefaultAddress.Host is not null;

    public static FrameBudget Of(ActorSystem system)
    {
        if (!HasRemoting(system))
            return FrameBudget.Unlimited;
        var bytes = system.Settings.Config.GetByteSize(FrameBudget.Setting);
        return bytes is > 0 and < int.MaxValue ? new FrameBudget((int)bytes.Value) : FrameBudget.Unlimited;
    }
}
