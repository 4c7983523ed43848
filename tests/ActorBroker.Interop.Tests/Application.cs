using ActorBroker.Client;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Interop.Tests;

/// <summary>An application's ActorSystem: remoting with its defaults, frames of 128,000 bytes among them.</summary>
internal sealed class Application : IAsyncDisposable
{
    private readonly string _bootstrap;

    public Application(string bootstrap, string hocon = "")
    {
        _bootstrap = bootstrap;
        System = ActorSystem.Create("application", ConfigurationFactory.ParseString($$"""
            {{hocon}}
            akka {
              loglevel = WARNING
              log-dead-letters = off
              actor.provider = remote
              remote {
                dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
                watch-failure-detector { heartbeat-interval = 200 ms, acceptable-heartbeat-pause = 3 s, unreachable-nodes-reaper-interval = 200 ms }
              }
            }
            """));
    }

    public ActorSystem System { get; }

    public ProducerClient Producer() => ProducerClient.Create(System, ProducerSettings.Create(System).WithBootstrap(_bootstrap));

    public ConsumerClient Consumer(string topic) =>
        ConsumerClient.Create(System, ConsumerSettings.Create(System).WithBootstrap(_bootstrap).Subscribe(topic).StartAt(StartPosition.Beginning));

    public AdminClient Admin() => AdminClient.Create(System, ClientSettings.Create(System).WithBootstrap(_bootstrap));

    public async Task CreateTopicAsync(string name, int partitions)
    {
        await using var admin = Admin();
        var created = await admin.CreateTopicsAsync([new NewTopic(name, partitions)]);
        Assert.True(created[0].Succeeded, created[0].Message);
    }

    public async Task<List<ConsumerRecord>> ReadAllAsync(string topic, CancellationToken cancellation)
    {
        await using var consumer = Consumer(topic);
        var records = new List<ConsumerRecord>();
        await foreach (var record in consumer.ReadToEndAsync(cancellation)) records.Add(record);
        return records;
    }

    public async ValueTask DisposeAsync() => await System.Terminate();
}
