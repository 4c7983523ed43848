using System.Collections.Immutable;
using ActorBroker.Control;
using ActorBroker.Forming;
using ActorBroker.Log;
using ActorBroker.Messaging;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.Singleton;

namespace ActorBroker.Hosting;

/// <summary>Ways to the controller, wherever it runs.</summary>
/// <param name="Patient">Keeps some messages while no controller is known: for requests of clients, which wait.</param>
/// <param name="Hasty">Drops them: for senders that ask again by themselves.</param>
/// <param name="Host">What runs the controller if it runs here; once this has stopped, nothing of it does.</param>
internal sealed record ControllerRefs(IActorRef Patient, IActorRef Hasty, IActorRef Host);

/// <summary>
/// A node's place in its cluster: who its contacts are, how it becomes a member, where the controller runs. In an ActorSystem
/// without Akka.Cluster the node is alone, and the controller simply one of its actors.
/// </summary>
internal abstract class ClusterPlace(ExtendedActorSystem system, BrokerOptions options)
{
    private const string ControllerName = "actorbroker-controller";

    public ExtendedActorSystem System { get; } = system;

    /// <summary>Who forms the controller's quorum, should there be none yet; empty on a node that only joins one.</summary>
    public ImmutableArray<BrokerId> Voters { get; } = options.Contacts.IsAlone ? [options.NodeId] : [.. options.Contacts.Voters.Keys];

    protected BrokerOptions Options { get; } = options;

    /// <summary>Where nodes were found before; set when the data folder is open.</summary>
    public ContactBook? Book { get; set; }

    /// <exception cref="BrokerConfigurationException">The contacts don't fit this ActorSystem; all faults are listed.</exception>
    public static ClusterPlace Of(ExtendedActorSystem system, BrokerOptions options)
    {
        var faults = new List<string>();
        var self = system.Provider.DefaultAddress;
        var clustered = system.Provider is IClusterActorRefProvider;
        if (!clustered && !options.Contacts.IsAlone)
            faults.Add("voters or bootstrap servers are configured, but the ActorSystem has no cluster: set akka.actor.provider = cluster");
        if (options.Contacts.Voters.TryGetValue(options.NodeId, out var own) && clustered && (own.Host != self.Host || own.Port != self.Port))
            faults.Add($"{BrokerOptions.Section}.{ClusterContacts.VotersKey}: voter {options.NodeId} is said to be at {own.Host}:{own.Port}, but this node {options.NodeId} is at {self.Host}:{self.Port}");
        if (faults.Count > 0) throw new BrokerConfigurationException(faults);
        return clustered ? new Clustered(system, options) : new Single(system, options);
    }

    /// <summary>As configured; null for others.</summary>
    public Address? ConfiguredAddressOf(BrokerId node) => Options.Contacts.Voters.TryGetValue(node, out var address) ? AddressAt(address) : null;

    /// <summary>As it was when this node was in its cluster before; null for others.</summary>
    public Address? FormerAddressOf(BrokerId node) => Book is { } book && book.Nodes.TryGetValue(node, out var address) ? AddressAt(address) : null;

    public Address AddressAt(BrokerAddress address) => AddressAt(address.Host, address.Port);

    public Address AddressAt(string host, int port) => new(System.Provider.DefaultAddress.Protocol, System.Name, host, port);

    /// <summary>Where nodes that replicate from this one reach it; null where there are none.</summary>
    public virtual string? BindHost => null;

    public abstract bool IsMember { get; }

    /// <param name="storedVoters">By this node's copy of the controller's journal, which knows better than the configuration; default while it is blank.</param>
    public abstract void StartForming(IActorRef node, ClusterId? cluster, ImmutableArray<BrokerId> storedVoters, BrokerEnvironment environment);

    public abstract ControllerRefs StartController(Props controller);

    /// <summary>Systems that may know who votes.</summary>
    public abstract ImmutableArray<Address> KnownSystems();

    public abstract void Adopt(ClusterId cluster);

    /// <summary>Whether this node hears from the controller; told when that changes.</summary>
    public virtual void OnController(bool isHeard)
    {
    }

