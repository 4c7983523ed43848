using System.Runtime.Serialization;
using System.Text;
using Akka.Actor;
using Akka.Serialization;

namespace Akka.Embedded.Tests.Serialization;

// Scenario: messages without a binding, and type names from a peer that nobody configured.
public sealed class UnboundTypesTests : Akka.TestKit.Xunit2.TestKit
{
    private Akka.Serialization.Serialization Serialization => Sys.Serialization;

    [Fact]
    public void An_unbound_type_is_refused_with_the_way_out()
    {
        var e = Assert.Throws<SerializationException>(() => Serialization.Serialize(new Unbound()));
        Assert.Contains(typeof(Unbound).FullName!, e.Message, StringComparison.Ordinal);
        Assert.Contains("akka.actor.serialization-bindings", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_named_default_serves_an_unbound_type()
    {
        var serializer = new ByName((ExtendedActorSystem)Sys);
        Serialization.AddSerializer("fallback", serializer);
        Assert.Same(serializer, Serialization.FindSerializerFor(new Unbound(), "fallback"));
        Assert.Throws<SerializationException>(() => Serialization.FindSerializerFor(new Unbound(), "none"));
    }

    [Fact]
    public void A_type_name_from_outside_counts_only_with_a_binding()
    {
        var serializer = new ByName((ExtendedActorSystem)Sys);
        Serialization.AddSerializer("by-name", serializer);
        Serialization.AddSerializationMap(typeof(Bound), serializer);
        Assert.IsType<Bound>(Serialization.Deserialize([], 4801, Name(typeof(Bound))));
        foreach (var name in new[] { Name(typeof(Unbound)), "System.Diagnostics.Process, System.Diagnostics.Process", "No.Such.Type, Nowhere", "][,,", new string('[', 100_000) })
            Assert.Throws<SerializationException>(() => Serialization.Deserialize([], 4801, name));
    }

    [Fact]
    public void The_most_specific_binding_wins()
    {
        var (general, special, own) = (new ByName((ExtendedActorSystem)Sys), new ByName((ExtendedActorSystem)Sys), new ByName((ExtendedActorSystem)Sys));
        Serialization.AddSerializationMap(typeof(IGeneral), general);
        Assert.Same(general, Serialization.FindSerializerForType(typeof(Derived)));
        Serialization.AddSerializationMap(typeof(ISpecial), special);
        Assert.Same(special, Serialization.FindSerializerForType(typeof(Derived)));
        Serialization.AddSerializationMap(typeof(Base), own);
        Assert.Same(own, Serialization.FindSerializerForType(typeof(Derived)));
        Assert.Same(general, Serialization.FindSerializerForType(typeof(OtherGeneral)));
    }

    [Fact]
    public void A_string_needs_no_configuration() =>
        Assert.Equal("S", Akka.Serialization.Serialization.ManifestFor(Serialization.FindSerializerFor("x"), "x"));

    private static string Name(Type type) => $"{type.FullName}, {type.Assembly.GetName().Name}";

    public sealed class Unbound;

    public sealed class Bound;

    public interface IGeneral;

    public interface ISpecial : IGeneral;

    public abstract class Base : ISpecial;

    public sealed class Derived : Base;

    public sealed class OtherGeneral : IGeneral;

    private sealed class ByName(ExtendedActorSystem system) : Serializer(system)
    {
        public override int Identifier => 4801;

        public override bool IncludeManifest => true;

        public override byte[] ToBinary(object obj) => Encoding.UTF8.GetBytes(Name(obj.GetType()));

        public override object FromBinary(byte[] bytes, Type type) => Activator.CreateInstance(type)!;
    }
}
