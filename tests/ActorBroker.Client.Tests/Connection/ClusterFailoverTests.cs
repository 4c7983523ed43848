using ActorBroker.Log;
using ActorBroker.Protocol;
using Akka.Configuration;
using static ActorBroker.Client.Tests.TestClusters;

namespace ActorBroker.Client.Tests.Connection;

/// <summary>
/// Scripts of brokers that fail under a client of three of them, who wants topic t: broker 1 leads its partition at epoch 3 until
/// the script says otherwise. Time is the test's.
/// </summary>
public class ClusterFailoverTests
{
    private static readonly BrokerId Three = new(3);

    private readonly List<ClusterEffect> _effects = [];
    private readonly ClusterCore _core = new(
        ClientSettings.Create(ConfigurationFactory.Empty), [new BootstrapEntry([At(9)])], "app", remoting: true, new Random(1));

    private readonly List<ClusterEffect.Send> _asked = [];
    private readonly List<ClusterEffect.Send> _sent = [];
    private readonly List<ClusterEffect.Complete> _completed = [];
    private readonly HashSet<int> _reachable = [1, 2, 3, 9];
    private TimeSpan _now = Ms(0);

    public ClusterFailoverTests()
    {
        Do(() => _core.Start(_now, _effects));
        Do(() => _core.OnWantTopics(["t"], _now, _effects));
        while (_asked.Count > 0)
            Answer(_asked[0], leader: 1, epoch: 3);
        Assert.Equal(One, _core.Image.LeaderOf(new TopicPartition("t", 0)));
    }

    [Fact]
    public void A_killed_leader_is_asked_after_in_turn_and_often_until_another_is_known()
    {
        Submit(1, One);
        Kill(1);
        Assert.Equal(RequestFailure.Disconnected, Assert.Single(_completed).Failure);

        var asked = new List<(double At, NodeAddress Address)>();
        while (_now < Ms(1000))
        {
            foreach (var ask in _asked.ToList())
            {
                asked.Add((_now.TotalMilliseconds, ask.Address));
                Answer(ask, leader: 1, epoch: 3);
            }

            Pass();
        }

        Assert.InRange(asked[0].At, 0, 100);
        Assert.All(asked.Zip(asked.Skip(1)), pair => Assert.InRange(pair.Second.At - pair.First.At, 0, 301));
        Assert.DoesNotContain(asked, ask => ask.Address == At(1));
        Assert.True(asked.Select(ask => ask.Address).Distinct().Count() >= 2, "one broker alone was asked");

        while (_asked.Count == 0)
            Pass();
        Answer(_asked[0], leader: 2, epoch: 4, brokers: [2, 3]);
        Assert.Equal(Two, _core.Image.LeaderOf(new TopicPartition("t", 0)));
        var last = _now;
        while (_now < last + Ms(5000))
            Pass();
        Assert.Empty(_asked);
    }

    [Fact]
    public void A_leader_is_not_replaced_by_one_of_an_older_epoch()
    {
        Refresh();
        Answer(_asked[0], leader: 2, epoch: 4, brokers: [2, 3]);
        Refresh();
        // Broker 1 was cut off and believes that it leads, and that broker 2 is gone.
        Answer(_asked[0], leader: 1, epoch: 3, brokers: [1]);
        Assert.Equal(Two, _core.Image.LeaderOf(new TopicPartition("t", 0)));
        Assert.Equal(At(2), _core.Image.Brokers[Two]);
        Refresh();
        Answer(_asked[0], leader: 3, epoch: 5);
        Assert.Equal(Three, _core.Image.LeaderOf(new TopicPartition("t", 0)));
    }

    [Fact]
    public void A_topic_made_anew_counts_its_epochs_from_the_beginning()
    {
        Refresh();
        Answer(_asked[0], leader: 2, epoch: 0, topic: 77);
        Assert.Equal(Two, _core.Image.LeaderOf(new TopicPartition("t", 0)));
    }

    [Fact]
    public void A_broker_that_hangs_is_given_up_once_the_others_count_it_out()
    {
        Submit(1, One);
        Assert.Single(_sent);
        var others = new List<NodeAddress>();
        while (_now < Ms(4000))
        {
            Pass();
            foreach (var ask in _asked.Where(ask => ask.Address != At(1)).ToList())
            {
                others.Add(ask.Address);
                Answer(ask, leader: 1, epoch: 3);
            }
        }

        Assert.True(others.Count >= 8, $"asked {others.Count} times");
        Assert.Empty(_completed);

        while (_asked.All(ask => ask.Address == At(1)))
            Pass();
        Answer(_asked.First(ask => ask.Address != At(1)), leader: 2, epoch: 4, brokers: [2, 3]);
        Assert.Equal((1L, RequestFailure.Disconnected), (Assert.Single(_completed).Token, _completed[0].Failure));
        Assert.InRange(_now, Ms(4000), Ms(4600));
    }

    [Fact]
    public void A_broker_that_takes_long_but_still_counts_keeps_its_requests()
    {
        Submit(1, One);
        while (_now < Ms(8000))
        {
            Pass();
            foreach (var ask in _asked.Where(ask => ask.Address != At(1)).ToList())
                Answer(ask, leader: 1, epoch: 3);
        }

        Assert.Empty(_completed);
        Do(() => _core.OnResponse(_sent[0].Correlation, new ProduceResponse(), _now, _effects));
        Assert.Equal(RequestFailure.None, Assert.Single(_completed).Failure);
    }

