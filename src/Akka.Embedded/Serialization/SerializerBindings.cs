using System.Collections.Concurrent;

namespace Akka.Serialization;

/// <summary>
/// Which serializer a type goes to: that of the most specific type bound which the type is or derives from. A class beats an
/// interface; of unrelated interfaces the first by name wins, so that every process chooses alike.
/// </summary>
internal sealed class SerializerBindings
{
    private readonly ConcurrentDictionary<Type, Serializer> _bound = new();
    private readonly ConcurrentDictionary<Type, Serializer?> _found = new();

    public void Bind(Type type, Serializer serializer)
    {
        _bound[type] = serializer;
        _found.Clear();
    }

    public Serializer? Find(Type type)
    {
        if (!_found.TryGetValue(type, out var serializer))
            _found[type] = serializer = Search(type);
        return serializer;
    }

    private Serializer? Search(Type type)
    {
        for (var t = type; t is not null && t != typeof(object); t = t.BaseType)
        {
            if (_bound.TryGetValue(t, out var serializer))
                return serializer;
        }
        Type? best = null;
        foreach (var candidate in _bound.Keys)
        {
            if (candidate.IsInterface && candidate.IsAssignableFrom(type) && (best is null || Beats(candidate, best)))
                best = candidate;
        }
        return _bound.GetValueOrDefault(best ?? typeof(object));
    }

    private static bool Beats(Type candidate, Type best) =>
        best.IsAssignableFrom(candidate) || (!candidate.IsAssignableFrom(best) && string.CompareOrdinal(candidate.FullName, best.FullName) < 0);
}
