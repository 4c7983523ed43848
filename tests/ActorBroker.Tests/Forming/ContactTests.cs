using System.Collections.Immutable;
using System.Runtime.Serialization;
using ActorBroker.Downing;
using ActorBroker.Forming;
using ActorBroker.Hosting;
using ActorBroker.Log;
using ActorBroker.Messaging;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace ActorBroker.Tests.Forming;

/// <summary>Lists of contacts: as configured, with all their faults; as remembered; and the messages by which contacts talk.</summary>
public class ContactTests
{
    private static readonly Config Reference = ConfigurationFactory.FromResource("reference.conf", typeof(Broker).Assembly);

    [Fact]
    public void Voters_and_seeds_are_read_from_kafkas_keys()
    {
        var contacts = Read("1@10.0.0.1:4053, 2@b.example:4054,3@[::1]:4055", "d:1,e:2");
        Assert.Equal([1, 2, 3], contacts.Voters.Keys.Select(id => id.Value));
        Assert.Equal("b.example:4054", contacts.Voters[new BrokerId(2)].ToString());
        Assert.Equal(["d:1", "e:2"], contacts.Seeds.Select(seed => seed.ToString()));
        Assert.False(contacts.IsAlone);
        Assert.True(Read("", "").IsAlone);
    }

    [Fact]
    public void All_faults_of_both_lists_are_named()
    {
        var faults = Assert.Throws<BrokerConfigurationException>(() => Read("1@a:1,x@b:2,1@c:3,4@a:1,5@d", "nowhere")).Faults;
        Assert.Equal(5, faults.Count);
        Assert.All(["'x@b:2' is no voter", "voter 1 stands twice", "a:1 stands twice", "'d' is no broker address", "'nowhere' is no broker address"], text =>
            Assert.Contains(faults, fault => fault.Contains(text, StringComparison.Ordinal)));
    }

    [Fact]
    public void An_even_number_of_voters_is_refused() =>
        Assert.Contains("take an odd number", Assert.Throws<BrokerConfigurationException>(() => Read("1@a:1,2@b:2", "")).Message, StringComparison.Ordinal);

    [Fact]
    public void A_node_remembers_where_the_others_were_and_a_damaged_memory_is_said_and_replaced()
    {
        var files = new SimulatedFileSystem(1);
        files.CreateDirectory("/data");
        var nodes = ImmutableSortedDictionary<BrokerId, BrokerAddress>.Empty
            .Add(new BrokerId(2), new BrokerAddress("actorbroker", "b", 2)).Add(new BrokerId(4), new BrokerAddress("actorbroker", "[::1]", 4));
        var book = ContactBook.Load(files, "/data");
        Assert.Empty(book.Nodes);
        book.Update(nodes);
        Assert.Equal(nodes, ContactBook.Load(files, "/data").Nodes);

        AtomicFile.WriteText(files, "/data/" + ContactBook.FileName, "version=2\nwhatever");
        var damaged = ContactBook.Load(files, "/data");
        Assert.Empty(damaged.Nodes);
        Assert.Contains("newer release", damaged.Fault, StringComparison.Ordinal);
        damaged.Update(nodes);
        Assert.Null(ContactBook.Load(files, "/data").Fault);
    }

    [Fact]
    public void Messages_survive_the_wire_and_unknown_or_damaged_ones_are_refused()
    {
        using var system = ActorSystem.Create("wire", ConfigurationFactory.ParseString("akka.loglevel = OFF, akka.stdout-loglevel = OFF").WithFallback(Reference));
        var standing = new FormationProtocol.Standing(3, "cluster", new Guid(1, 2, 3, new byte[8]), 2);
        Same(new FormationProtocol.Hail(standing, 1, 5, AsksGrant: true), "Hail:1");
        Same(new FormationProtocol.HailAnswer(standing with { ClusterId = null, Formation = null }, 1, 5, Granted: false), "HailAnswer:1");
        Same(new DowningProtocol.FoundDead(new NodeIncarnation("a", 1), new NodeIncarnation("b", -2)), "FoundDead:1");

        void Same(object message, string manifest)
        {
            var serializer = (SerializerWithStringManifest)system.Serialization.FindSerializerFor(message);
            Assert.Equal(manifest, serializer.Manifest(message));
            Assert.Equal(message, serializer.FromBinary(serializer.ToBinary(message), manifest));
            Assert.Throws<SerializationException>(() => serializer.FromBinary([1, 2, 3], manifest));
            Assert.Throws<SerializationException>(() => serializer.FromBinary("null"u8.ToArray(), manifest));
            Assert.Throws<SerializationException>(() => serializer.FromBinary(serializer.ToBinary(message), "Other:1"));
        }
    }

    private static ClusterContacts Read(string voters, string seeds) => BrokerOptions.Read(ConfigurationFactory.ParseString($"""
        actorbroker.controller.quorum.voters = "{voters}"
        actorbroker.controller.quorum.bootstrap.servers = "{seeds}"
        """).WithFallback(Reference)).Contacts;
}
