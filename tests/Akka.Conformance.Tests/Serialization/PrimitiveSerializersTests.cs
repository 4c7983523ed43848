using Akka.Actor;
using Akka.Configuration;
using Akka.Remote.Serialization;

namespace Akka.Conformance.Tests;

// Scenario: the bytes of primitive values are the same on every node, whatever its engine.
public sealed class PrimitiveSerializersTests : Akka.TestKit.Xunit2.TestKit
{
    public static TheoryData<object, string, byte[]> Values { get; } = new()
    {
        { "é", "S", [0xC3, 0xA9] },
        { "", "S", [] },
        { 0x01020304, "I", [4, 3, 2, 1] },
        { -2L, "L", [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF] },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void Bytes_and_manifests(object value, string manifest, byte[] bytes)
    {
        var serializer = Serializer("off");
        Assert.Equal(17, serializer.Identifier);
        Assert.Equal(manifest, serializer.Manifest(value));
        Assert.Equal(bytes, serializer.ToBinary(value));
        Assert.Equal(value, serializer.FromBinary(bytes, manifest));
        var old = Serializer("on").Manifest(value);
        Assert.Equal($"{value.GetType().FullName}, System.Private.CoreLib", old);
        Assert.Equal(value, serializer.FromBinary(bytes, old));
        Assert.Equal(value, serializer.FromBinary(bytes, $"{value.GetType().FullName}, mscorlib"));
    }

    [Fact]
    public void Other_types_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Serializer("off").ToBinary(1.5));
        Assert.Throws<ArgumentException>(() => Serializer("off").FromBinary([1], "X"));
    }

    private PrimitiveSerializers Serializer(string legacy) => new((ExtendedActorSystem)Sys, ConfigurationFactory.ParseString(
        $"use-legacy-behavior = {legacy}"));

    public PrimitiveSerializersTests() : base("akka.actor.serialization-identifiers { \"Akka.Remote.Serialization.PrimitiveSerializers, Akka.Remote\" = 17 }") { }
}
