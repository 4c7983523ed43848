using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using ActorBroker.Cli.Records;
using ActorBroker.Log;

namespace ActorBroker.Cli.Output;

/// <summary>Writes one JSON object a line. Bytes that are not UTF-8 stand as base64, with <c>"NAME_encoding":"base64"</c> beside them.</summary>
internal sealed class JsonLine
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly ArrayBufferWriter<byte> _buffer = new();

    /// <summary>The bytes of one line, its line end included; valid until the next call.</summary>
    public ReadOnlyMemory<byte> Build(Action<Utf8JsonWriter> write)
    {
        _buffer.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_buffer, Options))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        _buffer.Write("\n"u8);
        return _buffer.WrittenMemory;
    }

    public static void WriteRecord(Utf8JsonWriter json, in ShownRecord record)
    {
        json.WriteString("topic"u8, record.Topic);
        json.WriteNumber("partition"u8, record.Partition);
        json.WriteNumber("offset"u8, record.Offset);
        json.WriteNumber("timestamp_ms"u8, record.TimestampMs);
        WriteBytes(json, "key", record.Key);
        WriteBytes(json, "value", record.Value);
        if (record.Headers.Count == 0) return;
        json.WriteStartArray("headers"u8);
        foreach (var (key, value) in record.Headers)
        {
            json.WriteStartObject();
            json.WriteString("key"u8, key);
            WriteBytes(json, "value", value);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    public static void WriteIds(Utf8JsonWriter json, string name, IReadOnlyList<BrokerId> ids)
    {
        json.WriteStartArray(name);
        foreach (var id in ids) json.WriteNumberValue(id.Value);
        json.WriteEndArray();
    }

    public static void WriteBytes(Utf8JsonWriter json, string name, ReadOnlyMemory<byte>? bytes)
    {
        if (bytes is not { } present)
        {
            json.WriteNull(name);
            return;
        }

        var isText = TextOrBase64.TryText(present.Span, out var text);
        json.WriteString(name, text);
        if (!isText) json.WriteString(name + "_encoding", "base64");
    }
}
