using System.Runtime.Serialization;
using System.Text;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;
using Akka.TestKit.TestActors;

namespace Akka.Conformance.Tests;

// Scenario: serializers and bindings come from configuration, as in an application of ours.
public sealed class SerializationTests() : Akka.TestKit.Xunit2.TestKit(Settings)
{
    private const string Here = "Akka.Conformance.Tests.SerializationTests";

    private static readonly Config Settings = ConfigurationFactory.ParseString($$"""
        akka.actor {
          serializers {
            named = "{{Here}}+NamedSerializer, Akka.Conformance.Tests"
            typed = "{{Here}}+TypedSerializer, Akka.Conformance.Tests"
            configured = "{{Here}}+ConfiguredSerializer, Akka.Conformance.Tests"
          }
          serialization-bindings {
            "{{Here}}+IMark, Akka.Conformance.Tests" = named
            "{{Here}}+Typed, Akka.Conformance.Tests" = typed
            "{{Here}}+Configured, Akka.Conformance.Tests" = configured
          }
          serialization-identifiers { "{{Here}}+TypedSerializer, Akka.Conformance.Tests" = 4712 }
          serialization-settings { configured { suffix = "!" } }
        }
        """);

    private Akka.Serialization.Serialization Serialization => Sys.Serialization;

    [Fact]
    public void An_interface_binds_all_that_implement_it()
    {
        var serializer = Serialization.FindSerializerFor(new Marked("x"));
        Assert.IsType<NamedSerializer>(serializer);
        Assert.Same(serializer, Serialization.FindSerializerForType(typeof(MarkedToo)));
    }

    [Fact]
    public void A_message_travels_as_identifier_manifest_and_bytes()
    {
        var message = new Marked("héllo");
        var serializer = Serialization.FindSerializerFor(message);
        var manifest = Akka.Serialization.Serialization.ManifestFor(serializer, message);
        Assert.Equal((4711, "M"), (serializer.Identifier, manifest));
        Assert.Equal(message, Serialization.Deserialize(Serialization.Serialize(message), 4711, "M"));
    }

    [Fact]
    public void An_identifier_may_come_from_configuration_and_a_type_name_serve_as_manifest()
    {
        var message = new Typed("y");
        var serializer = Serialization.FindSerializerFor(message);
        var manifest = Akka.Serialization.Serialization.ManifestFor(serializer, message);
        Assert.Equal((4712, $"{Here}+Typed, Akka.Conformance.Tests"), (serializer.Identifier, manifest));
        Assert.Equal(message, Serialization.Deserialize(serializer.ToBinary(message), 4712, manifest));
        Assert.Equal(message, Serialization.Deserialize(serializer.ToBinary(message), 4712, typeof(Typed)));
    }

    [Fact]
    public void A_serializer_gets_its_settings()
    {
        var message = new Configured("z");
        Assert.Equal("z!", Encoding.UTF8.GetString(Serialization.Serialize(message)));
    }

    [Fact]
    public void Byte_arrays_and_null_are_built_in()
    {
        var bytes = new byte[] { 1, 2, 3 };
        var serializer = Serialization.FindSerializerFor(bytes);
        Assert.Equal((4, false), (serializer.Identifier, serializer.IncludeManifest));
        Assert.Equal("", Akka.Serialization.Serialization.ManifestFor(serializer, bytes));
        Assert.Equal(bytes, Serialization.Deserialize(serializer.ToBinary(bytes), 4, ""));

        var none = Serialization.FindSerializerFor(null!);
        Assert.Equal(0, none.Identifier);
        Assert.Null(Serialization.Deserialize(none.ToBinary(null!), 0, ""));
    }

    [Fact]
    public void Bindings_may_be_added_at_run_time()
    {
        var serializer = new NamedSerializer((ExtendedActorSystem)Sys);
        Serialization.AddSerializer("later", serializer);
        Serialization.AddSerializationMap(typeof(Later), serializer);
        Assert.Same(serializer, Serialization.FindSerializerForType(typeof(Later)));
    }

    [Fact]
    public void Defaults_that_come_later_bring_their_serializers_and_those_added_at_run_time_are_gone()
    {
        Serialization.AddSerializationMap(typeof(Later), new NamedSerializer((ExtendedActorSystem)Sys));
        Sys.Settings.InjectTopLevelFallback(ConfigurationFactory.ParseString($$"""
            akka.actor.serializers.injected = "{{Here}}+InjectedSerializer, Akka.Conformance.Tests"
            akka.actor.serialization-bindings { "{{Here}}+Injected, Akka.Conformance.Tests" = injected }
            """));

        Assert.IsType<InjectedSerializer>(Serialization.FindSerializerForType(typeof(Injected)));
        Assert.Equal(new Injected(), Serialization.Deserialize([], 4714, "I"));
        Assert.IsType<NamedSerializer>(Serialization.FindSerializerForType(typeof(Marked)));
        Assert.IsNotType<NamedSerializer>(Serialization.FindSerializerForType(typeof(Later), "injected"));
    }

