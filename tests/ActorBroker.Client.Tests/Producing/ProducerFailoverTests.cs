using static ActorBroker.Client.Tests.Producing.ProducerCoreTests;
using static ActorBroker.Client.Tests.TestClusters;

namespace ActorBroker.Client.Tests.Producing;

/// <summary>Golden scripts: what becomes of batches when their leader is killed, or another one is elected.</summary>
public class ProducerFailoverTests
{
    // The leader is killed in the middle of a batch, and of others behind it.
    [Fact]
    public void A_new_leader_ends_the_back_off_and_gets_what_was_out_in_order()
    {
        var rig = Ready(OneBatchEach);
        var all = Enumerable.Range(0, 7).Select(_ => rig.Offer(bytes: 60)).ToList();
        rig.Answer(0);
        Assert.Equal(6, rig.Sent.Count);
        for (var i = 1; i < 6; i++)
            rig.Break(i);
        rig.After(10);
        Assert.Equal(6, rig.Sent.Count);
        rig.Metadata(Image(4, ("t", [Two, Two, Two])));
        Assert.Equal((7, Two), (rig.Sent.Count, rig.Sent[6].Broker));
        Assert.Same(rig.Sent[1].Batches[0], rig.Sent[6].Batches[0]);
        for (var i = 6; i < rig.Sent.Count; i++)
            rig.Answer(i, baseOffset: i - 5);
        Assert.Equal(all.Select(delivery => delivery.Id), rig.Delivered);
    }

    [Fact]
    public void The_same_leader_elected_anew_is_tried_at_once_and_without_a_new_one_the_pauses_grow()
    {
        var rig = Ready();
        rig.Offer();
        rig.After(5);
        for (var i = 0; i < 4; i++)
        {
            rig.Break(i);
            rig.After(1300);
        }

        rig.Break(4);
        rig.After(500);
        Assert.Equal(5, rig.Sent.Count);
        rig.Metadata(Image(4, ("t", [One, One, One])));
        Assert.Equal(6, rig.Sent.Count);
        rig.Break(5);
        rig.After(130);
        Assert.Equal(7, rig.Sent.Count);
    }

    [Fact]
    public void What_waited_for_a_dead_leader_goes_to_the_new_one_without_pause()
    {
        var rig = Ready();
        rig.Offer();
        rig.After(5);
        rig.Metadata(Image(4, ("t", [Two, Two, Two])));
        Assert.Single(rig.Sent);
        rig.Break(0, RequestFailure.NotSent);
        Assert.Equal((2, Two), (rig.Sent.Count, rig.Sent[1].Broker));
    }

    // The old leader's answer to an earlier batch arrives after the new leader is known, those behind it never do.
    [Fact]
    public void A_late_answer_of_the_old_leader_lets_nothing_overtake_what_is_still_out()
    {
        var rig = Ready(OneBatchEach);
        var all = Enumerable.Range(0, 9).Select(_ => rig.Offer(bytes: 60)).ToList();
        rig.After(5);
        rig.Answer(0);
        Assert.Equal(6, rig.Sent.Count);
        rig.Metadata(Image(4, ("t", [Two, Two, Two])));
        rig.Answer(1, baseOffset: 1);
        Assert.Equal(6, rig.Sent.Count);
        for (var i = 2; i < 6; i++)
            rig.Break(i);
        for (var i = 6; i < rig.Sent.Count; i++)
            rig.Answer(i, baseOffset: i);
        Assert.Equal(all.Select(delivery => delivery.Id), rig.Delivered);
    }
}
