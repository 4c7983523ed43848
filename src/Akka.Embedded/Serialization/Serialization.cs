using System.Collections.Concurrent;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Util;

namespace Akka.Serialization;

/// <summary>
/// The serializers of one actor system. A type without a binding is refused: nothing is written or read by type name alone.
/// Safe to use from many threads.
/// </summary>
public class Serialization
{
    [ThreadStatic]
    internal static Information? CurrentTransportInformation;

    private readonly NullSerializer _null;
    private readonly SerializerBindings _bindings = new();
    private readonly ConcurrentDictionary<int, Serializer> _byId = new();
    private readonly ConcurrentDictionary<string, Serializer> _byName = new(StringComparer.Ordinal);

    public Serialization(ExtendedActorSystem system)
    {
        System = system;
        _null = new NullSerializer(system);
        AddSerializer("null", _null);

        var config = system.Settings.Config;
        var settings = config.GetConfig("akka.actor.serialization-settings");
        foreach (var (name, type) in config.GetConfig("akka.actor.serializers")?.AsEnumerable() ?? [])
        {
            if (Create(name, type.GetString(), settings?.GetConfig(name)) is { } serializer)
                AddSerializer(name, serializer);
        }
        foreach (var (type, name) in config.GetConfig("akka.actor.serialization-bindings")?.AsEnumerable() ?? [])
            Bind(type, name.GetString());
    }

    public ExtendedActorSystem System { get; }

    private Information Information => System.Provider.SerializationInformation;

    /// <exception cref="InvalidOperationException">Called outside of serialization.</exception>
    public static Information GetCurrentTransportInformation() => CurrentTransportInformation
        ?? throw new InvalidOperationException("There is no current transport: call this within Serialization.WithTransport.");

    /// <summary>Runs an action in which actor references are written with the address that other systems use for this one.</summary>
    public static T WithTransport<T>(ExtendedActorSystem system, Func<T> action) => WithTransport(system, action, static a => a());

    public static T WithTransport<TState, T>(ExtendedActorSystem system, TState state, Func<TState, T> action)
    {
        var outer = CurrentTransportInformation;
        try
        {
            CurrentTransportInformation = system.Provider.SerializationInformation;
            return action(state);
        }
        finally
        {
            CurrentTransportInformation = outer;
        }
    }

    /// <summary>What to store beside the bytes so that they can be read again; empty where the serializer needs nothing.</summary>
    public static string ManifestFor(Serializer s, object msg) => s switch
    {
        SerializerWithStringManifest named => named.Manifest(msg),
        { IncludeManifest: true } => TypeNames.Of(msg.GetType()),
        _ => "",
    };

    /// <summary>The path by which other systems find this actor; empty for no actor.</summary>
    public static string SerializedActorPath(IActorRef? actorRef)
    {
        if (actorRef is null)
            return "";
        var path = actorRef.Path;
        var owner = actorRef is ActorRefWithCell withCell ? withCell.Underlying.System as ExtendedActorSystem : null;
        if (CurrentTransportInformation is not { } current)
            return owner is null ? path.ToSerializationFormat() : path.ToSerializationFormatWithAddress(owner.Provider.DefaultAddress);
        if (owner is null || ReferenceEquals(owner, current.System))
            return path.ToSerializationFormatWithAddress(current.Address);
        return path.ToSerializationFormatWithAddress(owner.Provider.GetExternalAddressFor(current.Address) ?? owner.Provider.DefaultAddress);
    }

    /// <summary>Registers a serializer under its identifier and a name; an earlier one of the same is replaced.</summary>
    public void AddSerializer(string name, Serializer serializer)
    {
        _byId[serializer.Identifier] = serializer;
        _byName[name] = serializer;
    }

    /// <summary>Binds a type, and all that derive from it unless bound themselves, to a serializer.</summary>
    public void AddSerializationMap(Type type, Serializer serializer) => _bindings.Bind(type, serializer);

    /// <exception cref="SerializationException">No serializer is bound to its type.</exception>
    public Serializer FindSerializerFor(object? obj, string? defaultSerializerName = null) =>
        obj is null ? _null : FindSerializerForType(obj.GetType(), defaultSerializerName);

