using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Akka.Configuration;

namespace Akka.Util;

/// <summary>
/// Finds types that settings name, as <c>Namespace.Type</c> or <c>Namespace.Type, Assembly</c>. The names of the engine's own types
/// may carry the assembly of the official packages. Types named here survive trimming; others are looked up by reflection.
/// </summary>
internal static class TypeRegistry
{
    private const DynamicallyAccessedMemberTypes Members = DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.NonPublicConstructors | DynamicallyAccessedMemberTypes.Interfaces;

    private static readonly ConcurrentDictionary<string, Type> Known = new(StringComparer.Ordinal);

    static TypeRegistry() => RegisterCore();

    private static void RegisterCore()
    {
        Register<Akka.Event.DefaultLogger>();
        Register<Akka.Dispatch.UnboundedMailbox>();
        Register<Akka.Dispatch.BoundedMailbox>();
        Register<Akka.Dispatch.UnboundedDequeBasedMailbox>();
        Register<Akka.Dispatch.BoundedDequeBasedMailbox>();
        Register<Akka.Actor.HashedWheelTimerScheduler>();
        Register<Akka.Actor.DefaultSupervisorStrategy>();
        Register<Akka.Actor.StoppingSupervisorStrategy>();
        Register<Akka.Actor.LocalActorRefProvider>();
        Register<Akka.Serialization.ByteArraySerializer>();
        Register<Akka.Remote.Serialization.PrimitiveSerializers>();
        Register<Akka.Cluster.Serialization.ClusterMessageSerializer>();
        Register<Akka.Cluster.SBR.SplitBrainResolverProvider>();
        Register<Akka.Cluster.NoDowning>();
        Register<Akka.Cluster.Tools.Singleton.Serialization.ClusterSingletonMessageSerializer>();
    }

    /// <summary>Makes a type findable by its full name and keeps its constructors.</summary>
    public static void Register<[DynamicallyAccessedMembers(Members)] T>() => Known[typeof(T).FullName!] = typeof(T);

    public static T Create<T>(string typeName, params object[] args) where T : class
    {
        var type = Resolve(typeName);
        if (!typeof(T).IsAssignableFrom(type))
            throw new ConfigurationException($"[{typeName}] is not a {typeof(T).FullName}");
        try
        {
            return (T)Activator.CreateInstance(type, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic, binder: null, args, culture: null)!;
        }
        catch (MissingMethodException missing)
        {
            throw new ConfigurationException(
                $"[{typeName}] needs a constructor that takes ({string.Join(", ", args.Select(static a => a.GetType().Name))})", missing);
        }
        catch (TargetInvocationException failed) when (failed.InnerException is { } inner)
        {
            throw new ConfigurationException($"[{typeName}] could not be created: {inner.Message}", inner);
        }
    }

    /// <exception cref="ConfigurationException">there is no such type</exception>
    [return: DynamicallyAccessedMembers(Members)]
    public static Type Resolve(string typeName)
        => TryResolve(typeName) ?? throw new ConfigurationException($"Could not find the type [{typeName}] that the configuration names");

    [return: DynamicallyAccessedMembers(Members)]
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Known names come first; others need their assembly kept by the application.")]
    [UnconditionalSuppressMessage("Trimming", "IL2057", Justification = "Known names come first; others need their assembly kept by the application.")]
    [UnconditionalSuppressMessage("Trimming", "IL2073", Justification = "Known names come first; others need their assembly kept by the application.")]
    public static Type? TryResolve(string typeName)
    {
        var comma = typeName.IndexOf(',', StringComparison.Ordinal);
        var fullName = (comma < 0 ? typeName : typeName[..comma]).Trim();
        if (Known.TryGetValue(fullName, out var known))
            return known;
        var found = Type.GetType(typeName, throwOnError: false) ?? typeof(TypeRegistry).Assembly.GetType(fullName);
        if (found is not null)
            return found;
        foreach (var assembly in AppDomain.CurrentDomain.GetAssemblies())
            if (assembly.GetType(fullName) is { } elsewhere)
                return elsewhere;
        return null;
    }
}
