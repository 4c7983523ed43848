using System.Collections.Concurrent;
using Akka.Actor;

namespace Akka.Remote.Transport;

/// <summary>
/// Transports other than TCP, by name. A system takes the one that <c>akka.embedded.transport</c> names; a simulation registers
/// its network before it starts systems and removes it at its end.
/// </summary>
internal static class RemoteTransports
{
    public const string Key = "akka.embedded.transport";

    private static readonly ConcurrentDictionary<string, Func<ExtendedActorSystem, ITransport>> Known = new(StringComparer.Ordinal);

    public static void Register(string name, Func<ExtendedActorSystem, ITransport> make) => Known[name] = make;

    public static void Remove(string name) => Known.TryRemove(name, out _);

    /// <summary>Null: TCP.</summary>
    public static ITransport? Of(ExtendedActorSystem system)
    {
        var name = system.Settings.Config.GetString(Key, "");
        if (string.IsNullOrEmpty(name))
            return null;
        return Known.TryGetValue(name, out var make) ? make(system) : throw new Configuration.ConfigurationException($"{Key} names '{name}', which nobody has registered.");
    }
}
