using ActorBroker.Log;
using static ActorBroker.Client.Tests.TestClusters;

namespace ActorBroker.Client.Tests.Producing;

/// <summary>Where records without a key go.</summary>
public class TopicPartitionerTests
{
    [Fact]
    public void Sticky_moves_on_after_a_batch_and_never_to_the_same()
    {
        var partitioner = New(KeylessPartitioner.Sticky, [One, One, One]);
        var last = partitioner.Choose(null);
        for (var i = 0; i < 50; i++)
        {
            partitioner.OnAppended(99);
            Assert.Equal(last, partitioner.Choose(null));
            partitioner.OnAppended(1);
            Assert.NotEqual(last, partitioner.Choose(null));
            last = partitioner.Choose(null);
        }
    }

    [Fact]
    public void Sticky_spreads_evenly()
    {
        var partitioner = New(KeylessPartitioner.Sticky, [One, Two, One, Two]);
        var counts = new int[4];
        for (var i = 0; i < 4000; i++)
        {
            counts[partitioner.Choose(null)]++;
            partitioner.OnAppended(100);
        }

        Assert.All(counts, count => Assert.InRange(count, 850, 1150));
    }

    [Fact]
    public void Round_robin_takes_each_in_turn_and_skips_those_without_leader()
    {
        var partitioner = New(KeylessPartitioner.RoundRobin, [One, BrokerId.None, Two]);
        Assert.Equal([0, 2, 0, 2], Enumerable.Range(0, 4).Select(_ => partitioner.Choose(null)));
    }

    [Fact]
    public void Without_any_leader_all_are_taken()
    {
        var partitioner = New(KeylessPartitioner.RoundRobin, [BrokerId.None, BrokerId.None]);
        Assert.Equal([0, 1, 0], Enumerable.Range(0, 3).Select(_ => partitioner.Choose(null)));
    }

    [Fact]
    public void A_key_decides_even_where_its_partition_has_no_leader()
    {
        var partitioner = New(KeylessPartitioner.RoundRobin, [One, BrokerId.None, One, One]);
        Assert.Equal(1, partitioner.Choose("JFK"u8.ToArray()));
        Assert.Equal(1, partitioner.Choose(ReadOnlyMemory<byte>.Empty));
    }

    private static TopicPartitioner New(KeylessPartitioner keyless, BrokerId[] leaders)
    {
        var partitioner = new TopicPartitioner(keyless, stickyBytes: 100, new Random(7));
        partitioner.Update(Image(("t", leaders)).Topics["t"]);
        return partitioner;
    }
}
