using Akka.Configuration;

namespace Akka.Conformance.Tests;

// Scenario: reading values, and laying configurations over each other.
public sealed class ConfigTests
{
    [Theory]
    [InlineData("500ms", 500)]
    [InlineData("500 millis", 500)]
    [InlineData("500", 500)]
    [InlineData("1.5s", 1_500)]
    [InlineData("5 seconds", 5_000)]
    [InlineData("2m", 120_000)]
    [InlineData("2 hours", 7_200_000)]
    [InlineData("1d", 86_400_000)]
    [InlineData("0", 0)]
    [InlineData("infinite", -1)]
    [InlineData("\"3 s\"", 3_000)]
    [InlineData("2000 micros", 2)]
    [InlineData("3000000 ns", 3)]
    public void Durations(string text, double milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), ConfigurationFactory.ParseString("a = " + text).GetTimeSpan("a"));

    [Theory]
    [InlineData("-5s")]
    [InlineData("5 parsecs")]
    [InlineData("soon")]
    public void What_is_no_duration_is_refused(string text) =>
        Assert.Throws<FormatException>(() => ConfigurationFactory.ParseString("a = " + text).GetTimeSpan("a"));

    [Fact]
    public void Infinite_only_where_it_is_allowed()
    {
        var config = ConfigurationFactory.ParseString("a = infinite");
        Assert.Equal(Timeout.InfiniteTimeSpan, config.GetTimeSpan("a"));
        Assert.Throws<FormatException>(() => config.GetTimeSpan("a", null, allowInfinite: false));
    }

    [Theory]
    [InlineData("512", 512)]
    [InlineData("512b", 512)]
    [InlineData("128000b", 128_000)]
    [InlineData("64kB", 64_000)]
    [InlineData("64K", 65_536)]
    [InlineData("64 KiB", 65_536)]
    [InlineData("30m", 31_457_280)]
    [InlineData("30MB", 30_000_000)]
    [InlineData("2 GiB", 2_147_483_648)]
    [InlineData("1T", 1_099_511_627_776)]
    [InlineData("3 megabytes", 3_000_000)]
    public void Sizes(string text, long bytes) => Assert.Equal(bytes, ConfigurationFactory.ParseString("a = " + text).GetByteSize("a"));

    [Theory]
    [InlineData("64 KB")]
    [InlineData("1.5M")]
    [InlineData("many")]
    public void What_is_no_size_is_refused(string text) =>
        Assert.Throws<FormatException>(() => ConfigurationFactory.ParseString("a = " + text).GetByteSize("a"));

    [Fact]
    public void Numbers_and_flags()
    {
        var config = ConfigurationFactory.ParseString("i = -42, l = 5000000000, d = 1.5, f = 2.5e3, m = 0.1, on = on, off = off, t = true, n = false, w = word");
        Assert.Equal(-42, config.GetInt("i"));
        Assert.Equal(5_000_000_000, config.GetLong("l"));
        Assert.Equal(1.5, config.GetDouble("d"));
        Assert.Equal(2500f, config.GetFloat("f"));
        Assert.Equal(0.1m, config.GetDecimal("m"));
        Assert.True(config.GetBoolean("on") && config.GetBoolean("t"));
        Assert.False(config.GetBoolean("off", true) || config.GetBoolean("n", true));
        Assert.Throws<FormatException>(() => config.GetInt("w"));
        Assert.Throws<NotSupportedException>(() => config.GetBoolean("w"));
    }

    [Fact]
    public void An_absent_path_gives_the_default()
    {
        var config = ConfigurationFactory.ParseString("a.b = 1");
        Assert.Equal(7, config.GetInt("a.c", 7));
        Assert.Equal("z", config.GetString("x.y", "z"));
        Assert.Equal(TimeSpan.FromSeconds(3), config.GetTimeSpan("x", TimeSpan.FromSeconds(3)));
        Assert.Equal(TimeSpan.Zero, config.GetTimeSpan("x"));
        Assert.Equal(9L, config.GetByteSize("x", 9));
        Assert.True(config.GetBoolean("a.b.c", true));
        Assert.Null(config.GetString("x"));
        Assert.Null(config.GetConfig("x"));
        Assert.False(config.HasPath("a.b.c"));
        Assert.True(config.HasPath("a"));
    }

    [Fact]
    public void A_fallback_fills_gaps_only()
    {
        var top = ConfigurationFactory.ParseString("foo.bar.a = 123, list = [9], gone = null");
        var middle = ConfigurationFactory.ParseString("foo.bar { a = 1, b = 2, c = 3 }\n list = [1, 2], gone { x = 1 }");
        var bottom = ConfigurationFactory.ParseString("foo.bar { a = 99, zork = 555 }\n only.here = yes");
        foreach (var config in new[] { top.WithFallback(middle).WithFallback(bottom), top.WithFallback(middle.WithFallback(bottom)) })
        {
            Assert.Equal(123, config.GetInt("foo.bar.a"));
            Assert.Equal(2, config.GetInt("foo.bar.b"));
            Assert.Equal(555, config.GetConfig("foo").GetInt("bar.zork"));
            Assert.Equal("yes", config.GetString("only.here"));
            Assert.Equal([9], config.GetIntList("list"));
            Assert.False(config.HasPath("gone.x"));
            Assert.Equal(["foo", "gone", "list", "only"], config.AsEnumerable().Select(p => p.Key).Distinct().Order(StringComparer.Ordinal));
        }
        Assert.False(top.HasPath("foo.bar.b"));
        Assert.Equal(99, bottom.GetInt("foo.bar.a"));
    }

    [Fact]
    public void Emptiness()
    {
        Assert.True(ConfigurationFactory.Empty.IsEmpty);
        Assert.True(ConfigurationFactory.ParseString("# nothing").IsEmpty);
        Assert.True(((Config)null!).IsNullOrEmpty());
        Assert.False(ConfigurationFactory.ParseString("a = 1").IsNullOrEmpty());
        Assert.Equal(1, ConfigurationFactory.Empty.WithFallback("a = 1").GetInt("a"));
        Assert.Equal(1, ((Config)"a = 1").WithFallback(Config.Empty).GetInt("a"));
        Assert.Empty(ConfigurationFactory.Empty.AsEnumerable());
    }

    [Fact]
    public void A_section_merges_with_the_fallback_s_section()
    {
        var config = ConfigurationFactory.ParseString("journal { plugin = mine }").WithFallback("journal { plugin = theirs, dir = x }");
        var section = config.GetConfig("journal").WithFallback("size = 3");
        Assert.Equal("mine x 3", $"{section.GetString("plugin")} {section.GetString("dir")} {section.GetInt("size")}");
    }
}
