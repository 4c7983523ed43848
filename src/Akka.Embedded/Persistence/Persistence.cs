using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence.Journal;

namespace Akka.Persistence;

public class Persistence : ExtensionIdProvider<PersistenceExtension>
{
    public static Persistence Instance { get; } = new();

    public static Config DefaultConfig() => ConfigurationFactory.FromResource<Persistence>("persistence.conf");

    public override PersistenceExtension CreateExtension(ExtendedActorSystem system) => new(system);
}

/// <summary>
/// The plugins of an actor system, each found by the path of its configuration and started when it is first asked for.
/// A plugin is an actor class with a constructor that takes nothing or its <see cref="Config"/>.
/// </summary>
public class PersistenceExtension : IExtension
{
    private const string JournalFallback = "akka.persistence.journal-plugin-fallback";
    private const string SnapshotStoreFallback = "akka.persistence.snapshot-store-plugin-fallback";
    private const string NoSnapshotStore = "akka.persistence.no-snapshot-store";

    private readonly ExtendedActorSystem _system;
    private readonly Config _config;
    private readonly ConcurrentDictionary<string, Lazy<Plugin>> _plugins = new(StringComparer.Ordinal);
    private readonly Lazy<IActorRef> _recoveryPermitter;

    public PersistenceExtension(ExtendedActorSystem system)
    {
        _system = system;
        system.Settings.InjectTopLevelFallback(Persistence.DefaultConfig());
        _config = system.Settings.Config.GetConfig("akka.persistence");
        Settings = new PersistenceSettings(_config);
        _recoveryPermitter = new Lazy<IActorRef>(() =>
        {
            var maxPermits = _config.GetInt("max-concurrent-recoveries", 0);
            if (maxPermits < 1)
                throw new ConfigurationException($"akka.persistence.max-concurrent-recoveries is [{maxPermits}]: at least 1 is needed.");
            return system.SystemActorOf(Props.Create(() => new RecoveryPermitter(maxPermits)), "recoveryPermitter");
        });
        foreach (var id in _config.GetStringList("journal.auto-start-journals", []))
            JournalFor(id);
        foreach (var id in _config.GetStringList("snapshot-store.auto-start-snapshot-stores", []))
            SnapshotStoreFor(id);
    }

    public PersistenceSettings Settings { get; }

    internal IActorRef RecoveryPermitter => _recoveryPermitter.Value;

    public string PersistenceId(IActorRef actor) => actor.Path.ToStringWithoutAddress();

    /// <exception cref="ArgumentException">There is no such configuration, or it names no class.</exception>
    public IActorRef JournalFor(string? journalPluginId) => JournalPlugin(journalPluginId).Ref;

    /// <exception cref="ArgumentException">There is no such configuration, or it names no class.</exception>
    public IActorRef SnapshotStoreFor(string? snapshotPluginId)
    {
        var path = string.IsNullOrEmpty(snapshotPluginId) ? _config.GetString("snapshot-store.plugin", null) : snapshotPluginId;
        return PluginFor(string.IsNullOrEmpty(path) ? NoSnapshotStore : path, SnapshotStoreFallback).Ref;
    }

    public EventAdapters AdaptersFor(string? journalPluginId) => JournalPlugin(journalPluginId).Adapters;

    internal Config JournalConfigFor(string? journalPluginId) => JournalPlugin(journalPluginId).Config;

    /// <summary>For a plugin that asks for what is its own. It runs before <see cref="JournalFor"/> returns.</summary>
    internal EventAdapters AdaptersFor(IActorRef plugin) => TryFind(plugin, out var found) ? found.Adapters : EventAdapters.Identity;

    internal Config ConfigFor(IActorRef plugin) =>
        TryFind(plugin, out var found) ? found.Config : throw new ArgumentException($"Unknown plugin actor {plugin}", nameof(plugin));

    private Plugin JournalPlugin(string? journalPluginId)
    {
        var path = string.IsNullOrEmpty(journalPluginId) ? _config.GetString("journal.plugin", null) : journalPluginId;
        if (string.IsNullOrEmpty(path))
            throw new ConfigurationException("No default journal is configured: set akka.persistence.journal.plugin.");
        return PluginFor(path, JournalFallback);
    }

    private Plugin PluginFor(string path, string fallbackPath) =>
        _plugins.GetOrAdd(path, p => new Lazy<Plugin>(() => Create(p, fallbackPath))).Value;

    private Plugin Create(string path, string fallbackPath)
    {
        var all = _system.Settings.Config;
        if (!all.HasPath(path))
            throw new ArgumentException($"Persistence config is missing plugin config path for: {path}");
        var own = all.GetConfig(path);
        var config = own.WithFallback(all.GetConfig(fallbackPath));
        var className = config.GetString("class", null);
        if (string.IsNullOrEmpty(className))
            throw new ArgumentException($"Plugin class name must be defined in config property [{path}.class]");

        var type = PluginTypes.Find(className);
        object[] arguments = type.GetConstructor([typeof(Config)]) is null ? [] : [config];
        var props = new Props(type, arguments).WithDispatcher(config.GetString("plugin-dispatcher", null));
        return new Plugin(_system.SystemActorOf(props, path), EventAdapters.Create(_system, own), config);
    }

    /// <summary>Waits for plugins that are being started: the one that asks may be among them.</summary>
    private bool TryFind(IActorRef actor, [NotNullWhen(true)] out Plugin? found)
    {
        // The name of a plugin's actor is its path, so only its own entry is looked at (others may be half built).
        found = _plugins.TryGetValue(actor.Path.Name, out var plugin) && plugin.Value.Ref.Equals(actor) ? plugin.Value : null;
        return found is not null;
    }

    private sealed record Plugin(IActorRef Ref, EventAdapters Adapters, Config Config);
}

public sealed class PersistenceSettings
{
    public PersistenceSettings(Config config) => Internal = new InternalSettings(config);

    public InternalSettings Internal { get; }

    public sealed class InternalSettings
    {
        public InternalSettings(Config config) => PublishPluginCommands = config.GetBoolean("publish-plugin-commands", false);

        /// <summary>Plugins publish the commands they have done on the event stream; for tests.</summary>
        public bool PublishPluginCommands { get; }
    }
}

/// <summary>
/// Finds classes that configurations name. This engine stands in for several assemblies: names that end in one of those
/// mean this one.
/// </summary>
internal static class PluginTypes
{
    /// <exception cref="ArgumentException">The name is null or empty.</exception>
    /// <exception cref="TypeLoadException">There is no such class.</exception>
    public static Type Find(string? name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return Type.GetType(name, FindAssembly, typeResolver: null, throwOnError: true)!;
    }

    private static Assembly FindAssembly(AssemblyName name) =>
        name.Name is "Akka" or "Akka.Remote" or "Akka.Persistence" or "Akka.Cluster" or "Akka.Cluster.Tools"
            ? typeof(PluginTypes).Assembly
            : Assembly.Load(name);
}
