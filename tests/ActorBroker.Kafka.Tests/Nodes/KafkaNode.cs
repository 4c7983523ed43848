using ActorBroker.Hosting;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace ActorBroker.Kafka.Tests.Nodes;

/// <summary>A node of its own in this process, that serves Kafka clients at a free port of the loopback. Its folder goes with it.</summary>
public sealed class KafkaNode : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly string _folder = Directory.CreateTempSubdirectory("actorbroker-kafka-test-").FullName;
    private readonly string _config;
    private ActorSystem _system = null!;

    public KafkaNode()
        : this("")
    {
    }

    internal KafkaNode(string config) => _config = config;

    public int Port { get; private set; }

    public string Bootstrap => $"127.0.0.1:{Port}";

    /// <summary>Goes with the node.</summary>
    internal string DataDirectory => _folder;

    /// <summary>For actor clients.</summary>
    public string ActorBootstrap { get; private set; } = "";

    /// <summary>The warnings and errors of the node's log.</summary>
    internal LogLines Log { get; } = new();

    internal static async Task<KafkaNode> StartAsync(string config = "")
    {
        var node = new KafkaNode(config);
        await node.InitializeAsync();
        return node;
    }

    public async Task InitializeAsync()
    {
        _system = ActorSystem.Create("kafka-tests", ConfigurationFactory.ParseString($$"""
            akka.actor.provider = remote
            akka.remote.dot-netty.tcp.hostname = "127.0.0.1"
            akka.remote.dot-netty.tcp.port = 0
            akka.loglevel = WARNING
            akka.stdout-loglevel = OFF
            akka.loggers = []
            akka.coordinated-shutdown.exit-clr = off
            akka.coordinated-shutdown.run-by-clr-shutdown-hook = off
            actorbroker {
              data.dir = "{{_folder.Replace("\\", "\\\\", StringComparison.Ordinal)}}"
              listeners = "KAFKA://127.0.0.1:0"
              offsets.topic.num.partitions = 4
              group.initial.rebalance.delay.ms = 100
            }
            {{_config}}
            """));
        _system.EventStream.Subscribe(_system.ActorOf(Props.Create(() => new LogListener(Log))), typeof(LogEvent));
        var ready = await Broker.Get(_system).Ready.WaitAsync(Deadline);
        Port = ready.Kafka!.Port;
        ActorBootstrap = $"{_system.Name}@{ready.Address.Host}:{ready.Address.Port}";
    }

    public async Task DisposeAsync()
    {
        await CoordinatedShutdown.Get(_system).Run(CoordinatedShutdown.ClrExitReason.Instance).WaitAsync(Deadline);
        _system.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private sealed class LogListener : ReceiveActor
    {
        public LogListener(LogLines lines) => Receive<LogEvent>(entry => lines.Add($"{entry.LogLevel()}: {entry.Message} {entry.Cause}"));
    }
}

/// <summary>Lines of a log, and the wait for one.</summary>
internal sealed class LogLines
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string[] Snapshot()
    {
        lock (_lock) return [.. _lines];
    }

    public void Add(string line)
    {
        lock (_lock)
        {
            _lines.Add(line);
            _more.SetResult();
            _more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public async Task WaitForAsync(string part)
    {
        while (true)
        {
            Task more;
            lock (_lock)
            {
                if (_lines.Exists(line => line.Contains(part, StringComparison.Ordinal))) return;
                more = _more.Task;
            }

            await more.WaitAsync(Deadline);
        }
    }
}
