using System.Buffers;
using System.Globalization;
using System.Text;

namespace ActorBroker.Cli.Records;

/// <summary>One record as the command line shows it.</summary>
internal readonly record struct ShownRecord(
    string Topic,
    int Partition,
    long Offset,
    long TimestampMs,
    ReadOnlyMemory<byte>? Key,
    ReadOnlyMemory<byte>? Value,
    IReadOnlyList<KeyValuePair<string, ReadOnlyMemory<byte>?>> Headers);

/// <summary>
/// The <c>--format</c> of <c>consume</c>: %t topic, %p partition, %o offset, %T timestamp in milliseconds, %k key,
/// %v (or %s) value, %h headers (k=v,...), %% a percent sign, with \t and \n. Keys and values go out as the bytes they
/// are; null is nothing. Each record ends with a line end.
/// </summary>
internal sealed class RecordFormat
{
    public const string Default = "%v";

    private readonly List<(char Token, byte[]? Text)> _parts = [];

    private RecordFormat() { }

    public static RecordFormat Parse(string format)
    {
        var parsed = new RecordFormat();
        var text = new StringBuilder();
        var expanded = Escapes.Expand(format);
        for (var i = 0; i < expanded.Length; i++)
        {
            if (expanded[i] != '%')
            {
                text.Append(expanded[i]);
                continue;
            }

            if (++i == expanded.Length) throw CliException.Usage("--format ends with a lone %; write %% for a percent sign.");
            if (expanded[i] == '%')
            {
                text.Append('%');
                continue;
            }

            if (!"tpoTkvsh".Contains(expanded[i]))
                throw CliException.Usage($"--format has %{expanded[i]}; known are %t %p %o %T %k %v %h and %%.");
            parsed.AddText(text);
            parsed._parts.Add((expanded[i], null));
        }

        parsed.AddText(text.Append('\n'));
        return parsed;
    }

    public void Write(IBufferWriter<byte> output, in ShownRecord record)
    {
        foreach (var (token, text) in _parts)
        {
            switch (token)
            {
                case 't': Write(output, record.Topic); break;
                case 'p': Write(output, record.Partition.ToString(CultureInfo.InvariantCulture)); break;
                case 'o': Write(output, record.Offset.ToString(CultureInfo.InvariantCulture)); break;
                case 'T': Write(output, record.TimestampMs.ToString(CultureInfo.InvariantCulture)); break;
                case 'k': Write(output, record.Key); break;
                case 'v' or 's': Write(output, record.Value); break;
                case 'h': WriteHeaders(output, record.Headers); break;
                default: output.Write(text); break;
            }
        }
    }

    private static void WriteHeaders(IBufferWriter<byte> output, IReadOnlyList<KeyValuePair<string, ReadOnlyMemory<byte>?>> headers)
    {
        for (var i = 0; i < headers.Count; i++)
        {
            if (i > 0) output.Write(","u8);
            Write(output, headers[i].Key);
            output.Write("="u8);
            Write(output, headers[i].Value);
        }
    }

    private static void Write(IBufferWriter<byte> output, ReadOnlyMemory<byte>? bytes)
    {
        if (bytes is { } present) output.Write(present.Span);
    }

    private static void Write(IBufferWriter<byte> output, string text) => Encoding.UTF8.GetBytes(text, output);

    private void AddText(StringBuilder text)
    {
        if (text.Length == 0) return;
        _parts.Add(('\0', Encoding.UTF8.GetBytes(text.ToString())));
        text.Clear();
    }
}