    /// <param name="objectType">The type to write.</param>
    /// <param name="defaultSerializerName">Name of the serializer for a type that has no binding.</param>
    public Serializer FindSerializerForType(Type objectType, string? defaultSerializerName = null)
    {
        if (_bindings.Find(objectType) is { } serializer)
            return serializer;
        if (defaultSerializerName is not null && _byName.TryGetValue(defaultSerializerName, out serializer))
            return serializer;
        throw new SerializationException(
            $"No serializer is bound to {objectType.FullName}, so it can't leave this process or be persisted. Configure one: akka.actor.serializers {{ my = \"MyNamespace.MySerializer, MyAssembly\" }} "
            + $"and akka.actor.serialization-bindings {{ \"{TypeNames.Of(objectType)}\" = my }}. The embedded engine has no default for unbound types.");
    }

    public byte[] Serialize(object o) => WithTransport(System, (this, o), static s => s.Item1.FindSerializerFor(s.o).ToBinary(s.o));

    /// <exception cref="SerializationException">No such serializer, or one that was not given this type.</exception>
    public object Deserialize(byte[] bytes, int serializerId, Type? type)
    {
        var serializer = GetSerializerById(serializerId, type?.FullName ?? "");
        return Read(serializer, bytes, type);
    }

    /// <summary>Reads what <paramref name="serializerId"/> wrote. A type name as manifest counts only if a binding gives that type to that serializer.</summary>
    /// <exception cref="SerializationException">No such serializer, or one that was not given this type.</exception>
    public object Deserialize(byte[] bytes, int serializerId, string? manifest)
    {
        var serializer = GetSerializerById(serializerId, manifest ?? "");
        if (serializer is SerializerWithStringManifest named)
        {
            var outer = CurrentTransportInformation;
            try
            {
                CurrentTransportInformation ??= Information;
                return named.FromBinary(bytes, manifest ?? "");
            }
            finally
            {
                CurrentTransportInformation = outer;
            }
        }
        if (!serializer.IncludeManifest || string.IsNullOrEmpty(manifest))
            return Read(serializer, bytes, null);
        var type = TypeNames.AmongLoaded(manifest);
        if (type is null || _bindings.Find(type)?.Identifier != serializerId)
        {
            throw new SerializationException(
                $"Refused to read a message of type '{manifest}': no entry of akka.actor.serialization-bindings gives that type to serializer {serializerId}.");
        }
        return Read(serializer, bytes, type);
    }

    internal Serializer GetSerializerById(int serializerId) => GetSerializerById(serializerId, "");

    internal IActorRef DeserializeActorRef(string path) => System.Provider.ResolveActorRef(path);

    private Serializer GetSerializerById(int id, string manifest) => _byId.TryGetValue(id, out var serializer)
        ? serializer
        : throw new SerializationException(
            $"There is no serializer with identifier {id} (manifest '{manifest}') in this actor system. Both sides need the same akka.actor.serializers.");

    private object Read(Serializer serializer, byte[] bytes, Type? type)
    {
        var outer = CurrentTransportInformation;
        try
        {
            CurrentTransportInformation ??= Information;
            return serializer.FromBinary(bytes, type!);
        }
        finally
        {
            CurrentTransportInformation = outer;
        }
    }

    private Serializer? Create(string name, string? typeName, Config? settings)
    {
        if (string.IsNullOrEmpty(typeName))
            return null;
        if (TypeRegistry.TryResolve(typeName) is null)
        {
            System.Log.Warning("akka.actor.serializers.{0} names a type that does not exist: {1}", name, typeName);
            return null;
        }
        return settings.IsNullOrEmpty() ? TypeRegistry.Create<Serializer>(typeName, System) : TypeRegistry.Create<Serializer>(typeName, System, settings!);
    }

    private void Bind(string typeName, string? serializerName)
    {
        if (TypeRegistry.TryResolve(typeName) is not { } type)
            System.Log.Warning("akka.actor.serialization-bindings names a type that does not exist: {0}", typeName);
        else if (serializerName is null || !_byName.TryGetValue(serializerName, out var serializer))
            System.Log.Warning("akka.actor.serialization-bindings gives {0} to '{1}', which akka.actor.serializers does not name", typeName, serializerName);
        else
            AddSerializationMap(type, serializer);
    }
}