    [Fact]
    public void Defaults_that_come_later_stand_below_the_configuration_and_above_earlier_defaults()
    {
        Sys.Settings.InjectTopLevelFallback(ConfigurationFactory.ParseString("of = first\nonly = first"));
        Sys.Settings.InjectTopLevelFallback(ConfigurationFactory.ParseString(
            "of = second\nakka.actor.serialization-settings.configured.suffix = \"?\"\nakka.actor.default-dispatcher.throughput = 31"));
        Assert.Equal("second", Sys.Settings.Config.GetString("of"));
        Assert.Equal("first", Sys.Settings.Config.GetString("only"));
        Assert.Equal("!", Sys.Settings.Config.GetString("akka.actor.serialization-settings.configured.suffix"));
        Assert.Equal(31, Sys.Settings.Config.GetInt("akka.actor.default-dispatcher.throughput"));
    }

    [Fact]
    public void An_unknown_identifier_is_refused() =>
        Assert.Contains("4999", Assert.Throws<SerializationException>(() => Serialization.Deserialize([], 4999, "M")).Message, StringComparison.Ordinal);

    [Fact]
    public void Actor_references_are_written_as_paths_that_resolve_again()
    {
        var actor = ActorOf(BlackHoleActor.Props, "someone");
        var path = Akka.Serialization.Serialization.SerializedActorPath(actor);
        Assert.StartsWith("akka://test/user/someone#", path, StringComparison.Ordinal);
        Assert.Equal(actor, ((ExtendedActorSystem)Sys).Provider.ResolveActorRef(path));
        Assert.Equal("", Akka.Serialization.Serialization.SerializedActorPath(ActorRefs.NoSender));
    }

    [Fact]
    public void An_address_may_stand_in_for_the_system_s_own()
    {
        var actor = ActorOf(BlackHoleActor.Props, "someone");
        var serializer = new RefSerializer((ExtendedActorSystem)Sys);
        var text = Encoding.UTF8.GetString(serializer.ToBinaryWithAddress(new Address("akka.tcp", "test", "host", 4053), actor));
        Assert.StartsWith("akka.tcp://test@host:4053/user/someone#", text, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(Akka.Serialization.Serialization.GetCurrentTransportInformation);
        Assert.Equal(Sys, Akka.Serialization.Serialization.WithTransport(
            (ExtendedActorSystem)Sys, static () => Akka.Serialization.Serialization.GetCurrentTransportInformation().System));
    }

    public interface IMark;

    public sealed record Marked(string Text) : IMark;

    public sealed record MarkedToo(string Text) : IMark;

    public sealed record Typed(string Text);

    public sealed record Configured(string Text);

    public sealed record Later(string Text);

    public sealed record Injected;

    public sealed class InjectedSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
    {
        public override int Identifier => 4714;

        public override string Manifest(object o) => "I";

        public override byte[] ToBinary(object obj) => [];

        public override object FromBinary(byte[] bytes, string manifest) => new Injected();
    }

    public sealed class NamedSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
    {
        public override int Identifier => 4711;

        public override string Manifest(object o) => o is Marked ? "M" : throw new ArgumentException("unknown", nameof(o));

        public override byte[] ToBinary(object obj) => Encoding.UTF8.GetBytes(((Marked)obj).Text);

        public override object FromBinary(byte[] bytes, string manifest) => manifest == "M" ? new Marked(Encoding.UTF8.GetString(bytes)) : throw new ArgumentException(manifest, nameof(manifest));
    }

    public sealed class TypedSerializer(ExtendedActorSystem system) : Serializer(system)
    {
        public override bool IncludeManifest => true;

        public override byte[] ToBinary(object obj) => Encoding.UTF8.GetBytes(((Typed)obj).Text);

        public override object FromBinary(byte[] bytes, Type type) => type == typeof(Typed) ? new Typed(Encoding.UTF8.GetString(bytes)) : throw new ArgumentException("unknown", nameof(type));
    }

    public sealed class ConfiguredSerializer(ExtendedActorSystem system, Config config) : Serializer(system)
    {
        public override int Identifier => 4713;

        public override bool IncludeManifest => false;

        public override byte[] ToBinary(object obj) => Encoding.UTF8.GetBytes(((Configured)obj).Text + config.GetString("suffix"));

        public override object FromBinary(byte[] bytes, Type type) => new Configured(Encoding.UTF8.GetString(bytes));
    }

    private sealed class RefSerializer(ExtendedActorSystem system) : Serializer(system)
    {
        public override int Identifier => 4714;

        public override bool IncludeManifest => false;

        public override byte[] ToBinary(object obj) => Encoding.UTF8.GetBytes(Akka.Serialization.Serialization.SerializedActorPath((IActorRef)obj));

        public override object FromBinary(byte[] bytes, Type type) => throw new NotSupportedException();
    }
}
