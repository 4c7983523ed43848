using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Serialization;
using Akka.Configuration;
using static Akka.Embedded.Tests.Cluster.Membership;

namespace Akka.Embedded.Tests.Cluster;

/// <summary>What members send each other comes back as it was; what is not from one of ours is refused, whatever it holds.</summary>
public sealed class ClusterSerializerSpec : IDisposable
{
    private readonly ActorSystem _system = ActorSystem.Create("wire", ConfigurationFactory.ParseString("akka.stdout-loglevel = OFF"));
    private readonly ClusterMessageSerializer _serializer;

    public ClusterSerializerSpec() => _serializer = new ClusterMessageSerializer((ExtendedActorSystem)_system);

    public void Dispose() => _system.Dispose();

    private static Gossip Rich() => (Of(A.Is(MemberStatus.Up, 1, "x", "y"), B.Is(MemberStatus.Joining), C.Is(MemberStatus.Down, 3, "y")) with { SeenBy = [A, C] })
        .With(r => r.Unreachable(A, C).Terminated(B, C).Unreachable(C, A).Reachable(C, A))
        .ChangedBy(A).ChangedBy(A).ChangedBy(C);

    private object Back(object message) => _serializer.FromBinary(_serializer.ToBinary(message), _serializer.Manifest(message));

    [Fact]
    public void Messages_survive()
    {
        foreach (var message in (object[])
                 [
                     ClusterProtocol.InitJoin.Instance, new ClusterProtocol.InitJoinAck(A.Address), new ClusterProtocol.InitJoinNack(A.Address),
                     new ClusterProtocol.Heartbeat(A.Address, 3), new ClusterProtocol.HeartbeatRsp(A, long.MaxValue), new ClusterProtocol.ExitingConfirmed(B),
                     new ClusterProtocol.Leave(A.Address), new ClusterProtocol.Down(A.Address),
                 ])
            Assert.Equal(message, Back(message));
        var join = Assert.IsType<ClusterProtocol.Join>(Back(new ClusterProtocol.Join(Node(9, -5), ["x", "y"])));
        Assert.Equal(Node(9, -5), join.Node);
        Assert.Equal(["x", "y"], join.Roles.Order(StringComparer.Ordinal));
        var status = Assert.IsType<ClusterProtocol.GossipStatus>(Back(new ClusterProtocol.GossipStatus(A, Rich().Version)));
        Assert.Equal(Rich().Version, status.Version);
    }

    [Fact]
    public void A_gossip_survives()
    {
        var gossip = Rich();
        var envelope = Assert.IsType<ClusterProtocol.GossipEnvelope>(Back(new ClusterProtocol.GossipEnvelope(A, B, gossip)));
        Assert.Equal((A, B), (envelope.From, envelope.To));
        Same(gossip, envelope.Gossip);
        Same(gossip, Assert.IsType<ClusterProtocol.Welcome>(Back(new ClusterProtocol.Welcome(A, gossip))).Gossip);
        Same(Gossip.Empty, Assert.IsType<ClusterProtocol.Welcome>(Back(new ClusterProtocol.Welcome(A, Gossip.Empty))).Gossip);
    }

    private static void Same(Gossip expected, Gossip actual)
    {
        Assert.Equal(expected.ToString(), actual.ToString());
        Assert.Equal(expected.Members.Select(m => (m.UpNumber, m.Roles.Count)), actual.Members.Select(m => (m.UpNumber, m.Roles.Count)));
        Assert.True(expected.SeenBy.SetEquals(actual.SeenBy));
        Assert.True(expected.Reachability.SameAs(actual.Reachability));
        Assert.Equal(expected.Version, actual.Version);
    }

    [Theory]
    [InlineData("Akka.Cluster.InternalClusterAction+InitJoin, Akka.Cluster")]
    [InlineData("Akka.Cluster.InternalClusterAction+InitJoinAck, Akka.Cluster")]
    [InlineData("Akka.Cluster.InternalClusterAction+Join, Akka.Cluster")]
    [InlineData("Akka.Cluster.GossipEnvelope, Akka.Cluster")]
    [InlineData("HB")]
    public void What_official_nodes_send_is_recognized(string manifest)
        => Assert.Equal(new ClusterProtocol.Foreign(manifest), _serializer.FromBinary([], manifest));

    [Fact]
    public void A_later_version_of_ours_is_refused() => Assert.Throws<ArgumentException>(() => _serializer.FromBinary(_serializer.ToBinary(new ClusterProtocol.ExitingConfirmed(A)), "E1-NEW"));

    [Fact]
    public void Damaged_gossip_is_read_in_part_or_refused_but_nothing_worse()
    {
        var message = new ClusterProtocol.GossipEnvelope(A, B, Rich());
        var bytes = _serializer.ToBinary(message);
        var manifest = _serializer.Manifest(message);
        for (var seed = 0; seed < 5_000; seed++)
        {
            var random = new Random(seed);
            var damaged = bytes[..random.Next(1, bytes.Length + 1)];
            for (var i = random.Next(4); i > 0; i--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                _ = _serializer.FromBinary(damaged, manifest);
            }
            catch (Akka.Remote.Wire.WireFormatException)
            {
                // Refused.
            }
        }
    }
}
