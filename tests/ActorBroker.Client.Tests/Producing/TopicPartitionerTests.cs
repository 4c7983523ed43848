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
        var last = partitioner.Choose(null, default);
        for (var i = 0; i < 50; i++)
        {
            partitioner.OnAppended(null, 99, default);
            Assert.Equal(last, partitioner.Choose(null, default));
            partitioner.OnAppended(null, 1, default);
            Assert.NotEqual(last, partitioner.Choose(null, default));
            last = partitioner.Choose(null, default);
        }
    }

    [Fact]
    public void Sticky_spreads_evenly()
    {
        var partitioner = New(KeylessPartitioner.Sticky, [One, Two, One, Two]);
        var counts = new int[4];
        for (var i = 0; i < 4000; i++)
        {
            counts[partitioner.Choose(null, default)]++;
            partitioner.OnAppended(null, 100, default);
        }

        Assert.All(counts, count => Assert.InRange(count, 850, 1150));
    }

    [Fact]
    public void Round_robin_takes_each_in_turn_and_skips_those_without_leader()
    {
        var partitioner = New(KeylessPartitioner.RoundRobin, [One, BrokerId.None, Two]);
        Assert.Equal([0, 2, 0, 2], Enumerable.Range(0, 4).Select(_ => partitioner.Choose(null, default)));
    }

    [Fact]
    public void Without_any_leader_all_are_taken()
    {
        var partitioner = New(KeylessPartitioner.RoundRobin, [BrokerId.None, BrokerId.None]);
        Assert.Equal([0, 1, 0], Enumerable.Range(0, 3).Select(_ => partitioner.Choose(null, default)));
    }

    [Fact]
    public void A_key_decides_even_where_its_partition_has_no_leader()
    {
        var partitioner = New(KeylessPartitioner.RoundRobin, [One, BrokerId.None, One, One]);
        Assert.Equal(1, partitioner.Choose("JFK"u8.ToArray(), default));
        Assert.Equal(1, partitioner.Choose(ReadOnlyMemory<byte>.Empty, default));
    }

    [Fact]
    public void Adaptive_gives_less_to_partitions_behind_which_batches_wait()
    {
        int[] waiting = [9, 4, 0];
        var counts = Count(New(KeylessPartitioner.Sticky, [One, Two, One], (partition, _) => new PartitionLoad(waiting[partition], false)), 17_000);
        Assert.InRange(counts[0], 800, 1200);
        Assert.InRange(counts[1], 5600, 6400);
        Assert.InRange(counts[2], 9500, 10_500);
    }

    [Fact]
    public void Not_adaptive_treats_all_alike()
    {
        var partitioner = New(
            KeylessPartitioner.Sticky, [One, Two], (partition, _) => new PartitionLoad(partition * 9, false), "actorbroker.producer.partitioner.adaptive.partitioning.enable = false");
        Assert.All(Count(partitioner, 2000)[..2], count => Assert.InRange(count, 900, 1100));
    }

    [Fact]
    public void A_partition_whose_broker_takes_nothing_is_left_out_unless_all_are_like_that()
    {
        var stuck = 1;
        var partitioner = New(KeylessPartitioner.Sticky, [One, Two, One], (partition, _) => new PartitionLoad(0, partition >= stuck));
        Assert.Equal([1000, 0, 0], Count(partitioner, 1000));
        stuck = 0;
        Assert.All(Count(partitioner, 3000), count => Assert.InRange(count, 800, 1200));
    }

    [Fact]
    public void Keys_that_are_ignored_spread_like_none()
    {
        var partitioner = New(KeylessPartitioner.RoundRobin, [One, One, One], null, "actorbroker.producer.partitioner.ignore.keys = true");
        Assert.Equal([0, 1, 2], Enumerable.Range(0, 3).Select(_ => partitioner.Choose("JFK"u8.ToArray(), default)));
    }

    private static int[] Count(TopicPartitioner partitioner, int times)
    {
        var counts = new int[3];
        partitioner.OnAppended(null, 100, default);
        for (var i = 0; i < times; i++)
        {
            counts[partitioner.Choose(null, default)]++;
            partitioner.OnAppended(null, 100, default);
        }

        return counts;
    }

    private static TopicPartitioner New(KeylessPartitioner keyless, BrokerId[] leaders, Func<int, TimeSpan, PartitionLoad>? loadOf = null, string hocon = "")
    {
        var settings = Producer(hocon + "\nactorbroker.producer.batch.size = 100") with { Partitioner = keyless };
        var partitioner = new TopicPartitioner(settings, new Random(7), loadOf ?? ((_, _) => default));
        partitioner.Update(Image(("t", leaders)).Topics["t"]);
        return partitioner;
    }
}
