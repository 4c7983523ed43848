using System.Globalization;

namespace Akka.Configuration.Hocon;

/// <summary>One value: a text, a list or an object. Numbers, durations and sizes are texts until somebody asks.</summary>
public sealed class HoconValue
{
    // string | HoconObject | List<HoconValue> | null; while its text is being parsed also a Pending.
    internal object? Payload;

    internal HoconValue(object? payload) => Payload = payload;

    /// <summary>Holds nothing, or an object without keys.</summary>
    public bool IsEmpty => Payload is null or HoconObject { Items.Count: 0 };

    public bool IsString() => Payload is string;

    public bool IsObject() => Payload is HoconObject;

    public bool IsArray() => Payload is List<HoconValue>;

    public HoconObject? GetObject() => Payload as HoconObject;

    public HoconValue? GetChildObject(string key) => GetObject()?.GetKey(key);

    /// <summary>The text; null for the word null (quoted or not, as in the official engine), and for lists and objects.</summary>
    public string? GetString() => Payload is string s && s != "null" ? s : null;

    /// <summary>Empty for a value that is no list.</summary>
    public IList<HoconValue> GetArray() => Payload as List<HoconValue> ?? [];

    public bool GetBoolean() => GetString() switch
    {
        "true" or "on" => true,
        "false" or "off" => false,
        _ => throw new NotSupportedException($"expected true, false, on or off, found {Shown()}."),
    };

    public int GetInt() => int.TryParse(GetString(), NumberStyles.Integer, NumberFormatInfo.InvariantInfo, out var n)
        ? n : throw Expected($"a whole number between {int.MinValue} and {int.MaxValue}");

    public long GetLong() => long.TryParse(GetString(), NumberStyles.Integer, NumberFormatInfo.InvariantInfo, out var n)
        ? n : throw Expected($"a whole number between {long.MinValue} and {long.MaxValue}");

    public byte GetByte() => byte.TryParse(GetString(), NumberStyles.Integer, NumberFormatInfo.InvariantInfo, out var n)
        ? n : throw Expected("a whole number between 0 and 255");

    public float GetFloat() => float.TryParse(GetString(), NumberStyles.Float | NumberStyles.AllowThousands, NumberFormatInfo.InvariantInfo, out var n)
        ? n : throw Expected("a number");

    public double GetDouble() => double.TryParse(GetString(), NumberStyles.Float | NumberStyles.AllowThousands, NumberFormatInfo.InvariantInfo, out var n)
        ? n : throw Expected("a number");

    public decimal GetDecimal() => decimal.TryParse(GetString(), NumberStyles.Number, NumberFormatInfo.InvariantInfo, out var n)
        ? n : throw Expected("a decimal number");

    /// <summary>See <see cref="Config.GetTimeSpan"/>.</summary>
    public TimeSpan GetTimeSpan(bool allowInfinite = true) =>
        HoconUnits.TryDuration(GetString(), allowInfinite, out var span) ? span : throw Expected(HoconUnits.DurationShape(allowInfinite));

    /// <summary>See <see cref="Config.GetByteSize(string)"/>; null for null or an empty text.</summary>
    public long? GetByteSize()
    {
        if (Payload is string && string.IsNullOrEmpty(GetString()))
            return null;
        return HoconUnits.TrySize(GetString(), out var size) ? size : throw Expected(HoconUnits.SizeShape);
    }

    public IList<string> GetStringList() => Each(static v => v.GetString()!);

    public IList<bool> GetBooleanList() => Each(static v => v.GetBoolean());

    public IList<byte> GetByteList() => Each(static v => v.GetByte());

    public IList<int> GetIntList() => Each(static v => v.GetInt());

    public IList<long> GetLongList() => Each(static v => v.GetLong());

    public IList<float> GetFloatList() => Each(static v => v.GetFloat());

    public IList<double> GetDoubleList() => Each(static v => v.GetDouble());

    public IList<decimal> GetDecimalList() => Each(static v => v.GetDecimal());

    /// <summary>This value as a config of its own.</summary>
    public Config ToConfig() => new(new HoconRoot(this));

    /// <summary>A config that holds only this value, under <paramref name="key"/>.</summary>
    public Config AtKey(string key)
    {
        var parent = new HoconObject();
        parent.Items.Add(key, this);
        return new Config(new HoconRoot(new HoconValue(parent)));
    }

    public override string ToString() => HoconText.Write(this);

    internal HoconValue Clone() => new(Payload switch
    {
        HoconObject o => o.Clone(),
        List<HoconValue> list => list.ConvertAll(static v => v.Clone()),
        var other => other,
    });

    private List<T> Each<T>(Func<HoconValue, T> read)
    {
        if (Payload is not List<HoconValue> list)
            return [];
        var result = new List<T>(list.Count);
        foreach (var item in list)
            result.Add(read(item));
        return result;
    }

    private FormatException Expected(string what) => new($"expected {what}, found {Shown()}.");

    private string Shown() => Payload switch
    {
        null or "null" => "nothing (null)",
        string s => $"'{s}'",
        HoconObject => "an object",
        _ => "a list",
    };
}
