using Akka.Configuration;

namespace Akka.Embedded.Tests.Configuration;

// Scenario: somebody mistypes a configuration and must find the place.
public sealed class HoconErrorTests
{
    [Theory]
    [InlineData("a = {", 1, 5, "no closing '}'")]
    [InlineData("a {\n  b = 1\n", 1, 3, "no closing '}'")]
    [InlineData("a = 1 }", 1, 7, "line break")]
    [InlineData("}", 1, 1, "expected a key")]
    [InlineData("{ a = 1 } b = 2", 1, 11, "the end of the text")]
    [InlineData("a = [1, 2", 1, 5, "no closing ']'")]
    [InlineData("a = [1,,2]", 1, 8, "expected a value")]
    [InlineData("a =", 1, 4, "expected a value")]
    [InlineData("a = 1,,b = 2", 1, 7, "expected a key")]
    [InlineData("x = 1\na", 2, 2, "after the key 'a'")]
    [InlineData("x = 1\na.b.c d e\n= 3\n b", 4, 3, "after the key 'b'")]
    [InlineData("a = \"open\nb = 1", 1, 5, "no closing \"")]
    [InlineData("a = \"\"\"open", 1, 5, "no closing \"\"\"")]
    [InlineData("a = \"C:\\Users\"", 1, 8, "unknown escape")]
    [InlineData("a = akka.tcp://x", 1, 13, "double quotes")]
    [InlineData("a = 1 b = 2", 1, 9, "double quotes")]
    [InlineData("a = \"1\" \"2\" ? ", 1, 13, "line break")]
    [InlineData("a = {x=1} [2]", 1, 5, "can't be joined")]
    [InlineData("b = 1\na = ${b", 2, 8, "'}'")]
    [InlineData("b = 1\na = $b", 2, 5, "substitution")]
    [InlineData("\na = ${no.such.key}", 2, 5, "${?no.such.key}")]
    [InlineData("a = ${b}\nb = ${a}", 1, 5, "depends on itself")]
    [InlineData("a = 1\na += 2", 2, 1, "adds to a list")]
    [InlineData("[1]", 1, 1, "not a list")]
    [InlineData("include url(\"http://x\")", 1, 9, "can't be included")]
    [InlineData("include required(\"/no/such/file\")", 1, 1, "was not found")]
    public void An_error_says_where_and_what(string hocon, int line, int column, string what)
    {
        var e = Assert.Throws<ConfigurationException>(() => ConfigurationFactory.ParseString(hocon));
        Assert.Contains($"line {line}, column {column}", e.Message, StringComparison.Ordinal);
        Assert.Contains(what, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a = { b = ${a} }")]
    [InlineData("a = [${b}], b = [${a}]")]
    [InlineData("a = { x = ${b} }\nb = { y = ${a} }\nc = ${a} ${b}")]
    [InlineData("a = { x = ${a} }\nb = ${a} ${a}\nc = ${a} { x { x { x = 1 } } }")]
    public void Endless_structures_are_refused(string hocon) => Assert.Throws<ConfigurationException>(() => ConfigurationFactory.ParseString(hocon));

    [Fact]
    public void Doubling_by_substitution_is_bounded()
    {
        var hocon = "a0 = xxxxxxxxxx\n" + string.Join('\n', Enumerable.Range(1, 60).Select(i => $"a{i} = ${{a{i - 1}}}${{a{i - 1}}}"));
        Assert.Contains("grow", Assert.Throws<ConfigurationException>(() => ConfigurationFactory.ParseString(hocon)).Message, StringComparison.Ordinal);
        var nested = "a0 = { x = 1 }\n" + string.Join('\n', Enumerable.Range(1, 60).Select(i => $"a{i} {{ l = ${{a{i - 1}}}, r = ${{a{i - 1}}} }}"));
        Assert.Throws<ConfigurationException>(() => ConfigurationFactory.ParseString(nested));
    }

    [Theory]
    [InlineData("a={")]
    [InlineData("a{")]
    [InlineData("a=[{")]
    [InlineData("a.")]
    public void Depth_is_bounded(string piece)
    {
        var e = Assert.Throws<ConfigurationException>(() => ConfigurationFactory.ParseString(string.Concat(Enumerable.Repeat(piece, 100_000))));
        Assert.Contains("levels of nesting", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_of_the_wrong_kind_names_its_path()
    {
        var config = ConfigurationFactory.ParseString("a.b = ten, c = 3000000000, d = 5 KB, e = {}");
        Assert.Contains("a.b: expected a whole number", Assert.Throws<FormatException>(() => config.GetInt("a.b")).Message, StringComparison.Ordinal);
        Assert.Contains("'3000000000'", Assert.Throws<FormatException>(() => config.GetInt("c")).Message, StringComparison.Ordinal);
        Assert.Contains("64KiB", Assert.Throws<FormatException>(() => config.GetByteSize("d")).Message, StringComparison.Ordinal);
        Assert.Contains("an object", Assert.Throws<FormatException>(() => config.GetTimeSpan("e")).Message, StringComparison.Ordinal);
    }
}
