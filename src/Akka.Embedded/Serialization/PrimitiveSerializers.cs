using System.Buffers.Binary;
using System.Text;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace Akka.Remote.Serialization;

/// <summary>
/// string (UTF-8), int and long (little-endian), under the manifests S, I and L. Reads the type names that older versions wrote
/// in their place, and writes them where <c>akka.actor.serialization-settings.primitive.use-legacy-behavior</c> is on.
/// </summary>
public sealed class PrimitiveSerializers : SerializerWithStringManifest
{
    private readonly bool _typeNames;

    public PrimitiveSerializers(ExtendedActorSystem system, Config config) : base(system) =>
        _typeNames = (config ?? throw ConfigurationException.NullOrEmptyConfig<PrimitiveSerializers>("akka.actor.serialization-settings.primitive"))
            .GetBoolean("use-legacy-behavior");

    public override int Identifier => 17;

    public override string Manifest(object o) => o switch
    {
        string => _typeNames ? TypeNames.Of(typeof(string)) : "S",
        int => _typeNames ? TypeNames.Of(typeof(int)) : "I",
        long => _typeNames ? TypeNames.Of(typeof(long)) : "L",
        _ => throw NotMine(o),
    };

    public override byte[] ToBinary(object obj)
    {
        switch (obj)
        {
            case string s:
                return Encoding.UTF8.GetBytes(s);
            case int i:
                var four = new byte[sizeof(int)];
                BinaryPrimitives.WriteInt32LittleEndian(four, i);
                return four;
            case long l:
                var eight = new byte[sizeof(long)];
                BinaryPrimitives.WriteInt64LittleEndian(eight, l);
                return eight;
            default:
                throw NotMine(obj);
        }
    }

    public override object FromBinary(byte[] bytes, string manifest) => manifest switch
    {
        "S" or "System.String, System.Private.CoreLib" or "System.String, mscorlib" => Encoding.UTF8.GetString(bytes),
        "I" or "System.Int32, System.Private.CoreLib" or "System.Int32, mscorlib" => BinaryPrimitives.ReadInt32LittleEndian(Exactly(bytes, sizeof(int))),
        "L" or "System.Int64, System.Private.CoreLib" or "System.Int64, mscorlib" => BinaryPrimitives.ReadInt64LittleEndian(Exactly(bytes, sizeof(long))),
        _ => throw new ArgumentException($"Unknown manifest '{manifest}': known are S, I and L.", nameof(manifest)),
    };

    private static byte[] Exactly(byte[] bytes, int length) => bytes.Length == length
        ? bytes
        : throw new ArgumentException($"Expected {length} bytes, found {bytes.Length}.", nameof(bytes));

    private static ArgumentException NotMine(object? o) => new($"This serializer takes string, int and long, not {o?.GetType().ToString() ?? "null"}.", nameof(o));
}