    [Fact]
    public void Metadata_that_does_not_come_is_asked_of_another_broker_and_counts_if_it_comes_late()
    {
        Refresh();
        var first = Assert.Single(_asked);
        var begun = _now;
        while (_asked.Count == 1)
            Pass();
        Assert.NotEqual(first.Address, _asked[1].Address);
        Assert.InRange(_now - begun, Ms(400), Ms(700));
        Answer(first, leader: 2, epoch: 4);
        Assert.Equal(Two, _core.Image.LeaderOf(new TopicPartition("t", 0)));
    }

    [Fact]
    public void A_refused_connection_and_a_broker_that_is_gone_end_waiting_at_once()
    {
        Kill(2);
        Submit(1, Two);
        Assert.Empty(_completed);
        Do(() => _core.OnLost(At(2), "connection refused", _now, _effects));
        Assert.Equal(RequestFailure.NotSent, Assert.Single(_completed).Failure);

        Submit(2, Two);
        while (_asked.Count == 0)
            Pass();
        Answer(_asked[0], leader: 1, epoch: 3, brokers: [1, 3]);
        Assert.Equal([1L, 2L], _completed.Select(complete => complete.Token));
        Assert.InRange(_now, Ms(0), Ms(400));
    }

    [Fact]
    public void All_brokers_away_and_one_back_at_its_address_is_found()
    {
        foreach (var id in new[] { 1, 2, 3, 9 })
            Kill(id);
        while (_now < Ms(20_000))
            Pass();
        _asked.Clear();
        _reachable.Add(3);
        while (_asked.Count == 0 && _now < Ms(30_000))
            Pass();
        Assert.Equal(At(3), _asked[0].Address);
        Assert.InRange(_now, Ms(20_000), Ms(21_300));
        Answer(_asked[0], leader: 3, epoch: 9, brokers: [3]);
        Submit(5, Three);
        Assert.Equal(At(3), Assert.Single(_sent).Address);
    }

    [Fact]
    public void What_any_broker_can_answer_is_not_left_with_one_that_hangs()
    {
        Submit(1, One);
        while (_now < Ms(1500))
        {
            Pass();
            foreach (var ask in _asked.Where(ask => ask.Address != At(1)).ToList())
                Answer(ask, leader: 1, epoch: 3);
        }

        _sent.Clear();
        Do(() => _core.OnSubmit(new ClusterProtocol.Submit(2, RequestTarget.TheController, new ApiVersionsRequest(), Ms(30_000)), _now, _effects));
        Assert.NotEqual(At(1), Assert.Single(_sent).Address);
    }

    private static NodeAddress At(int broker) => new("actorbroker", $"b{broker}", 1);

    private void Submit(long token, BrokerId broker) =>
        Do(() => _core.OnSubmit(new ClusterProtocol.Submit(token, RequestTarget.To(broker), new ProduceRequest(), Ms(30_000)), _now, _effects));

    private void Kill(int broker)
    {
        _reachable.Remove(broker);
        _asked.RemoveAll(ask => ask.Address == At(broker));
        Do(() => _core.OnLost(At(broker), null, _now, _effects));
    }

    /// <summary>An owner found out that what is known is wrong.</summary>
    private void Refresh()
    {
        _now += Ms(200);
        Do(() => _core.OnRefresh(_now, _effects));
        Assert.NotEmpty(_asked);
    }

    private void Pass()
    {
        var next = _core.NextWakeup;
        _now = next > _now && next - _now < Ms(50) ? next : _now + Ms(50);
        Do(() => _core.OnTick(_now, _effects));
    }

    private void Answer(ClusterEffect.Send ask, int leader, int epoch, int[]? brokers = null, int topic = 5)
    {
        _asked.Remove(ask);
        var response = new MetadataResponse
        {
            ClusterId = "c",
            ControllerId = 1,
            Brokers = [.. (brokers ?? [1, 2, 3]).Select(id => new MetadataResponse.MetadataResponseBroker { NodeId = id, Host = $"b{id}", Port = 1 })],
            Topics = [.. ((MetadataRequest)ask.Request).Topics!.Select(_ => new MetadataResponse.MetadataResponseTopic
            {
                Name = "t",
                TopicId = new Guid(topic, 0, 0, new byte[8]),
                Partitions = [new MetadataResponse.MetadataResponsePartition { PartitionIndex = 0, LeaderId = leader, LeaderEpoch = epoch }],
            })],
        };
        Do(() => _core.OnResponse(ask.Correlation, response, _now, _effects));
    }

    /// <summary>Performs effects: whoever can be reached is found when probed.</summary>
    private void Do(Action action)
    {
        action();
        while (_effects.Count > 0)
        {
            var taken = _effects.ToList();
            _effects.Clear();
            foreach (var effect in taken)
            {
                switch (effect)
                {
                    case ClusterEffect.Probe probe when _reachable.Any(id => At(id) == probe.Address):
                        _core.OnProbeAnswered(probe.Address, found: true, _now, _effects);
                        break;
                    case ClusterEffect.Send { Request: MetadataRequest } ask:
                        _asked.Add(ask);
                        break;
                    case ClusterEffect.Send send:
                        _sent.Add(send);
                        break;
                    case ClusterEffect.Complete complete:
                        _completed.Add(complete);
                        break;
                }
            }
        }
    }
}
