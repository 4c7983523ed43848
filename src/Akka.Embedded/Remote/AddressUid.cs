using Akka.Actor;

namespace Akka.Remote;

/// <summary>The number that tells this incarnation of a system from earlier and later ones at the same address.</summary>
public class AddressUid : IExtension
{
    public readonly int Uid;

    internal AddressUid(int uid) => Uid = uid;
}

public class AddressUidExtension : ExtensionIdProvider<AddressUid>
{
    private const string Seed = "akka.embedded.uid-seed";

    // A simulation gives each start of a system its seed; elsewhere chance makes incarnations differ.
    public override AddressUid CreateExtension(ExtendedActorSystem system) => system.Settings.Config.HasPath(Seed)
        ? new(unchecked((int)(system.Settings.Config.GetLong(Seed) & int.MaxValue)))
        : new(Random.Shared.Next(1, int.MaxValue));

    public static int Uid(ActorSystem system) => new AddressUidExtension().Apply(system).Uid;
}

/// <summary>Short way to the remote provider of a system.</summary>
internal sealed class RARP : ExtensionIdProvider<RARP>, IExtension
{
    private readonly IRemoteActorRefProvider? _provider;

    public RARP() { }

    private RARP(IRemoteActorRefProvider provider) => _provider = provider;

    public IRemoteActorRefProvider Provider => _provider ?? throw new InvalidOperationException("Use RARP.For(system).");

    public static RARP For(ActorSystem system) => new RARP().Apply(system);

    public override RARP CreateExtension(ExtendedActorSystem system) => system.Provider is IRemoteActorRefProvider provider
        ? new RARP(provider)
        : throw new Configuration.ConfigurationException($"{system} has no remoting: set akka.actor.provider = remote.");
}
