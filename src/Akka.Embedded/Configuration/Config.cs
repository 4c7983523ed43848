// Returned references are neither "never null" nor "maybe null" here, as in the official API: a missing path gives the
// caller's default, and `null` in the text gives null.
#nullable disable annotations
using Akka.Configuration.Hocon;

namespace Akka.Configuration;

/// <summary>
/// An immutable tree of settings. Paths are keys joined by dots; a key that holds a dot stands in double quotes. The getters
/// return their default for a path that is absent, and throw <see cref="FormatException"/>, naming the path, for a value of
/// another kind.
/// </summary>
public class Config
{
    public static readonly Config Empty = ConfigurationFactory.Empty;

    // What this config said before any fallback was merged in.
    private readonly HoconValue _own;

    public Config() : this(new HoconValue(new HoconObject()), null, null) { }

    public Config(HoconRoot root) : this((root ?? throw new ArgumentNullException(nameof(root))).Value, null, null) { }

    public Config(Config source, Config fallback)
        : this((source ?? throw new ArgumentNullException(nameof(source)))._own, source.WithFallback(fallback).Root, fallback) { }

    private Config(HoconValue own, HoconValue merged, Config fallback)
    {
        _own = own;
        Root = merged ?? own;
        Fallback = fallback;
    }

    /// <summary>The whole tree, fallbacks included.</summary>
    public HoconValue Root { get; }

    public Config Fallback { get; }

    public bool IsEmpty => Root.IsEmpty;

    public bool HasPath(string path) => Find(path) is not null;

    public HoconValue GetValue(string path) => Find(path);

    public string GetString(string path, string @default = null) => Find(path) is { } v ? v.GetString() : @default;

    /// <summary>true, false, on or off.</summary>
    public bool GetBoolean(string path, bool @default = false) => Get(path, @default, static v => v.GetBoolean());

    public int GetInt(string path, int @default = 0) => Get(path, @default, static v => v.GetInt());

    public long GetLong(string path, long @default = 0) => Get(path, @default, static v => v.GetLong());

    public float GetFloat(string path, float @default = 0) => Get(path, @default, static v => v.GetFloat());

    public double GetDouble(string path, double @default = 0) => Get(path, @default, static v => v.GetDouble());

    public decimal GetDecimal(string path, decimal @default = 0) => Get(path, @default, static v => v.GetDecimal());

    /// <summary>A size in bytes: a whole number with a unit such as kB (1,000), K, Ki or KiB (1,024); without one, bytes.</summary>
    public long? GetByteSize(string path) => GetByteSize(path, null);

    public long? GetByteSize(string path, long? def = null) => Get(path, def, static v => v.GetByteSize());

    /// <summary>A duration such as 500ms, 5s or 2 hours; without a unit, milliseconds; "infinite" is minus one millisecond.</summary>
    public TimeSpan GetTimeSpan(string path, TimeSpan? @default = null, bool allowInfinite = true) => allowInfinite
        ? Get(path, @default.GetValueOrDefault(), static v => v.GetTimeSpan(allowInfinite: true))
        : Get(path, @default.GetValueOrDefault(), static v => v.GetTimeSpan(allowInfinite: false));

    /// <summary>Empty if the path is absent or is no list.</summary>
    public IList<string> GetStringList(string path) => Find(path)?.GetStringList() ?? [];

    public IList<string> GetStringList(string path, string[] defaultPaths) => Find(path) is { } v ? v.GetStringList() : defaultPaths;

    public IList<bool> GetBooleanList(string path) => Get<IList<bool>>(path, [], static v => v.GetBooleanList());

    public IList<int> GetIntList(string path) => Get<IList<int>>(path, [], static v => v.GetIntList());

    public IList<long> GetLongList(string path) => Get<IList<long>>(path, [], static v => v.GetLongList());

    public IList<float> GetFloatList(string path) => Get<IList<float>>(path, [], static v => v.GetFloatList());

    public IList<double> GetDoubleList(string path) => Get<IList<double>>(path, [], static v => v.GetDoubleList());

    public IList<decimal> GetDecimalList(string path) => Get<IList<decimal>>(path, [], static v => v.GetDecimalList());

    public IList<byte> GetByteList(string path) => Get<IList<byte>>(path, [], static v => v.GetByteList());

    /// <summary>The section at a path; null if there is none.</summary>
    public Config GetConfig(string path) => Find(path) is { } v ? new Config(v, null, null) : null;

    /// <summary>The keys and values at the top.</summary>
    public IEnumerable<KeyValuePair<string, HoconValue>> AsEnumerable() => Root.GetObject()?.Items ?? [];

    /// <summary>This config, with everything it doesn't say taken from <paramref name="fallback"/>. Objects merge key by key.</summary>
    public virtual Config WithFallback(Config fallback)
    {
        if (ReferenceEquals(this, fallback))
            throw new ArgumentException("A config can't be its own fallback.", nameof(fallback));
        if (fallback is null || fallback.IsEmpty)
            return this;
        if (IsEmpty)
            return fallback;
        // Stands below already, as the engine's defaults do in the configuration that one system hands to another.
        for (var below = Fallback; below is not null; below = below.Fallback)
        {
            if (ReferenceEquals(below, fallback))
                return this;
        }

        if (Root.GetObject() is not { } mine || fallback.Root.GetObject() is not { } theirs)
            return this;
        return new Config(_own, new HoconValue(HoconObject.Merge(theirs, mine)), Fallback?.WithFallback(fallback) ?? fallback);
    }

    /// <summary>Its own settings as HOCON, fallbacks left out.</summary>
    public override string ToString() => _own.ToString();

    public string ToString(bool includeFallback) => (includeFallback ? Root : _own).ToString();

    public static Config operator +(Config config, string fallback) => config.WithFallback(ConfigurationFactory.ParseString(fallback));

    public static Config operator +(string configHocon, Config fallbackConfig) => ConfigurationFactory.ParseString(configHocon).WithFallback(fallbackConfig);

    public static implicit operator Config(string str) => ConfigurationFactory.ParseString(str);

    private HoconValue Find(string path) => HoconPath.Find(Root, path);

    private T Get<T>(string path, T @default, Func<HoconValue, T> read)
    {
        if (Find(path) is not { } value)
            return @default;
        try
        {
            return read(value);
        }
        catch (FormatException e)
        {
            throw new FormatException($"{path}: {e.Message}", e);
        }
        catch (NotSupportedException e)
        {
            throw new NotSupportedException($"{path}: {e.Message}", e);
        }
    }
}
