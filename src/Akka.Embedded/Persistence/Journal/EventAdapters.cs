using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;

namespace Akka.Persistence.Journal;

public interface IWriteEventAdapter
{
    /// <summary>What <see cref="IReadEventAdapter.FromJournal"/> is told about the stored event; may be empty.</summary>
    string Manifest(object evt);

    object ToJournal(object evt);
}

public interface IReadEventAdapter
{
    IEventSequence FromJournal(object evt, string manifest);
}

/// <summary>Turns events of the actor into what the journal stores, and back.</summary>
public interface IEventAdapter : IWriteEventAdapter, IReadEventAdapter;

public interface IEventSequence
{
    IEnumerable<object> Events { get; }
}

public static class EventSequence
{
    public static readonly IEventSequence Empty = new Sequence([]);

    public static IEventSequence Single(object e) => new Sequence([e]);

    public static IEventSequence Create(params object[] events) => new Sequence(events);

    public static IEventSequence Create(IEnumerable<object> events) => new Sequence(events);

    private sealed class Sequence(IEnumerable<object> events) : IEventSequence
    {
        public IEnumerable<object> Events { get; } = events;
    }
}

public sealed class IdentityEventAdapter : IEventAdapter
{
    private IdentityEventAdapter()
    {
    }

    public static IdentityEventAdapter Instance { get; } = new();

    public string Manifest(object evt) => string.Empty;

    public object ToJournal(object evt) => evt;

    public IEventSequence FromJournal(object evt, string manifest) => EventSequence.Single(evt);
}

internal sealed class ReadOnlyAdapter(IReadEventAdapter reader) : IEventAdapter
{
    public string Manifest(object evt) => string.Empty;

    public object ToJournal(object evt) => evt;

    public IEventSequence FromJournal(object evt, string manifest) => reader.FromJournal(evt, manifest);
}

internal sealed class WriteOnlyAdapter(IWriteEventAdapter writer) : IEventAdapter
{
    public string Manifest(object evt) => writer.Manifest(evt);

    public object ToJournal(object evt) => writer.ToJournal(evt);

    public IEventSequence FromJournal(object evt, string manifest) => EventSequence.Single(evt);
}

/// <summary>
/// The adapters of one journal: <c>event-adapters { NAME = "class" }</c> and
/// <c>event-adapter-bindings { "event type" = NAME }</c>. The most specific bound type of an event decides; among
/// equally specific ones, the first.
/// </summary>
public class EventAdapters
{
    internal static readonly EventAdapters Identity = new([]);

    private readonly List<KeyValuePair<Type, IEventAdapter>> _bindings;
    private readonly ConcurrentDictionary<Type, IEventAdapter> _byType = new();

    private EventAdapters(List<KeyValuePair<Type, IEventAdapter>> bindings) => _bindings = bindings;

    /// <exception cref="ConfigurationException">A binding names an adapter that is not defined.</exception>
    public static EventAdapters Create(ExtendedActorSystem system, Config config)
    {
        if (!config.HasPath("event-adapter-bindings")) return Identity;
        var adapters = new Dictionary<string, IEventAdapter>(StringComparer.Ordinal);
        foreach (var (name, value) in config.GetConfig("event-adapters").AsEnumerable())
            adapters[name] = Instantiate(system, value.GetString()!);

        var bindings = new List<KeyValuePair<Type, IEventAdapter>>();
        foreach (var (typeName, value) in config.GetConfig("event-adapter-bindings").AsEnumerable())
        {
            var name = value.GetString()!;
            if (!adapters.TryGetValue(name, out var adapter))
                throw new ConfigurationException($"[{typeName}] is bound to the undefined event adapter [{name}].");
            var type = PluginTypes.Find(typeName.Trim('"'));
            var place = bindings.FindIndex(b => b.Key.IsAssignableFrom(type));
            bindings.Insert(place < 0 ? bindings.Count : place, new(type, adapter));
        }

        return new EventAdapters(bindings);
    }

    public IEventAdapter Get<T>() => Get(typeof(T));

    public virtual IEventAdapter Get(Type type) => _bindings.Count == 0
        ? IdentityEventAdapter.Instance
        : _byType.GetOrAdd(type, static (t, bindings) => Select(t, bindings), _bindings);

    private static IEventAdapter Select(Type type, List<KeyValuePair<Type, IEventAdapter>> bindings)
    {
        foreach (var (bound, adapter) in bindings)
        {
            if (bound.IsAssignableFrom(type)) return adapter;
        }

        return IdentityEventAdapter.Instance;
    }

    private static IEventAdapter Instantiate(ExtendedActorSystem system, string className)
    {
        var type = PluginTypes.Find(className);
        object[] arguments = type.GetConstructor([typeof(ExtendedActorSystem)]) is null ? [] : [system];
        return Activator.CreateInstance(type, arguments) switch
        {
            IEventAdapter both => both,
            IWriteEventAdapter writer => new WriteOnlyAdapter(writer),
            IReadEventAdapter reader => new ReadOnlyAdapter(reader),
            _ => throw new ConfigurationException($"[{className}] is no event adapter."),
        };
    }
}
