using System.Text.RegularExpressions;

namespace ActorBroker.Architecture.Tests;

/// <summary>README.md ends its guarantees with the tests that hold them: those must exist.</summary>
public partial class ReadmeTests
{
    [Fact]
    public void Every_test_that_it_names_is_there()
    {
        var named = TestName().Matches(File.ReadAllText(Path.Combine(Repository.Root, "README.md"))).Select(match => match.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        Assert.Contains("Cut_off_both_ways_and_one_way", named);
        var sources = string.Concat(Directory.EnumerateDirectories(Path.Combine(Repository.Root, "tests"), "*.Tests").SelectMany(Repository.Sources).Select(File.ReadAllText));
        Assert.DoesNotContain(named, name => !Regex.IsMatch(sources, $@"\b{name}\("));
    }

    /// <summary>In backticks, with an underscore, beginning as a sentence does.</summary>
    [GeneratedRegex("`([A-Z][A-Za-z0-9]*_[A-Za-z0-9_]+)`")]
    private static partial Regex TestName();
}
