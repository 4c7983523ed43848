using ActorBroker.Control;
using ActorBroker.Hosting;
using ActorBroker.Log;
using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Tests.Hosting;

/// <summary>A broker in an application's own ActorSystem, on real files: started by one call, stopped with the system, back with what it had.</summary>
public class BrokerInProcessTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task It_starts_with_one_call_stops_with_its_system_and_remembers()
    {
        var folder = Directory.CreateTempSubdirectory("actorbroker-test-").FullName;
        try
        {
            ClusterId cluster;
            using (var system = CreateSystem(folder))
            {
                var ready = await Broker.Get(system).Ready.WaitAsync(Deadline);
                cluster = ready.ClusterId;
                Assert.Same(Broker.Get(system), Broker.Get(system));
                var created = await AskAsync<CreateTopicsResponse>(system, new CreateTopicsRequest
                {
                    Topics = [new CreateTopicsRequest.CreatableTopic { Name = "kept", NumPartitions = 3, ReplicationFactor = -1 }],
                });
                Assert.Equal(ErrorCode.None, created.Topics[0].ErrorCode);
                await CoordinatedShutdown.Get(system).Run(CoordinatedShutdown.ClrExitReason.Instance).WaitAsync(Deadline);
            }

            Assert.True(File.Exists(Path.Combine(folder, ".kafka_cleanshutdown")));
            using (var system = CreateSystem(folder))
            {
                var ready = await Broker.Get(system).Ready.WaitAsync(Deadline);
                Assert.Equal(cluster, ready.ClusterId);
                var metadata = await AskAsync<MetadataResponse>(system, new MetadataRequest { Topics = null });
                var topic = Assert.Single(metadata.Topics);
                Assert.Equal(("kept", 3), (topic.Name, topic.Partitions.Count));
                Assert.All(topic.Partitions, partition => Assert.Equal((1, 2), (partition.LeaderId, partition.LeaderEpoch)));
                await CoordinatedShutdown.Get(system).Run(CoordinatedShutdown.ClrExitReason.Instance).WaitAsync(Deadline);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task What_is_served_is_what_is_told()
    {
        var folder = Directory.CreateTempSubdirectory("actorbroker-test-").FullName;
        try
        {
            using var system = CreateSystem(folder);
            await Broker.Get(system).Ready.WaitAsync(Deadline);
            var versions = await AskAsync<ApiVersionsResponse>(system, new ApiVersionsRequest());
            Assert.Equal(
                [
                    ApiKey.Produce, ApiKey.Fetch, ApiKey.ListOffsets, ApiKey.Metadata,
                    ApiKey.OffsetCommit, ApiKey.OffsetFetch, ApiKey.FindCoordinator, ApiKey.JoinGroup, ApiKey.Heartbeat, ApiKey.LeaveGroup,
                    ApiKey.SyncGroup, ApiKey.DescribeGroups, ApiKey.ListGroups, ApiKey.ApiVersions, ApiKey.CreateTopics, ApiKey.DeleteTopics, ApiKey.DeleteRecords,
                    ApiKey.InitProducerId, ApiKey.OffsetForLeaderEpoch, ApiKey.DescribeConfigs, ApiKey.AlterConfigs, ApiKey.DescribeLogDirs, ApiKey.CreatePartitions, ApiKey.DeleteGroups, ApiKey.ElectLeaders, ApiKey.IncrementalAlterConfigs,
                    ApiKey.AlterPartitionReassignments, ApiKey.ListPartitionReassignments, ApiKey.OffsetDelete, ApiKey.DescribeQuorum, ApiKey.DescribeCluster, ApiKey.DescribeProducers,
                    ApiKey.UnregisterBroker, ApiKey.DescribeTopicPartitions, ApiKey.AddRaftVoter, ApiKey.RemoveRaftVoter,
                ],
                versions.ApiKeys.Select(api => api.ApiKey));
            await CoordinatedShutdown.Get(system).Run(CoordinatedShutdown.ClrExitReason.Instance).WaitAsync(Deadline);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Its_serializers_outlast_the_defaults_that_other_extensions_add()
    {
        var folder = Directory.CreateTempSubdirectory("actorbroker-test-").FullName;
        try
        {
            using var system = CreateSystem(folder);
            await Broker.Get(system).Ready.WaitAsync(Deadline);
            system.Settings.InjectTopLevelFallback(ConfigurationFactory.ParseString("another.extension = on"));
            Assert.IsType<ControlEventSerializer>(system.Serialization.FindSerializerForType(typeof(TopicDeleted)));
            Assert.IsType<ApiMessageSerializer>(system.Serialization.FindSerializerForType(typeof(ApiRequest)));
            await CoordinatedShutdown.Get(system).Run(CoordinatedShutdown.ClrExitReason.Instance).WaitAsync(Deadline);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static ActorSystem CreateSystem(string folder) => ActorSystem.Create("embedding", ConfigurationFactory.ParseString($$"""
        akka.loglevel = OFF
        akka.stdout-loglevel = OFF
        akka.coordinated-shutdown.exit-clr = off
        akka.coordinated-shutdown.run-by-clr-shutdown-hook = off
        actorbroker.data.dir = "{{folder.Replace("\\", "\\\\", StringComparison.Ordinal)}}"
        """));

    private static async Task<TResponse> AskAsync<TResponse>(ActorSystem system, IRequest request)
        where TResponse : IResponse
    {
        var answer = await system.ActorSelection("/user/actorbroker").Ask<object>(new ApiRequest(1, "test", int.MaxValue, request), Deadline);
        return (TResponse)Assert.IsType<ApiResponse>(answer).Body;
    }
}
