namespace Akka.Configuration.Hocon;

/// <summary>The result of parsing one HOCON text, every substitution resolved.</summary>
public class HoconRoot
{
    public HoconRoot(HoconValue value) => Value = value ?? throw new ArgumentNullException(nameof(value));

    public HoconValue Value { get; }
}
