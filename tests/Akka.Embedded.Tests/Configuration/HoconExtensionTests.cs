using Akka.Configuration;

namespace Akka.Embedded.Tests.Configuration;

// Scenario: HOCON that the specification has and the official engine's parser lacks.
public sealed class HoconExtensionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hocon").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Substitutions_fall_back_on_the_environment()
    {
        Environment.SetEnvironmentVariable("HOCON_TEST_VALUE", " from outside ");
        var config = ConfigurationFactory.ParseString("a = ${HOCON_TEST_VALUE}, b = ${?HOCON_TEST_NONE}, c = 1, c = ${?HOCON_TEST_NONE}, d = x${?HOCON_TEST_NONE}y");
        Assert.Equal("from outside", config.GetString("a"));
        Assert.False(config.HasPath("b"));
        Assert.Equal(1, config.GetInt("c"));
        Assert.Equal("xy", config.GetString("d"));
    }

    [Theory]
    [InlineData("a = [1]\na = ${a} [2, 3]")]
    [InlineData("a = [1]\na += 2\na += 3")]
    [InlineData("a += 1\na += 2\na += 3")]
    [InlineData("b = [1]\na = ${b}\na += 2\na += 3")]
    [InlineData("x { a = [1] }\nx { a = ${x.a} [2] }\na = ${x.a}\na += 3")]
    public void A_key_may_extend_what_it_held(string hocon) => Assert.Equal([1, 2, 3], ConfigurationFactory.ParseString(hocon).GetIntList("a"));

    [Fact]
    public void A_text_may_extend_what_it_held() =>
        Assert.Equal("/a:/b:/c", ConfigurationFactory.ParseString("p = /a\np = ${p}\":/b\"\np = ${p}\":\"${?none}/c").GetString("p"));

    [Theory]
    [InlineData("base { x = 1, y = 1 }\na = ${base} { y = 2 }")]
    [InlineData("a = ${base}\na { y = 2 }\nbase { x = 1, y = 1 }")]
    [InlineData("a = ${base}\na.y = 2\nbase { x = 1, y = 1 }")]
    [InlineData("base { x = 1, y = 1 }\na { y = 3 }\na = ${base}\na { y = 2 }")]
    [InlineData("a { b { x = 1 }, y = 2 }\na = ${a.b}")]
    public void Objects_merge_with_substituted_ones(string hocon)
    {
        var config = ConfigurationFactory.ParseString(hocon);
        Assert.Equal((1, 2), (config.GetInt("a.x"), config.GetInt("a.y")));
        if (config.HasPath("base"))
            Assert.Equal(1, config.GetInt("base.y"));
    }

    [Fact]
    public void Files_are_included_relative_to_the_one_that_includes_them()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "sub"));
        Write("top.conf", "name = top\na { include \"sub/one\" }\ninclude file(\"no-such-file\")");
        Write("sub/one", "v = 1, w = ${v}, n = ${name}\ninclude required(file(\"two\"))");
        Write("sub/two", "z = ${v}2");
        var config = ConfigurationFactory.ParseString($"include \"{Path.Combine(_folder, "top.conf").Replace('\\', '/')}\"");
        Assert.Equal("1 1 top 12", $"{config.GetInt("a.v")} {config.GetInt("a.w")} {config.GetString("a.n")} {config.GetInt("a.z")}");
    }

    [Fact]
    public void An_error_in_an_included_file_names_it()
    {
        Write("bad.conf", "a = 1\nb");
        var e = Assert.Throws<ConfigurationException>(() => ConfigurationFactory.ParseString($"include \"{Path.Combine(_folder, "bad.conf")}\""));
        Assert.Contains($"line 2, column 2 of {Path.Combine(_folder, "bad.conf")}", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_includes_itself_is_refused()
    {
        Write("loop.conf", "include \"loop.conf\"");
        var e = Assert.Throws<ConfigurationException>(() => ConfigurationFactory.ParseString($"include \"{Path.Combine(_folder, "loop.conf")}\""));
        Assert.Contains("include itself", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_written_parses_to_the_same()
    {
        var config = ConfigurationFactory.ParseString(
            "a { \"b.c\" = \"x # y\", d = [1, [2], { e = \"\\n\\\"\" }], f = {}, g = null, \"\" = \"\" }, h = \"include\", \"i j\" = \"a+=b\", k = ünïcode");
        var text = config.ToString();
        Assert.Equal(text, ConfigurationFactory.ParseString(text).ToString());
        Assert.Equal("x # y", ConfigurationFactory.ParseString(text).GetString("a.\"b.c\""));
        Assert.Equal("ünïcode", ConfigurationFactory.ParseString(text).GetString("k"));
    }

    [Fact]
    public void A_byte_order_mark_and_windows_line_ends_are_blanks() =>
        Assert.Equal(2, ConfigurationFactory.ParseString("\uFEFF{\r\n a = 1\r\n b = 2\r\n}\r\n").GetInt("b"));

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);
}
