using System.Text.RegularExpressions;

namespace ActorBroker.Architecture.Tests;

/// <summary>Cores and states decide; they know nothing of actors, tasks, files, clocks or chance, though they live beside those that do.</summary>
public partial class PureCores
{
    public static TheoryData<string> Files => new(
        Directory.EnumerateDirectories(Path.Combine(Repository.Root, "src"), "ActorBroker*")
            .SelectMany(Repository.Sources)
            .Where(path => CoreOrState().IsMatch(Path.GetFileName(path)))
            .Select(path => Path.GetRelativePath(Repository.Root, path)));

    [Theory]
    [MemberData(nameof(Files))]
    public void A_core_is_pure(string file)
    {
        var lines = File.ReadAllLines(Path.Combine(Repository.Root, file));
        var faults = lines
            .Select((line, index) => (Line: line, Number: index + 1))
            .Where(line => !line.Line.TrimStart().StartsWith("//", StringComparison.Ordinal) && Impure().IsMatch(line.Line))
            .Select(line => $"{file}:{line.Number}: {line.Line.Trim()}");
        Assert.Empty(faults);
    }

    [Fact]
    public void There_are_cores_to_check() => Assert.NotEmpty(Files);

    [GeneratedRegex(@"(Core|State|Planner|Placement|Plan|Decisions|Draft|Table|History)\.cs$")]
    private static partial Regex CoreOrState();

    [GeneratedRegex(@"(?<!\.)\b(using Akka|IActorRef|Task<|ValueTask|async |File\.|Directory\.|IFileSystem|TimeProvider|DateTime\w*\.(Utc)?Now|Stopwatch|new Random|Random\.Shared|Guid\.NewGuid)")]
    private static partial Regex Impure();
}