    private sealed class Single(ExtendedActorSystem system, BrokerOptions options) : ClusterPlace(system, options)
    {
        public override bool IsMember => true;

        public override void StartForming(IActorRef node, ClusterId? cluster, ImmutableArray<BrokerId> storedVoters, BrokerEnvironment environment) =>
            node.Tell(FormationProtocol.Joined.Instance);

        public override ControllerRefs StartController(Props controller)
        {
            var started = System.SystemActorOf(controller, ControllerName);
            return new ControllerRefs(started, started, started);
        }

        public override ImmutableArray<Address> KnownSystems() => [];

        public override void Adopt(ClusterId cluster)
        {
        }
    }

    private sealed class Clustered(ExtendedActorSystem system, BrokerOptions options) : ClusterPlace(system, options)
    {
        private readonly Cluster _cluster = Cluster.Get(system);
        private IActorRef _formation = ActorRefs.Nobody;

        public override string BindHost =>
            System.Settings.Config.GetString("akka.remote.dot-netty.tcp.hostname") is { Length: > 0 } host ? host : _cluster.SelfAddress.Host!;

        public override bool IsMember => !_cluster.IsTerminated && _cluster.SelfMember.Status is MemberStatus.Up or MemberStatus.Leaving;

        public override void StartForming(IActorRef node, ClusterId? cluster, ImmutableArray<BrokerId> storedVoters, BrokerEnvironment environment)
        {
            var voters = storedVoters.IsDefault ? Voters : storedVoters;
            var contacts = new List<(FormationContact Contact, Address Address)>();
            foreach (var id in voters)
                if ((ConfiguredAddressOf(id) ?? FormerAddressOf(id)) is { } address)
                    Add(address, id, $"voter {id}");
            foreach (var (id, address) in Options.Contacts.Voters)
                Add(AddressAt(address), null, $"node {id}");
            foreach (var seed in Options.Contacts.Seeds)
                Add(AddressAt(seed), null, "seed");
            foreach (var (id, address) in Book!.Nodes)
                Add(AddressAt(address), null, $"node {id}");

            var setup = new FormationSetup(Options.NodeId, voters, [.. contacts.Select(c => c.Contact)], environment.NewId());
            _formation = System.SystemActorOf(
                FormationActor.Props(setup, [.. contacts.Select(c => c.Address)], cluster, node, environment.Time), FormationActor.Name);

            // Whoever is named twice is asked as what it was named first: voters come first.
            void Add(Address address, BrokerId? voter, string name)
            {
                if (!address.Equals(_cluster.SelfAddress) && voter != Options.NodeId && !contacts.Exists(known => known.Address.Equals(address)))
                    contacts.Add((new FormationContact(voter, $"{name} at {address.Host}:{address.Port}"), address));
            }
        }

        public override ControllerRefs StartController(Props controller)
        {
            var managed = ClusterSingletonManagerSettings.Create(System);
            var manager = System.SystemActorOf(ClusterSingletonManager.Props(controller, managed), ControllerName);
            var proxied = ClusterSingletonProxySettings.Create(System).WithSingletonName(managed.SingletonName);
            var path = manager.Path.ToStringWithoutAddress();
            return new ControllerRefs(Link("proxy", proxied), Link("hasty-proxy", proxied.WithBufferSize(0)), manager);

            IActorRef Link(string name, ClusterSingletonProxySettings settings)
            {
                var proxy = System.SystemActorOf(ClusterSingletonProxy.Props(path, settings), $"{ControllerName}-{name}");
                return System.SystemActorOf(ControllerLink.Props(proxy), $"{ControllerName}-{name}-link");
            }
        }

        public override ImmutableArray<Address> KnownSystems() =>
        [
            .. _cluster.State.Members.Select(member => member.Address)
                .Concat(Options.Contacts.Voters.Values.Concat(Options.Contacts.Seeds).Concat(Book!.Nodes.Values).Select(AddressAt))
                .Distinct(),
        ];

        public override void Adopt(ClusterId cluster) => _formation.Tell(new FormationProtocol.Accepted(cluster));

        public override void OnController(bool isHeard) => _formation.Tell(new FormationProtocol.Led(isHeard));
    }
}
