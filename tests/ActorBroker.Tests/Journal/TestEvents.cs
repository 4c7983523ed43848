using System.Text;
using Akka.Actor;
using Akka.Serialization;

namespace ActorBroker.Tests.Journal;

/// <summary>An event that can be stored, and one of whose names its serializer refuses.</summary>
public sealed record TestEvent(string Name);

public sealed class TestEventSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    public const string Unserializable = "unserializable";

    public override int Identifier => 9001;

    public override string Manifest(object o) => "TestEvent:1";

    public override byte[] ToBinary(object obj) => obj is TestEvent { Name: not Unserializable } e
        ? Encoding.UTF8.GetBytes(e.Name)
        : throw new ArgumentException("can't be serialized");

    public override object FromBinary(byte[] bytes, string manifest) => new TestEvent(Encoding.UTF8.GetString(bytes));
}
