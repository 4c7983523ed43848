using System.Collections.Immutable;
using System.Globalization;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Client;

/// <summary>
/// Reads one section of HOCON over the embedded reference.conf and collects every fault instead of stopping at the
/// first. Nothing else of the client touches <see cref="Config"/>.
/// </summary>
internal sealed class SettingsReader
{
    private static readonly Lazy<Config> Reference = new(LoadReference);

    private readonly Config _given;
    private readonly Config _config;
    private readonly string _section;
    private readonly List<string> _faults;

    private SettingsReader(Config given, string section, List<string> faults) =>
        (_given, _config, _section, _faults) = (given, given.WithFallback(Reference.Value), section, faults);

    public static string ReferenceText()
    {
        using var stream = typeof(SettingsReader).Assembly.GetManifestResourceStream("reference.conf")
            ?? throw new InvalidOperationException("The client's reference.conf is missing from its assembly.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>Runs <paramref name="read"/> on a section; throws one exception with all faults found.</summary>
    public static T Read<T>(Config config, string section, Func<SettingsReader, T> read)
    {
        var faults = new List<string>();
        var reader = new SettingsReader(config, section, faults);
        var value = read(reader);
        return faults.Count == 0 ? value : throw new ClientSettingsException(faults);
    }

    public SettingsReader At(string otherSection) => new(_given, otherSection, _faults);

    /// <summary>Whether the application set the key, if only to its default.</summary>
    public bool IsGiven(string key) => _given.HasPath($"{_section}.{key}");

    public string Text(string key) => _config.GetString($"{_section}.{key}") ?? "";

    public TimeSpan Milliseconds(string key) => TimeSpan.FromMilliseconds(Number(key));

    public int Number(string key)
    {
        var text = Text(key);
        if (int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value))
            return value;
        _faults.Add($"{_section}.{key} = '{text}' is not a whole number of at most {int.MaxValue}");
        return 0;
    }

    public long LongNumber(string key)
    {
        var text = Text(key);
        if (long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value))
            return value;
        _faults.Add($"{_section}.{key} = '{text}' is not a whole number");
        return 0;
    }

    public bool Flag(string key)
    {
        var text = Text(key);
        if (text is "true" or "on" or "yes")
            return true;
        if (text is not ("false" or "off" or "no"))
            _faults.Add($"{_section}.{key} = '{text}' is neither true nor false");
        return false;
    }

    public T Choice<T>(string key, params ReadOnlySpan<(string Text, T Value)> choices) => Choose(key, Text(key), choices);

    /// <summary>Several, with commas.</summary>
    public ImmutableArray<T> Choices<T>(string key, params ReadOnlySpan<(string Text, T Value)> choices)
    {
        var chosen = ImmutableArray.CreateBuilder<T>();
        foreach (var text in List(key))
            chosen.Add(Choose(key, text, choices));
        return chosen.ToImmutable();
    }

    public ImmutableArray<string> List(string key) =>
        [.. Text(key).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];

    private T Choose<T>(string key, string text, ReadOnlySpan<(string Text, T Value)> choices)
    {
        foreach (var (name, value) in choices)
        {
            if (string.Equals(name, text, StringComparison.OrdinalIgnoreCase))
                return value;
        }

        _faults.Add($"{_section}.{key} = '{text}' is none of {Names(choices)}");
        return choices[0].Value;
    }

    private static string Names<T>(ReadOnlySpan<(string Text, T Value)> choices)
    {
        var names = new string[choices.Length];
        for (var i = 0; i < names.Length; i++)
            names[i] = choices[i].Text;
        return string.Join(", ", names);
    }

    private static Config LoadReference() => ConfigurationFactory.ParseString(ReferenceText());
}

/// <summary>The clients' settings are unusable; <see cref="Faults"/> lists all that is wrong, not just the first.</summary>
public sealed class ClientSettingsException(IReadOnlyList<string> faults)
    : ArgumentException("The client's settings are wrong: " + string.Join("; ", faults) + ".")
{
    public IReadOnlyList<string> Faults { get; } = faults;
}

/// <summary>Collects what is wrong with settings, whether they came from HOCON or from code.</summary>
internal sealed class FaultList
{
    private readonly List<string> _faults = [];

    public void Require(bool holds, string fault)
    {
        if (!holds)
            _faults.Add(fault);
    }

    public void ThrowIfAny()
    {
        if (_faults.Count > 0)
            throw new ClientSettingsException(_faults);
    }
}
