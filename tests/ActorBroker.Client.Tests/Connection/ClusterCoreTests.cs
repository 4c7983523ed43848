using ActorBroker.Log;
using ActorBroker.Protocol;
using Akka.Configuration;
using static ActorBroker.Client.Tests.TestClusters;

namespace ActorBroker.Client.Tests.Connection;

/// <summary>Golden scripts: finding brokers, keeping metadata, routing requests and losing connections.</summary>
public class ClusterCoreTests
{
    private static readonly NodeAddress A = new("actorbroker", "a", 1);
    private static readonly NodeAddress B = new("actorbroker", "b", 1);
    private static readonly NodeAddress BrokerOne = new("actorbroker", "one", 1);
    private static readonly NodeAddress BrokerTwo = new("actorbroker", "two", 2);

    private readonly List<ClusterEffect> _effects = [];
    private readonly ClusterCore _core = New();
    private TimeSpan _now = Ms(0);

    [Fact]
    public void Every_candidate_is_probed_and_the_first_that_answers_is_asked()
    {
        Do(() => _core.Start(_now, _effects));
        Assert.Equal([new ClusterEffect.Probe(A), new ClusterEffect.Probe(B)], Take());
        Do(() => _core.OnProbeAnswered(B, found: true, _now, _effects));
        var send = Assert.IsType<ClusterEffect.Send>(Assert.Single(Take()));
        Assert.Equal(B, send.Address);
        Assert.IsType<MetadataRequest>(send.Request);
        Do(() => _core.OnResponse(send.Correlation, Metadata(), _now, _effects));
        Assert.IsType<ClusterEffect.Publish>(Assert.Single(Take()));
        Assert.Equal(BrokerOne, _core.Image.Brokers[One]);
    }

    [Fact]
    public void An_address_with_several_forms_is_asked_for_the_right_one_and_that_alone_is_probed()
    {
        var entry = new BootstrapEntry([A, B]);
        var core = new ClusterCore(ClientSettings.Create(ConfigurationFactory.Empty), [entry], "app", remoting: true, new Random(1));
        core.Start(_now, _effects);
        Assert.Equal([new ClusterEffect.AskName(A)], Take());
        core.OnNamed(A, B, _now, _effects);
        Assert.Equal([new ClusterEffect.Probe(B)], Take());
    }

    [Fact]
    public void Forms_are_tried_in_turn_where_the_node_does_not_say()
    {
        var core = new ClusterCore(
            ClientSettings.Create(ConfigurationFactory.Empty), [new BootstrapEntry([A, B])], "app", remoting: true, new Random(1));
        core.Start(_now, _effects);
        core.OnNamed(A, null, _now, _effects);
        _now = Ms(130);
        core.OnTick(_now, _effects);
        core.OnNamed(A, null, _now, _effects);
        Assert.Equal([A, B], Take().OfType<ClusterEffect.Probe>().Select(probe => probe.Address).Distinct().Order(Comparer<NodeAddress>.Create((a, b) => string.CompareOrdinal(a.Host, b.Host))));
    }

    [Fact]
    public void Probes_are_repeated_with_growing_pauses()
    {
        Do(() => _core.Start(_now, _effects));
        Take();
        var times = new List<double>();
        while (_now < Ms(4000))
        {
            _now = _core.NextWakeup;
            Do(() => _core.OnTick(_now, _effects));
            if (Take().Contains(new ClusterEffect.Probe(A)))
                times.Add(_now.TotalMilliseconds);
        }

        Assert.InRange(times[0], 80, 120);
        Assert.InRange(times[1] - times[0], 160, 240);
        Assert.InRange(times[^1] - times[^2], 800, 1200);
    }

    [Fact]
    public void A_cluster_that_nobody_answers_for_is_reported_with_what_was_tried_and_by_what_name()
    {
        Do(() => _core.Start(_now, _effects));
        Submit(1, RequestTarget.Any);
        Tick(2500);
        Assert.Contains(Take(), effect => effect is ClusterEffect.AskName);
        Do(() => _core.OnNamed(A, new NodeAddress("actorbroker", "alpha.example", 1), _now, _effects));
        Do(() => _core.OnLost(B, "connection refused", _now, _effects));
        Tick(4999);
        Assert.DoesNotContain(Take(), effect => effect is ClusterEffect.ReportUnreachable);
        Tick(5000);
        var effects = Take();
        var report = Assert.Single(effects.OfType<ClusterEffect.ReportUnreachable>());
        Assert.Contains("a:1 (a node that answers only to actorbroker@alpha.example:1: use that address)", report.Message, StringComparison.Ordinal);
        Assert.Contains("b:1 (connection refused)", report.Message, StringComparison.Ordinal);
        Assert.Equal(RequestFailure.Unreachable, Assert.Single(effects.OfType<ClusterEffect.Complete>()).Failure);
        Tick(10_000);
        Assert.Contains(Take(), effect => effect is ClusterEffect.ReportUnreachable);
    }

