using System.Globalization;
using Akka.Configuration;

namespace ActorBroker.Hosting;

/// <summary>The configuration can't be used; the message lists every fault, not just the first.</summary>
public sealed class BrokerConfigurationException(IReadOnlyList<string> faults)
    : Exception("The configuration can't be used:" + string.Concat(faults.Select(fault => $"{Environment.NewLine}  - {fault}")))
{
    public IReadOnlyList<string> Faults { get; } = faults;
}

/// <summary>
/// Reads one section of the configuration into options, gathering what is wrong with it instead of stopping at the
/// first fault. Keys have their defaults in reference.conf, so a missing key is a fault of ours and said so too.
/// </summary>
internal sealed class OptionsReader(Config section, string sectionName)
{
    private readonly List<string> _faults = [];
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    /// <summary>Keys that were asked for: the test that no key of reference.conf is dead compares with it.</summary>
    public IReadOnlySet<string> KeysRead => _read;

    public string Text(string key)
    {
        _read.Add(key);
        if (section.HasPath(key)) return section.GetString(key) ?? "";
        _faults.Add($"{sectionName}.{key} is missing");
        return "";
    }

    /// <summary>Null where the value is empty.</summary>
    public string? OptionalText(string key) => Text(key) is { Length: > 0 } text ? text : null;

    public int Int(string key, int least, int most = int.MaxValue) => (int)Long(key, least, most);

    public long Long(string key, long least, long most = long.MaxValue)
    {
        var text = Text(key);
        if (text.Length == 0) return least;
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value))
            return Fault(least, $"{sectionName}.{key} = {text} is not a whole number");
        return value >= least && value <= most ? value : Fault(least, $"{sectionName}.{key} = {value} must be from {least} to {most}");
    }

    /// <summary>A plain number of milliseconds, as Kafka's keys ending in <c>.ms</c> have it.</summary>
    public TimeSpan Milliseconds(string key, long least, long most = int.MaxValue) => TimeSpan.FromMilliseconds(Long(key, least, most));

    public bool Boolean(string key) => Text(key) switch
    {
        "true" or "on" or "yes" => true,
        "false" or "off" or "no" or "" => false,
        var text => Fault(false, $"{sectionName}.{key} = {text} must be true or false"),
    };

    public void Check(string key, Func<string, string?> fault)
    {
        var text = Text(key);
        if (fault(text) is { } reason) _faults.Add($"{sectionName}.{key} = {text} {reason}");
    }

    public void Fault(string key, IReadOnlyList<string> reasons)
    {
        foreach (var reason in reasons) _faults.Add($"{sectionName}.{key}: {reason}");
    }

    public void ThrowIfFaulty()
    {
        if (_faults.Count > 0) throw new BrokerConfigurationException(_faults);
    }

    private T Fault<T>(T fallback, string fault)
    {
        _faults.Add(fault);
        return fallback;
    }
}
