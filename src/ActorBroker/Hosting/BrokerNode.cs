using System.Collections.Immutable;
using System.Net.Sockets;
using ActorBroker.Api;
using ActorBroker.Api.Admin;
using ActorBroker.Api.Groups;
using ActorBroker.Control;
using ActorBroker.Forming;
using ActorBroker.Groups;
using ActorBroker.Journal;
using ActorBroker.Journal.Quorum;
using ActorBroker.Log;
using ActorBroker.Messaging;
using ActorBroker.Metadata;
using ActorBroker.Replication;
using ActorBroker.Replication.Wire;
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
    private readonly ClusterPlace _place;
    private ImmutableSortedDictionary<BrokerId, BrokerImage>? _remembered;
    private readonly PartitionDirectory _partitions = new();
    private readonly CoordinatorDirectory _coordinators;
    private readonly ReplicationServer? _replication;
    private readonly IClientListener? _listener;

    private BrokerNode(ExtendedActorSystem system, BrokerEnvironment environment, BrokerOptions options, LogDirectory directory, ClusterPlace place)
    {
        _place = place;
        _system = system;
        _environment = environment;
        _directory = directory;
        Options = options;
        _coordinators = new CoordinatorDirectory(options.NodeId, Cache);
        if (place.BindHost is { } host) _replication = Listen(host);
        if (options.Listener.Bind is not null) _listener = ListenForClients();
    }

    public BrokerOptions Options { get; }

    public TimeProvider Time => _environment.Time;

    public MetadataCache Cache { get; } = new();

    /// <summary>Defaults of everything the broker reads.</summary>
    public static Config Reference =>
        ConfigurationFactory.FromResource("reference.conf", typeof(BrokerNode).Assembly).WithFallback(JournalLogs.DefaultConfig());

    /// <summary>Reads the configuration, and takes the data folder for this process.</summary>
    public static BrokerNode Open(ExtendedActorSystem system, BrokerEnvironment environment)
    {
        system.Settings.InjectTopLevelFallback(Reference);
        var options = BrokerOptions.Read(system.Settings.Config);
        var place = ClusterPlace.Of(system, options);
        ApiMessages.Register(system);
        PieceEndpoint.Start(system);

        var directory = LogDirectory.Open(
            environment.Files,
            options.DataDirectory,
            new LogDirectoryIdentity(options.ClusterId, options.NodeId, new DirectoryId(environment.NewId())),
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
        place.Book = ContactBook.Load(environment.Files, directory.DirectoryPath);
        if (place.Book.Fault is { } fault) log.Warning("{0}", fault);
        var node = new BrokerNode(system, environment, options, directory, place);
        logs.JoinQuorum(new QuorumIdentity(new Member(options.NodeId, directory.Id), place.Voters)
        {
            AddressOf = node.AddressOf,
            Contacts = place.KnownSystems,
        });
        return node;
    }

    public Props ReplicaManager(IActorRef controller) => ReplicaManagerActor.Props(new ReplicaManagerSetup(
        Options.NodeId, _directory, _partitions, Options.TopicDefaults, Options.Replication, _environment.NewId, _environment.NextRandom,
        _environment.Time, controller));

    public Props GroupCoordinators() => CoordinatorManagerActor.Props(new CoordinatorManagerSetup(
        Options.NodeId, _coordinators, _partitions, Options.Groups, _environment.NewId, _environment.Time));

    /// <summary>No follower of another node is answered from now on.</summary>
    public void StopReplication() => _replication?.Dispose();

    /// <summary>The ports are free for the next system in this process.</summary>
    public void StopListening()
    {
        _listener?.Dispose();
        _replication?.Dispose();
    }

    /// <summary>Looks for the cluster, or forms it; the node hears when it is a member.</summary>
    public void StartForming(IActorRef node) => _place.StartForming(node, _directory.ClusterId, StoredVoters(), _environment);

    /// <summary>Remembers where the cluster's nodes are, should this one start when its configuration does not say.</summary>
    public void Remember(MetadataImage image)
    {
        if (!ReferenceEquals(image.Brokers, _remembered))
        {
            _remembered = image.Brokers;
            _place.Book!.Update(image.Brokers
                .Where(broker => broker.Value.Endpoint(AkkaListener) is { Port: > 0 })
                .Select(broker => (broker.Key, Endpoint: broker.Value.Endpoint(AkkaListener)!))
                .ToImmutableSortedDictionary(broker => broker.Key, broker => new BrokerAddress(_system.Name, broker.Endpoint.Host, broker.Endpoint.Port)));
        }
    }

    /// <summary>The controller, wherever it runs.</summary>
    public ControllerRefs StartController()
    {
        var core = new ControllerCore(Options.Controller, Options.TopicDefaults, _environment.NewId, () => (int)(_environment.NextRandom() * int.MaxValue));
        var setup = new ControllerSetup(core, Options.Controller, _environment.Time);
        return _place.StartController(ControllerSupervisor.Props(ControllerActor.Props(setup), _environment.NextRandom, ControllerSupervisor.Steady));
    }

    public void OnController(bool isHeard) => _place.OnController(isHeard);

    /// <summary>From now on the data folder is that cluster's.</summary>
    public void Adopt(ClusterId cluster)
    {
        _directory.AdoptCluster(cluster);
        _place.Adopt(cluster);
    }

    public ControllerProtocol.RegisterBroker Registration() => new(
        Options.NodeId, _environment.NewId(), _directory.Id, _directory.ClusterId, Options.Rack, Endpoints(), _directory.WasClean || _directory.IsNew, _environment.BootId);

    /// <summary>Clients are served from now on, until these actors are stopped.</summary>
    public IActorRef[] StartEndpoints(IActorRef controller)
    {
        var gateway = new ControllerGateway(controller, Options.Controller.SessionTimeout * 2);
        var authorizer = AllowAll.Instance;
        var locator = new PartitionLocator(Options.NodeId, Cache, _partitions, authorizer);
        var voters = new VoterChanges(gateway, Cache, authorizer);
        var configs = new ConfigAlteration(gateway, Options.NodeId, authorizer);
        var groups = new GroupApi(_coordinators, Cache, Options.Groups, authorizer);
        RequestDispatcher? dispatcher = null;
        dispatcher = new RequestDispatcher([
            new ProduceHandler(locator, _environment.Time),
            new InitProducerIdHandler(new ProducerIds(gateway, Cache, Options.NodeId), Cache, authorizer),
            new FetchHandler(locator),
            new ListOffsetsHandler(locator),
            new OffsetForLeaderEpochHandler(locator),
            new MetadataHandler(Cache, Options.NodeId, new AutoTopics(gateway, authorizer, Options.AutoCreateTopics), authorizer),
            new DescribeClusterHandler(Cache, Options.NodeId, authorizer),
            new DescribeTopicPartitionsHandler(Cache, authorizer),
            new ApiVersionsHandler(() => dispatcher!.Served),
            new CreateTopicsHandler(gateway, Options.TopicDefaults, authorizer),
            new DeleteTopicsHandler(gateway, Cache, authorizer),
            new CreatePartitionsHandler(gateway, authorizer),
            new DescribeConfigsHandler(Cache, Options.TopicDefaults, Options.NodeId, ShownConfigs(), authorizer),
            new IncrementalAlterConfigsHandler(configs),
            new AlterConfigsHandler(configs),
            new DeleteRecordsHandler(locator),
            new DescribeProducersHandler(locator),
            new DescribeLogDirsHandler(_directory.DirectoryPath, _environment.Files, _partitions, authorizer),
            new ElectLeadersHandler(gateway, authorizer),
            new AlterPartitionReassignmentsHandler(gateway, Cache, authorizer),
            new ListPartitionReassignmentsHandler(Cache, authorizer),
            new UnregisterBrokerHandler(gateway, authorizer),
            new DescribeQuorumHandler(gateway, Cache, authorizer),
            new AddRaftVoterHandler(voters),
            new RemoveRaftVoterHandler(voters),
            new FindCoordinatorHandler(groups, new OffsetsTopic(gateway, Cache, Options.Groups)),
            new JoinGroupHandler(groups),
            new SyncGroupHandler(groups),
            new HeartbeatHandler(groups),
            new LeaveGroupHandler(groups),
            new OffsetCommitHandler(groups),
            new OffsetFetchHandler(groups),
            new OffsetDeleteHandler(groups),
            new ListGroupsHandler(groups),
            new DescribeGroupsHandler(groups),
            new DeleteGroupsHandler(groups),
        ]);
        var endpoint = _system.ActorOf(BrokerEndpointActor.Props(dispatcher, Options.Sessions), BrokerEndpointActor.Name);
        return _listener is null ? [endpoint] : [endpoint, _system.SystemActorOf(_listener.Serve(dispatcher), "actorbroker-kafka")];
    }

    private ImmutableArray<BrokerConfig> ShownConfigs()
    {
        var configured = _system.Settings.Config.GetConfig(BrokerOptions.Section);
        var standard = Reference.GetConfig(BrokerOptions.Section);
        return BrokerConfigs.Of(key => configured.GetString(key) ?? "", key => standard.GetString(key) ?? "", _directory.DirectoryPath, Options.TopicDefaults);
    }

    /// <summary>That broker is the node of that address.</summary>
    public bool RunsAt(BrokerImage broker, Address node) =>
        broker.Endpoint(AkkaListener) is { } endpoint && _place.AddressAt(endpoint.Host, endpoint.Port).Equals(node);

    /// <summary>A node that is no member any more can't ask anything of its cluster.</summary>
    public bool IsMember => _place.IsMember;

    /// <summary>Of a node that serves, and so belongs to a cluster.</summary>
    public BrokerInfo Info() => new(Options.NodeId, _directory.ClusterId!.Value, _system.Provider.DefaultAddress, _directory.DirectoryPath) { Kafka = _listener?.Endpoint };

    /// <summary>
    /// The node goes down when its system does: clients first, then its part in the cluster (Akka's own phases), and once
    /// the controller has moved on, the data folder.
    /// </summary>
    public void StopWith(CoordinatedShutdown shutdown, IActorRef node)
    {
        Add(CoordinatedShutdown.PhaseServiceStop, NodeActor.Stop.Instance);
        Add(CoordinatedShutdown.PhaseBeforeActorSystemTerminate, NodeActor.Close.Instance);

        void Add(string phase, object message) => shutdown.AddTask(phase, "actorbroker-node", () => node.Ask<Done>(message, shutdown.Timeout(phase)));
    }

    /// <summary>Where the system of that node is: the configuration knows voters before anybody has registered.</summary>
    private Address? AddressOf(BrokerId node) =>
        _place.ConfiguredAddressOf(node)
        ?? (Cache.Current.Brokers.TryGetValue(node, out var broker) && broker.Endpoint(AkkaListener) is { } endpoint ? _place.AddressAt(endpoint.Host, endpoint.Port) : _place.FormerAddressOf(node));

    /// <summary>Default where this node holds nothing of the controller's journal.</summary>
    private ImmutableArray<BrokerId> StoredVoters()
    {
        var logs = JournalLogs.For(_system);
        if (!_environment.Files.DirectoryExists(logs.DirectoryOf(ControllerActor.ControllerId))) return default;
        var voter = logs.Voter(ControllerActor.ControllerId);
        var members = voter.Index().Members;
        voter.CloseUnlessWriting();
        return members.IsDefault ? default : [.. members.Select(member => member.Broker).Distinct().Order()];
    }

    /// <summary>An ActorSystem without remoting has no host: its broker serves its own process only.</summary>
    private ImmutableArray<BrokerEndpoint> Endpoints()
    {
        var address = _system.Provider.DefaultAddress;
        var clients = new BrokerEndpoint(AkkaListener, address.Host ?? "local", address.Port ?? 0, "AKKA");
        var endpoints = ImmutableArray.Create(clients);
        if (_replication is not null) endpoints = endpoints.Add(_replication.Endpoint(address.Host!));
        return _listener is null ? endpoints : endpoints.Add(_listener.Endpoint);
    }

    private IClientListener ListenForClients()
    {
        const string Local = "127.0.0.1";
        var bound = _system.Settings.Config.GetString("akka.remote.dot-netty.tcp.hostname", "") is { Length: > 0 } host ? host : Local;
        try
        {
            return IClientListenerProvider.Find().Listen(new ClientListenerSetup(
                Options.Listener, bound, _system.Provider.DefaultAddress.Host ?? Local, _environment.Time, Logging.GetLogger(_system, "kafka")));
        }
        catch (Exception e) when (e is BrokerStartException or BrokerConfigurationException)
        {
            _replication?.Dispose();
            _directory.Dispose();
            throw;
        }
    }

    private ReplicationServer Listen(string host)
    {
        try
        {
            return ReplicationServer.Start(
                _system, host, new ReplicationServerSetup(Options.NodeId, () => _directory.ClusterId, _partitions, Options.Replication, _environment.Time));
        }
        catch (SocketException e)
        {
            _directory.Dispose();
            throw new BrokerStartException($"Port {Options.Replication.Port} for replication can't be bound at {host}: {e.Message}. Choose another {BrokerOptions.Section}.replication.port (--replication-port).");
        }
    }
}
