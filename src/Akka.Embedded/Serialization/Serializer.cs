using Akka.Actor;

namespace Akka.Serialization;

/// <summary>
/// Turns messages of certain types into bytes and back. Implementations have a public constructor that takes an
/// <see cref="ExtendedActorSystem"/> and may be called from many threads at once.
/// </summary>
public abstract class Serializer
{
    protected readonly ExtendedActorSystem system;

    private int? _identifier;

    protected Serializer(ExtendedActorSystem system) => this.system = system;

    /// <summary>
    /// Names this serializer on the wire and on disk: unique and never changed. Below 40 is reserved for the engine. Unless
    /// overridden it comes from <c>akka.actor.serialization-identifiers</c>.
    /// </summary>
    public virtual int Identifier => _identifier ??= SerializerIdentifierHelper.GetSerializerIdentifierFromConfig(GetType(), system);

    /// <summary>Whether <see cref="FromBinary(byte[], Type)"/> needs the type.</summary>
    public abstract bool IncludeManifest { get; }

    public abstract byte[] ToBinary(object obj);

    public abstract object FromBinary(byte[] bytes, Type type);

    public T FromBinary<T>(byte[] bytes) => (T)FromBinary(bytes, typeof(T));

    /// <summary><see cref="ToBinary"/>, with actor references written as seen from outside through <paramref name="address"/>.</summary>
    public byte[] ToBinaryWithAddress(Address address, object obj)
    {
        var outer = Serialization.CurrentTransportInformation;
        try
        {
            Serialization.CurrentTransportInformation = new Information(address, system);
            return ToBinary(obj);
        }
        finally
        {
            Serialization.CurrentTransportInformation = outer;
        }
    }
}

/// <summary>A serializer that names its formats itself, so that neither type names nor types leave the process.</summary>
public abstract class SerializerWithStringManifest : Serializer
{
    protected SerializerWithStringManifest(ExtendedActorSystem system) : base(system) { }

    public sealed override bool IncludeManifest => true;

    public sealed override object FromBinary(byte[] bytes, Type type) => FromBinary(bytes, TypeNames.Of(type));

    public abstract object FromBinary(byte[] bytes, string manifest);

    /// <summary>Short, and stable for as long as anyone may read what was written.</summary>
    public abstract string Manifest(object o);
}

public static class SerializerIdentifierHelper
{
    private const string Section = "akka.actor.serialization-identifiers";

    public static int GetSerializerIdentifierFromConfig(Type type, ExtendedActorSystem system)
    {
        var section = system.Settings.Config.GetConfig(Section);
        if (section is not null)
        {
            foreach (var (name, id) in section.AsEnumerable())
            {
                if (TypeNames.Match(name, type))
                    return id.GetInt();
            }
        }
        throw new ArgumentException(
            $"Serializer {type.FullName} has no identifier: override Identifier, or set {Section}.\"{TypeNames.Of(type)}\" to a number above 40.", nameof(type));
    }
}
