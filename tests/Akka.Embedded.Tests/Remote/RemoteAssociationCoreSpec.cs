using Akka.Remote;

namespace Akka.Embedded.Tests.Remote;

/// <summary>The decisions about one peer address, as scripts of inputs and answers.</summary>
public class RemoteAssociationCoreSpec
{
    private static readonly TimeSpan Gate = TimeSpan.FromSeconds(5);
    private readonly AssociationCore _core = new(Gate, TimeSpan.FromDays(5));
    private TimeSpan _now = TimeSpan.FromHours(1);

    private Verdict Inbound(int uid, bool writerIsPassive = false, bool passive = true) => _core.OnInbound(uid, passive, writerIsPassive, _now, out _);

    [Fact]
    public void A_send_connects_once_and_the_handshake_opens()
    {
        Assert.True(_core.TryConnect(_now));
        Assert.False(_core.TryConnect(_now));
        Assert.Equal(Verdict.Writer, _core.OnConnected(1, _now, out var newIncarnation));
        Assert.False(newIncarnation);
        Assert.Equal(AssociationState.Open, _core.State);
        Assert.False(_core.TryConnect(_now));
    }

    [Fact]
    public void A_failure_gates_until_its_time()
    {
        _core.TryConnect(_now);
        Assert.False(_core.OnConnectFailed(peerUntouched: true, inboundOpen: false, _now));
        Assert.Equal(AssociationState.Gated, _core.State);
        _now += Gate - TimeSpan.FromTicks(1);
        Assert.False(_core.TryConnect(_now));
        _now += TimeSpan.FromTicks(1);
        Assert.True(_core.TryConnect(_now));
    }

    [Fact]
    public void A_peer_that_connects_opens_the_gate()
    {
        _core.TryConnect(_now);
        _core.OnConnectFailed(true, false, _now);
        Assert.Equal(Verdict.Writer, Inbound(1));
        Assert.Equal(AssociationState.Open, _core.State);
    }

    [Fact]
    public void Where_both_sides_connect_at_once_each_writes_on_its_own()
    {
        _core.TryConnect(_now);
        Assert.Equal(Verdict.ReadOnly, Inbound(1));
        Assert.Equal(Verdict.Writer, _core.OnConnected(1, _now, out _));
        Assert.Equal(Verdict.ReadOnly, Inbound(1));
    }

    [Fact]
    public void An_inbound_link_serves_when_our_own_never_reached_the_peer()
    {
        _core.TryConnect(_now);
        Inbound(1);
        Assert.True(_core.OnConnectFailed(peerUntouched: true, inboundOpen: true, _now));
        Assert.Equal(AssociationState.Open, _core.State);
    }

    [Fact]
    public void An_inbound_link_does_not_serve_when_the_peer_may_have_seen_our_own()
    {
        _core.TryConnect(_now);
        Inbound(1);
        Assert.False(_core.OnConnectFailed(peerUntouched: false, inboundOpen: true, _now));
        Assert.Equal(AssociationState.Gated, _core.State);
    }

    [Fact]
    public void A_newer_link_of_the_peer_replaces_the_older_one_that_was_written_on()
    {
        Assert.Equal(Verdict.Writer, Inbound(1));
        Assert.Equal(Verdict.Writer, Inbound(1, writerIsPassive: true));
    }

    [Fact]
    public void A_restarted_peer_is_a_new_incarnation()
    {
        Inbound(1);
        Assert.Equal(Verdict.Writer, _core.OnInbound(2, true, true, _now, out var newIncarnation));
        Assert.True(newIncarnation);
        Assert.Equal(2, _core.Uid);
    }

    [Fact]
    public void A_quarantined_incarnation_is_refused_both_ways_and_a_new_one_is_not()
    {
        Inbound(1);
        Assert.True(_core.Quarantine(1, _now));
        Assert.False(_core.Quarantine(1, _now));
        Assert.Equal(Verdict.Refused, Inbound(1));
        Assert.True(_core.TryConnect(_now));
        Assert.Equal(Verdict.Refused, _core.OnConnected(1, _now, out _));
        Assert.Equal(AssociationState.Gated, _core.State);
        Assert.Equal(Verdict.Writer, _core.OnInbound(2, true, false, _now, out var newIncarnation));
        Assert.True(newIncarnation);
    }

    [Fact]
    public void Quarantine_of_an_incarnation_long_gone_changes_nothing()
    {
        Inbound(2);
        Assert.False(_core.Quarantine(1, _now));
        Assert.Equal(AssociationState.Open, _core.State);
    }

    [Fact]
    public void Quarantine_during_a_handshake_decides_it()
    {
        _core.TryConnect(_now);
        Assert.True(_core.Quarantine(1, _now));
        Assert.Equal(Verdict.Refused, _core.OnConnected(1, _now, out _));
    }

    [Fact]
    public void The_marker_is_forgotten_in_the_end()
    {
        Inbound(1);
        _core.Quarantine(1, _now);
        _now += TimeSpan.FromDays(5);
        Assert.Equal(Verdict.Writer, Inbound(1));
    }

    [Fact]
    public void Without_passive_connections_an_inbound_link_is_only_read()
    {
        Assert.Equal(Verdict.ReadOnly, Inbound(1, passive: false));
        Assert.True(_core.TryConnect(_now));
    }
}