    [Fact]
    public void An_address_without_broker_is_said_to_be_one()
    {
        Do(() => _core.Start(_now, _effects));
        Do(() => _core.OnProbeAnswered(A, found: false, _now, _effects));
        Tick(5000);
        Assert.Contains("a:1 (no broker there)", Assert.Single(Take().OfType<ClusterEffect.ReportUnreachable>()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_request_waits_for_its_brokers_connection_and_then_leaves_in_order()
    {
        Connect();
        Submit(1, RequestTarget.To(Two));
        Submit(2, RequestTarget.To(Two));
        Assert.Equal([new ClusterEffect.Probe(BrokerTwo)], Take());
        Do(() => _core.OnProbeAnswered(BrokerTwo, found: true, _now, _effects));
        var sent = Take().OfType<ClusterEffect.Send>().ToList();
        Assert.Equal(2, sent.Count);
        Assert.True(sent[0].Correlation < sent[1].Correlation);
        Do(() => _core.OnResponse(sent[1].Correlation, new ProduceResponse(), _now, _effects));
        Assert.Equal(2, Assert.Single(Take().OfType<ClusterEffect.Complete>()).Token);
    }

    [Fact]
    public void Without_connection_a_request_was_not_sent_and_metadata_is_renewed()
    {
        Connect();
        Submit(1, RequestTarget.To(Two));
        Tick(1000);
        var effects = Take();
        Assert.Equal(RequestFailure.NotSent, Assert.Single(effects.OfType<ClusterEffect.Complete>()).Failure);
        Assert.Contains(effects, effect => effect is ClusterEffect.Send { Request: MetadataRequest });
    }

    [Fact]
    public void A_lost_connection_fails_what_was_out_and_is_sought_again()
    {
        Connect();
        Submit(1, RequestTarget.To(One));
        Do(() => _core.OnProbeAnswered(BrokerOne, found: true, _now, _effects));
        Take();
        Do(() => _core.OnLost(BrokerOne, null, _now, _effects));
        var effects = Take();
        Assert.Contains(new ClusterEffect.Release(BrokerOne), effects);
        Assert.Equal(RequestFailure.Disconnected, Assert.Single(effects.OfType<ClusterEffect.Complete>()).Failure);
        Submit(2, RequestTarget.To(One));
        Assert.Contains(new ClusterEffect.Probe(BrokerOne), Take());
    }

    [Fact]
    public void When_all_are_lost_brokers_and_bootstrap_addresses_are_sought()
    {
        Connect();
        Tick(150);
        Do(() => _core.OnLost(B, null, _now, _effects));
        var probed = Take().OfType<ClusterEffect.Probe>().Select(probe => probe.Address).ToHashSet();
        Assert.Equal([A, B, BrokerOne, BrokerTwo], probed);
        Do(() => _core.OnProbeAnswered(BrokerTwo, found: true, _now, _effects));
        Assert.Contains(Take(), effect => effect is ClusterEffect.Send { Request: MetadataRequest });
    }

    [Fact]
    public void A_request_that_hangs_costs_its_broker_the_connection()
    {
        Connect();
        Submit(1, RequestTarget.To(One), timeoutMs: 500);
        Submit(2, RequestTarget.To(One), timeoutMs: 9000);
        Do(() => _core.OnProbeAnswered(BrokerOne, found: true, _now, _effects));
        var late = Take().OfType<ClusterEffect.Send>().First();
        Tick(500);
        var ends = Take().OfType<ClusterEffect.Complete>().ToDictionary(complete => complete.Token, complete => complete.Failure);
        Assert.Equal(RequestFailure.TimedOut, ends[1]);
        Assert.Equal(RequestFailure.Disconnected, ends[2]);
        Do(() => _core.OnResponse(late.Correlation, new ProduceResponse(), _now, _effects));
        Assert.DoesNotContain(Take(), effect => effect is ClusterEffect.Complete);
    }

    [Fact]
    public void A_request_without_response_is_complete_once_sent()
    {
        Connect();
        Do(() => _core.OnProbeAnswered(BrokerOne, found: true, _now, _effects));
        Do(() => _core.OnSubmit(new ClusterProtocol.Submit(3, RequestTarget.Any, new ProduceRequest(), Ms(1), Answered: false), _now, _effects));
        Assert.Equal(RequestFailure.None, Assert.Single(Take().OfType<ClusterEffect.Complete>()).Failure);
        Tick(50_000);
        Assert.DoesNotContain(Take(), effect => effect is ClusterEffect.Complete);
    }

    [Fact]
    public void New_topics_are_asked_for_at_once_and_missing_ones_again_and_again()
    {
        Connect();
        Do(() => _core.OnWantTopics(["t"], _now, _effects));
        var ask = Assert.Single(Take().OfType<ClusterEffect.Send>());
        Assert.Equal("t", Assert.Single(((MetadataRequest)ask.Request).Topics!).Name);
        var missing = Metadata() with
        {
            Topics = [new MetadataResponse.MetadataResponseTopic { Name = "t", ErrorCode = ErrorCode.UnknownTopicOrPartition }],
        };
        Do(() => _core.OnResponse(ask.Correlation, missing, _now, _effects));
        Take();
        Tick(130);
        Assert.Single(Take().OfType<ClusterEffect.Send>());
    }

    [Fact]
    public void Metadata_that_is_complete_is_kept_for_its_age()
    {
        Connect();
        Assert.Equal(TimeSpan.FromMinutes(5), _core.NextWakeup);
        Tick(5 * 60_000);
        Assert.Single(Take().OfType<ClusterEffect.Send>());
    }

    [Fact]
    public void Refreshing_again_and_again_is_held_back()
    {
        Connect();
        var asked = 0;
        for (var i = 0; i < 1000; i++)
        {
            Do(() => _core.OnRefresh(_now, _effects));
            Tick(_now.TotalMilliseconds + 1);
            foreach (var send in Take().OfType<ClusterEffect.Send>())
            {
                asked++;
                Do(() => _core.OnResponse(send.Correlation, Metadata(), _now, _effects));
            }
        }

        Assert.InRange(asked, 2, 30);
    }

    [Fact]
    public void An_unknown_broker_is_no_target()
    {
        Connect();
        Submit(1, RequestTarget.To(new BrokerId(99)));
        Assert.Equal(RequestFailure.NotSent, Assert.Single(Take().OfType<ClusterEffect.Complete>()).Failure);
    }

    private static ClusterCore New()
    {
        var settings = ClientSettings.Create(ConfigurationFactory.Empty);
        return new ClusterCore(settings, [new BootstrapEntry([A]), new BootstrapEntry([B])], "app", remoting: true, new Random(1));
    }

    private static MetadataResponse Metadata() => new()
    {
        ClusterId = "c",
        ControllerId = 1,
        Brokers =
        [
            new MetadataResponse.MetadataResponseBroker { NodeId = 1, Host = "one", Port = 1 },
            new MetadataResponse.MetadataResponseBroker { NodeId = 2, Host = "two", Port = 2 },
        ],
    };

    /// <summary>Bootstrapped through B, at time 0.</summary>
    private void Connect()
    {
        Do(() => _core.Start(_now, _effects));
        Do(() => _core.OnProbeAnswered(B, found: true, _now, _effects));
        var send = Take().OfType<ClusterEffect.Send>().Single();
        Do(() => _core.OnResponse(send.Correlation, Metadata(), _now, _effects));
        Take();
    }

    private void Submit(long token, RequestTarget target, double timeoutMs = 30_000) =>
        Do(() => _core.OnSubmit(new ClusterProtocol.Submit(token, target, new ProduceRequest(), Ms(timeoutMs)), _now, _effects));

    private void Tick(double atMs)
    {
        _now = Ms(atMs);
        Do(() => _core.OnTick(_now, _effects));
    }

    private static void Do(Action action) => action();

    private List<ClusterEffect> Take()
    {
        var taken = _effects.ToList();
        _effects.Clear();
        return taken;
    }
}
