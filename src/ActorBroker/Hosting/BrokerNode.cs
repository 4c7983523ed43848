using System.Collections.Immutable;
using ActorBroker.Api;
using ActorBroker.Api.Admin;
using ActorBroker.Control;
using ActorBroker.Journal;
using ActorBroker.Journal.Quorum;
using ActorBroker.Log;
using ActorBroker.Messaging;
using ActorBroker.Metadata;
using ActorBroker.Replication;
using Akka;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace ActorBroker.Hosting;

/// <summary>One node's parts and how they are wired: what <see cref="NodeActor"/> starts and stops in order.</summary>
internal sealed class BrokerNode
{
    /// <summary>Name of the listener that actor clients use: Akka.Remote of the broker's ActorSystem.</summary>
    public const string AkkaListener = "AKKA";

    private readonly ExtendedActorSystem _system;
    private readonly BrokerEnvironment _environment;
    private readonly LogDirectory _directory;
    private readonly PartitionDirectory _partitions = new();

    private BrokerNode(ExtendedActorSystem system, BrokerEnvironment environment, BrokerOptions options, LogDirectory directory)
    {
        _system = system;
        _environment = environment;
        _directory = directory;
        Options = options;
    }

    public BrokerOptions Options { get; }

    public MetadataCache Cache { get; } = new();

    /// <summary>Defaults of everything the broker reads.</summary>
    public static Config Reference =>
        ConfigurationFactory.FromResource("reference.conf", typeof(BrokerNode).Assembly).WithFallback(JournalLogs.DefaultConfig());

    /// <summary>Reads the configuration, and takes the data folder for this process.</summary>
    public static BrokerNode Open(ExtendedActorSystem system, BrokerEnvironment environment)
    {
        system.Settings.InjectTopLevelFallback(Reference);
        var options = BrokerOptions.Read(system.Settings.Config);
        ApiMessages.Register(system);
        PieceEndpoint.Start(system);

        var directory = LogDirectory.Open(
            environment.Files,
            options.DataDirectory,
            new LogDirectoryIdentity(options.ClusterId, options.NodeId, new DirectoryId(environment.NewId()), ClusterId.From(environment.NewId())),
            environment.Time,
            options.DiskReserveBytes);
        var log = Logging.GetLogger(system, typeof(Broker));
        foreach (var note in directory.Notes) log.Warning("{0}", note);
        if (!directory.WasClean && !directory.IsNew) log.Info("{0} was not closed cleanly: its logs are checked while they are opened", directory.DirectoryPath);

        var logs = JournalLogs.For(system);
        logs.Configure(new JournalStorage(
            environment.Files,
            Path.Combine(directory.DirectoryPath, "journal"),
            environment.Time,
            JournalLogs.OwnLogOptions(system.Settings.Config.GetConfig("actorbroker.journal.commit-log")),
            directory.Reserve));
        logs.JoinQuorum(QuorumIdentity.OfOne(new Member(options.NodeId, directory.Id)));
        return new BrokerNode(system, environment, options, directory);
    }

    public Props ReplicaManager(IActorRef controller) => ReplicaManagerActor.Props(new ReplicaManagerSetup(
        Options.NodeId, _directory, _partitions, Options.TopicDefaults, Options.Replication, _environment.NewId, _environment.NextRandom,
        _environment.Time, controller));

    public Props Controller()
    {
        var core = new ControllerCore(Options.Controller, Options.TopicDefaults, _environment.NewId, () => (int)(_environment.NextRandom() * int.MaxValue));
        return ControllerSupervisor.Props(ControllerActor.Props(new ControllerSetup(core, Options.Controller, _environment.Time)), _environment.NextRandom);
    }

    public ControllerProtocol.RegisterBroker Registration() => new(
        Options.NodeId, _environment.NewId(), _directory.Id, _directory.ClusterId, Options.Rack, Endpoints(), _directory.WasClean || _directory.IsNew, _environment.BootId);

    public IActorRef StartEndpoint(IActorRef controller)
    {
        var gateway = new ControllerGateway(controller);
        var authorizer = AllowAll.Instance;
        var locator = new PartitionLocator(Options.NodeId, Cache, _partitions, authorizer);
        var voters = new VoterChanges(gateway, Cache, authorizer);
        RequestDispatcher? dispatcher = null;
        dispatcher = new RequestDispatcher([
            new ProduceHandler(locator, _environment.Time),
            new FetchHandler(locator),
            new ListOffsetsHandler(locator),
            new OffsetForLeaderEpochHandler(locator),
            new MetadataHandler(Cache, Options.NodeId, authorizer),
            new DescribeClusterHandler(Cache, Options.NodeId, authorizer),
            new DescribeTopicPartitionsHandler(Cache, authorizer),
            new ApiVersionsHandler(() => dispatcher!.Served),
            new CreateTopicsHandler(gateway, Options.TopicDefaults, authorizer),
            new DeleteTopicsHandler(gateway, Cache, authorizer),
            new CreatePartitionsHandler(gateway, authorizer),
            new DescribeConfigsHandler(Cache, Options.TopicDefaults, Options.NodeId, authorizer),
            new IncrementalAlterConfigsHandler(gateway, authorizer),
            new ElectLeadersHandler(gateway, authorizer),
            new AlterPartitionReassignmentsHandler(gateway, Cache, authorizer),
            new ListPartitionReassignmentsHandler(Cache, authorizer),
            new UnregisterBrokerHandler(gateway, authorizer),
            new DescribeQuorumHandler(gateway, Cache, authorizer),
            new AddRaftVoterHandler(voters),
            new RemoveRaftVoterHandler(voters),
        ]);
        return _system.ActorOf(BrokerEndpointActor.Props(dispatcher, Options.Sessions), BrokerEndpointActor.Name);
    }

    public BrokerInfo Info() => new(Options.NodeId, _directory.ClusterId, _system.Provider.DefaultAddress, _directory.DirectoryPath);

    /// <summary>The node goes down when its system does, clients first.</summary>
    public void StopWith(CoordinatedShutdown shutdown, IActorRef node) => shutdown.AddTask(
        CoordinatedShutdown.PhaseServiceStop,
        "actorbroker-node",
        async () =>
        {
            await node.Ask<Done>(NodeActor.Stop.Instance, shutdown.Timeout(CoordinatedShutdown.PhaseServiceStop));
            return Done.Instance;
        });

    /// <summary>An ActorSystem without remoting has no host: its broker serves its own process only.</summary>
    private ImmutableArray<BrokerEndpoint> Endpoints()
    {
        var address = _system.Provider.DefaultAddress;
        return [new BrokerEndpoint(AkkaListener, address.Host ?? "local", address.Port ?? 0, "AKKA")];
    }
}
