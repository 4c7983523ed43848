using Akka.Configuration;

namespace Akka.Conformance.Tests;

// Scenario: HOCON texts that configurations of ours use, and what must come out of them.
public sealed class HoconSyntaxTests
{
    [Theory]
    [InlineData("a = 1", "1")]
    [InlineData("a : 1", "1")]
    [InlineData("a=1,", "1")]
    [InlineData("{ a = 1 }", "1")]
    [InlineData("\"a\" = 1", "1")]
    [InlineData("a = \"x y\"", "x y")]
    [InlineData("a = x y  z", "x y  z")]
    [InlineData("a = \t x \t ", "x")]
    [InlineData("a = \"\"\"C:\\x\\\"y\"\"\"", "C:\\x\\\"y")]
    [InlineData("a = \"t\\tn\\nq\\\"u\\u0041\"", "t\tn\nq\"uA")]
    [InlineData("a = \"\"", "")]
    [InlineData("a = null", null)]
    [InlineData("a = 127.0.0.1", "127.0.0.1")]
    [InlineData("a = 1 # comment", "1")]
    [InlineData("a = 1 // comment", "1")]
    [InlineData("# c\n// d\na = 1", "1")]
    [InlineData("a = 1\na = 2", "2")]
    [InlineData("a = foo \"b c\" d", "foo b c d")]
    [InlineData("a = \"x#y//z\"", "x#y//z")]
    [InlineData("a =\r\n 1\r\nb = 2", "1")]
    public void A_text_is_read_as(string hocon, string? expected)
    {
        var config = ConfigurationFactory.ParseString(hocon);
        Assert.True(config.HasPath("a"));
        Assert.Equal(expected, config.GetString("a", "default"));
    }

    [Theory]
    [InlineData("a.b.c = 1")]
    [InlineData("a { b { c = 1 } }")]
    [InlineData("a { b.c = 1 }")]
    [InlineData("a = { b = { c = 1 } }")]
    [InlineData("a\n{\n  b\n  {\n    c = 1\n  }\n}")]
    [InlineData("{\"a\": {\"b\": {\"c\": 1}}}")]
    [InlineData("a { b { x = 0, c = 0 } }\na.b { c = 1 }")]
    [InlineData("a = 5\na { b.c = 1 }")]
    public void Dots_braces_and_repetition_mean_the_same(string hocon) =>
        Assert.Equal(1, ConfigurationFactory.ParseString(hocon).GetInt("a.b.c"));

    [Fact]
    public void A_quoted_key_keeps_its_dots_and_slashes()
    {
        var config = ConfigurationFactory.ParseString("deployment { \"/a/b.c\" { router = x } \n /d/e { router = y } }");
        Assert.Equal("x", config.GetString("deployment.\"/a/b.c\".router"));
        Assert.Equal("y", config.GetString("deployment./d/e.router"));
        Assert.Equal(["/a/b.c", "/d/e"], config.GetConfig("deployment").AsEnumerable().Select(p => p.Key));
    }

    [Fact]
    public void A_value_replaces_an_object_and_an_object_a_value()
    {
        var config = ConfigurationFactory.ParseString("a.b = 1\na = null\na.c = 3");
        Assert.False(config.HasPath("a.b"));
        Assert.Equal(3, config.GetInt("a.c"));
    }

    [Theory]
    [InlineData("a = [1, 2, 3]")]
    [InlineData("a = [1,2,3,]")]
    [InlineData("a = [\n 1\n 2 # two\n 3\n]")]
    [InlineData("a = [1,2] [3]")]
    [InlineData("b = [1,2]\na = ${b} [3]")]
    public void Lists(string hocon)
    {
        var config = ConfigurationFactory.ParseString(hocon);
        Assert.Equal([1, 2, 3], config.GetIntList("a"));
        Assert.Equal(["1", "2", "3"], config.GetStringList("a"));
    }

    [Fact]
    public void Lists_of_other_kinds()
    {
        var config = ConfigurationFactory.ParseString(
            "empty = []\nwords = [a b, \"c d\"]\nobjects = [{n = 1}, {n = 2}]\nflags = [on, false]\nlongs = [5000000000]\ndoubles = [1.5, -2]\nlone = x");
        Assert.Empty(config.GetStringList("empty"));
        Assert.Empty(config.GetStringList("absent"));
        Assert.Empty(config.GetStringList("lone"));
        Assert.Equal(["z"], config.GetStringList("absent", ["z"]));
        Assert.Equal(["a b", "c d"], config.GetStringList("words"));
        Assert.Equal([1, 2], config.GetValue("objects").GetArray().Select(o => o.GetObject()!.GetKey("n")!.GetInt()));
        Assert.Equal([true, false], config.GetBooleanList("flags"));
        Assert.Equal([5_000_000_000], config.GetLongList("longs"));
        Assert.Equal([1.5, -2], config.GetDoubleList("doubles"));
    }

    [Fact]
    public void Substitutions_take_values_from_anywhere_in_the_text()
    {
        var config = ConfigurationFactory.ParseString(
            "a { name = Roger, c = Hello my name is ${a.name}, d = ${e} }\ne { x = 1, y { z = 2 } }\nf = ${e.y.z}3\ng = ${f}");
        Assert.Equal("Hello my name is Roger", config.GetString("a.c"));
        Assert.Equal(2, config.GetInt("a.d.y.z"));
        Assert.Equal(23, config.GetInt("f"));
        Assert.Equal(23, config.GetInt("g"));
    }

    [Theory]
    [InlineData("a = ${nothing.of.that.name}")]
    [InlineData("a = http://x")]
    [InlineData("a = x@y ^")]
    [InlineData("a = \"\\q\"")]
    public void Malformed_text_is_refused(string hocon)
    {
        var e = Assert.ThrowsAny<Exception>(() => ConfigurationFactory.ParseString(hocon));
        Assert.True(e is ConfigurationException or FormatException, e.ToString());
    }

    [Fact]
    public void An_include_is_merged_where_it_stands()
    {
        var config = ConfigurationFactory.ParseString(
            "a { x = 1, y = 1 \n include \"other\" \n z = 3 }\ninclude = key",
            name => Akka.Configuration.Hocon.Parser.Parse($"y = 2, z = 2, name = {name}", null));
        Assert.Equal("1 2 3 other", $"{config.GetInt("a.x")} {config.GetInt("a.y")} {config.GetInt("a.z")} {config.GetString("a.name")}");
        Assert.Equal("key", config.GetString("include"));
    }
}
