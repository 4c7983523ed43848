using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Metadata;

namespace ActorBroker.Tests.Control;

/// <summary>Sessions of two brokers on a clock of our own.</summary>
public class SessionTableTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(4);
    private readonly SessionTable _table = new(Timeout);
    private readonly BrokerImage _one = Broker(1, epoch: 10);
    private readonly BrokerImage _two = Broker(2, epoch: 11);
    private readonly MetadataImage _image;
    private TimeSpan _now = TimeSpan.FromHours(1);

    public SessionTableTests()
    {
        _image = MetadataImage.Empty.With(_one).With(_two) with { Version = 20 };
        _table.Start(_image, _now);
    }

    [Fact]
    public void A_broker_is_expired_after_a_whole_session_of_silence()
    {
        Assert.Empty(Pass(Timeout));
        Assert.Equal([_one.Id, _two.Id], Pass(_table.LookInterval));
    }

    [Fact]
    public void A_broker_that_is_heard_of_is_not_expired_and_a_fenced_one_not_again()
    {
        Pass(Timeout / 2);
        _table.Touch(_one, reconciled: null, _now);
        Assert.Equal([_two.Id], Pass((Timeout / 2) + _table.LookInterval));
        Assert.Empty(_table.Expired(_image.With(_two with { Fenced = true }), _now));
    }

    [Fact]
    public void A_pause_of_the_controller_itself_is_nobodys_silence()
    {
        Pass(Timeout / 2);
        _now += TimeSpan.FromMinutes(1);
        Assert.Empty(_table.Expired(_image, _now));
        Assert.Empty(Pass(Timeout / 2));
        Assert.Equal(2, Pass(_table.LookInterval).Count);
    }

    [Fact]
    public void A_new_incarnation_has_a_session_of_its_own_and_has_said_nothing()
    {
        _table.Touch(_one, reconciled: 20, _now);
        _table.Touch(_one, reconciled: 19, _now); // a late message
        Assert.Equal(20, _table.Reconciled(_one));
        Assert.Equal(-1, _table.Reconciled(_one with { Epoch = 21 }));
        Pass(Timeout / 2);
        _table.Touch(_one with { Epoch = 21 }, reconciled: null, _now);
        Assert.Equal(-1, _table.Reconciled(_one));
    }

    [Fact]
    public void The_others_know_of_a_stop_once_each_active_one_serves_its_version()
    {
        var stopping = _one with { InControlledShutdown = true };
        var image = _image.With(stopping) with { Version = 30 };
        _table.BeginStop(stopping.Id, image);
        image = image with { Version = 99 };
        Assert.False(_table.OthersKnow(image, stopping));
        _table.Touch(_two, reconciled: 29, _now);
        Assert.False(_table.OthersKnow(image, stopping));
        _table.Touch(_two, reconciled: 30, _now);
        Assert.True(_table.OthersKnow(image, stopping));
        Assert.False(_table.OthersKnow(image.With(_two with { Epoch = 40 }), stopping));
        Assert.True(_table.OthersKnow(image.With(_two with { Fenced = true }), stopping));
    }

    [Fact]
    public void A_stop_that_a_former_controller_began_counts_from_when_this_one_hears_of_it()
    {
        var stopping = _one with { InControlledShutdown = true };
        var image = _image.With(stopping) with { Version = 30 };
        _table.Start(image, _now);
        _table.Touch(_two, reconciled: 29, _now);
        Assert.False(_table.OthersKnow(image, stopping));
        _table.Touch(_two, reconciled: 30, _now);
        Assert.True(_table.OthersKnow(image, stopping));
    }

    /// <summary>Looks as often as it should meanwhile; what the last look saw.</summary>
    private List<BrokerId> Pass(TimeSpan time)
    {
        var until = _now + time;
        while (true)
        {
            _now = _now + _table.LookInterval < until ? _now + _table.LookInterval : until;
            var expired = _table.Expired(_image, _now);
            if (_now == until || !expired.IsEmpty) return [.. expired.Select(broker => broker.Id)];
        }
    }

    private static BrokerImage Broker(int id, long epoch) =>
        new(new BrokerId(id), epoch, Guid.Empty, new DirectoryId(Guid.Empty), null, [], Fenced: false);
}
