namespace Akka.Configuration.Hocon;

/// <summary>Keys in the order they first appeared. Not to be changed once its text has been parsed.</summary>
public sealed class HoconObject
{
    internal HoconObject() => Items = new Dictionary<string, HoconValue>(StringComparer.Ordinal);

    private HoconObject(Dictionary<string, HoconValue> items) => Items = items;

    public Dictionary<string, HoconValue> Items { get; }

    public HoconValue? GetKey(string key) => Items.GetValueOrDefault(key);

    internal HoconValue GetOrAdd(string key)
    {
        if (!Items.TryGetValue(key, out var value))
            Items.Add(key, value = new HoconValue(null));
        return value;
    }

    /// <summary>A new object: <paramref name="weak"/>, overridden by <paramref name="strong"/>; both stay as they are and are shared.</summary>
    internal static HoconObject Merge(HoconObject weak, HoconObject strong)
    {
        var items = new Dictionary<string, HoconValue>(weak.Items, StringComparer.Ordinal);
        foreach (var (key, value) in strong.Items)
        {
            items[key] = value.GetObject() is { } above && items.TryGetValue(key, out var old) && old.GetObject() is { } below
                ? new HoconValue(Merge(below, above))
                : value;
        }
        return new HoconObject(items);
    }

    internal HoconObject Clone()
    {
        var copy = new HoconObject(new Dictionary<string, HoconValue>(Items.Count, StringComparer.Ordinal));
        foreach (var (key, value) in Items)
            copy.Items.Add(key, value.Clone());
        return copy;
    }

    public override string ToString() => HoconText.Write(this);
}
