using ActorBroker.Control;
using ActorBroker.Log;

namespace ActorBroker.Tests.Control;

/// <summary>Placement over all small clusters: distinct replicas, even leaders, as many racks as there are.</summary>
public class ReplicaPlacementTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 1)]
    [InlineData(3, 3)]
    [InlineData(5, 1)]
    [InlineData(5, 5)]
    [InlineData(6, 2)]
    [InlineData(6, 3)]
    [InlineData(7, 3)]
    public void Replicas_are_distinct_and_spread(int brokers, int racks)
    {
        var cluster = Enumerable.Range(1, brokers).Select(id => (new BrokerId(id), (string?)$"rack{id % racks}")).ToList();
        for (var factor = 1; factor <= brokers; factor++)
        {
            for (var start = 0; start < brokers; start++)
            {
                var plan = ReplicaPlacement.Plan(cluster, partitions: brokers * 4, factor, firstIndex: 0, start);
                foreach (var replicas in plan)
                {
                    Assert.Equal(factor, replicas.Distinct().Count());
                    Assert.Equal(Math.Min(factor, racks), replicas.Select(id => id.Value % racks).Distinct().Count());
                }

                Assert.All(plan.CountBy(replicas => replicas[0]), leader => Assert.Equal(4, leader.Value));
            }
        }
    }

    [Fact]
    public void Added_partitions_go_on_where_the_others_ended()
    {
        var cluster = Enumerable.Range(1, 3).Select(id => (new BrokerId(id), (string?)null)).ToList();
        var whole = ReplicaPlacement.Plan(cluster, partitions: 6, 2, firstIndex: 0, start: 1);
        var added = ReplicaPlacement.Plan(cluster, partitions: 2, 2, firstIndex: 4, start: 1);
        Assert.Equal(whole.Skip(4).Select(replicas => replicas[0]), added.Select(replicas => replicas[0]));
    }
}
