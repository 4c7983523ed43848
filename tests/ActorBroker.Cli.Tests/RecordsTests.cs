using System.Buffers;
using System.Text;
using ActorBroker.Cli.Output;
using ActorBroker.Cli.Records;
using ActorBroker.Client;

namespace ActorBroker.Cli.Tests;

/// <summary>How lines become records and records become lines.</summary>
public class RecordsTests
{
    private static readonly ShownRecord Record = new(
        "flights", 3, 42, 1_000, "DTW"u8.ToArray(), "late"u8.ToArray(),
        [KeyValuePair.Create("a", (ReadOnlyMemory<byte>?)"1"u8.ToArray()), KeyValuePair.Create("b", (ReadOnlyMemory<byte>?)null)]);

    [Theory]
    [InlineData("%v", "late\n")]
    [InlineData("%t %p %o %T %k %v %h", "flights 3 42 1000 DTW late a=1,b=\n")]
    [InlineData("%k\\t%s", "DTW\tlate\n")]
    [InlineData("100%%", "100%\n")]
    public void A_format_shows_a_record(string format, string expected)
    {
        var output = new ArrayBufferWriter<byte>();
        RecordFormat.Parse(format).Write(output, Record);
        Assert.Equal(expected, Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Theory]
    [InlineData("%x", "%x")]
    [InlineData("%", "lone %")]
    public void A_wrong_format_is_wrong_usage(string format, string part)
    {
        var fault = Assert.Throws<CliException>(() => RecordFormat.Parse(format));
        Assert.Equal(ExitCode.WrongUsage, fault.ExitCode);
        Assert.Contains(part, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, null, "a:b", null, "a:b")]
    [InlineData(":", null, "a:b:c", "a", "b:c")]
    [InlineData("\\t", null, "a\tb", "a", "b")]
    [InlineData(":", "NULL", "a:NULL", "a", null)]
    [InlineData(":", null, ":b", "", "b")]
    public void A_line_becomes_key_and_value(string? separator, string? nullValue, string line, string? key, string? value)
    {
        Assert.True(LineFormat.Create(separator, nullValue).TryParse(Encoding.UTF8.GetBytes(line), out var gotKey, out var gotValue));
        Assert.Equal((key, value), (Text(gotKey), Text(gotValue)));
    }

    [Fact]
    public void A_line_without_the_separator_is_no_record() =>
        Assert.False(LineFormat.Create(":", nullValue: null).TryParse("plain"u8.ToArray(), out _, out _));

    [Fact]
    public void Bytes_that_are_not_utf8_stand_as_marked_base64()
    {
        var record = Record with { Key = new byte[] { 0xff, 0x00 }, Value = null, Headers = [] };
        var line = Encoding.UTF8.GetString(new JsonLine().Build(json => JsonLine.WriteRecord(json, record)).Span);
        Assert.Equal("""{"topic":"flights","partition":3,"offset":42,"timestamp_ms":1000,"key":"/wA=","key_encoding":"base64","value":null}""" + "\n", line);
    }

    [Theory]
    [InlineData("2026-11-22T15:00:00Z", false)]
    [InlineData("2026-11-22T16:00:00+01:00", false)]
    [InlineData("2026-11-22T15:00:00", true)]
    [InlineData("2026-11-22 15:00", true)]
    public void A_time_without_a_zone_is_utc_and_said_so(string text, bool assumed)
    {
        var start = Assert.IsType<StartPosition.FromTimestamp>(StartText.Parse(text, out var assumedUtc));
        Assert.Equal(new DateTimeOffset(2026, 11, 22, 15, 0, 0, TimeSpan.Zero), start.Timestamp);
        Assert.Equal(assumed, assumedUtc);
    }

    [Theory]
    [InlineData("beginning", typeof(StartPosition.FromBeginning))]
    [InlineData("end", typeof(StartPosition.FromEnd))]
    [InlineData("17", typeof(StartPosition.FromOffset))]
    public void A_start_is_a_word_or_an_offset(string text, Type expected) => Assert.IsType(expected, StartText.Parse(text, out _));

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("yesterday")]
    [InlineData("2026-13-01")]
    public void Any_other_start_is_wrong_usage(string text) =>
        Assert.Equal(ExitCode.WrongUsage, Assert.Throws<CliException>(() => StartText.Parse(text, out _)).ExitCode);

    private static string? Text(ReadOnlyMemory<byte>? bytes) => bytes is { } present ? Encoding.UTF8.GetString(present.Span) : null;
}
