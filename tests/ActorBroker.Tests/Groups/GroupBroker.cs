using ActorBroker.Hosting;
using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Tests.Groups;

/// <summary>A whole broker in this process, on real files, asked as any client asks. May be stopped and started again on what it kept.</summary>
internal sealed class GroupBroker : IAsyncDisposable
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("actorbroker-groups-").FullName;
    private readonly string _config;
    private ActorSystem _system = null!;

    private GroupBroker(string config) => _config = config;

    public static async Task<GroupBroker> StartAsync(string config = "")
    {
        var broker = new GroupBroker(config);
        await broker.OpenAsync();
        return broker;
    }

    public async Task RestartAsync()
    {
        await CloseAsync();
        await OpenAsync();
    }

    public async Task<TResponse> AskAsync<TResponse>(IRequest<TResponse> request, short? version = null)
        where TResponse : IResponse => (TResponse)await AskAnyAsync(request, version);

    public async Task<IResponse> AskAnyAsync(IRequest request, short? version = null, int maxResponseBytes = int.MaxValue)
    {
        var envelope = new ApiRequest(1, "test", maxResponseBytes, request);
        if (version is { } asked) envelope = envelope with { Version = asked };
        var answer = await _system.ActorSelection("/user/actorbroker").Ask<object>(envelope, Deadline);
        return Assert.IsType<ApiResponse>(answer).Body;
    }

    /// <summary>From a client of its own that goes on waiting for the answer; it may never come.</summary>
    public void Tell(IRequest request) => _ = AskAnyAsync(request);

    public async Task CreateTopicAsync(string name, int partitions)
    {
        var created = await AskAsync(new CreateTopicsRequest { Topics = [new() { Name = name, NumPartitions = partitions, ReplicationFactor = -1 }] });
        Assert.Equal(ErrorCode.None, created.Topics[0].ErrorCode);
    }

    /// <summary>Has the offsets topic made, and waits until this group's coordinator serves.</summary>
    public async Task FindCoordinatorAsync(string group)
    {
        var found = await AskAsync(new FindCoordinatorRequest { CoordinatorKeys = [group] });
        Assert.Equal(ErrorCode.None, found.Coordinators[0].ErrorCode);
        for (var deadline = DateTimeOffset.UtcNow + Deadline; ;)
        {
            var fetched = await AskAsync(new OffsetFetchRequest { Groups = [new() { GroupId = group, Topics = null }] });
            if (fetched.Groups[0].ErrorCode == ErrorCode.None) return;
            Assert.True(fetched.Groups[0].ErrorCode is ErrorCode.CoordinatorLoadInProgress or ErrorCode.NotCoordinator, $"{fetched.Groups[0].ErrorCode}");
            Assert.True(DateTimeOffset.UtcNow < deadline, "no coordinator came");
            await Task.Delay(10);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task OpenAsync()
    {
        _system = ActorSystem.Create("groups", ConfigurationFactory.ParseString($$"""
            akka.loglevel = OFF
            akka.stdout-loglevel = OFF
            akka.coordinated-shutdown.exit-clr = off
            akka.coordinated-shutdown.run-by-clr-shutdown-hook = off
            actorbroker.data.dir = "{{_folder.Replace("\\", "\\\\", StringComparison.Ordinal)}}"
            actorbroker.offsets.topic.num.partitions = 4
            actorbroker.group.initial.rebalance.delay.ms = 0
            actorbroker.group.min.session.timeout.ms = 100
            {{_config}}
            """));
        await Broker.Get(_system).Ready.WaitAsync(Deadline);
    }

    private async Task CloseAsync()
    {
        await CoordinatedShutdown.Get(_system).Run(CoordinatedShutdown.ClrExitReason.Instance).WaitAsync(Deadline);
        _system.Dispose();
    }
}
