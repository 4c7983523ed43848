using System.Xml.Linq;

namespace ActorBroker.Architecture.Tests;

/// <summary>Projects are layers: each may reference only what stands here. The table is design.md's, with Messaging added between Protocol and those that talk through Akka.Remote.</summary>
public class ReferenceRules
{
    private const string Akka = "Akka";

    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["ActorBroker.Log"] = [],
        ["ActorBroker.Protocol.Generator"] = [],
        ["ActorBroker.Protocol"] = ["ActorBroker.Log", "ActorBroker.Protocol.Generator"],
        ["ActorBroker.Messaging"] = ["ActorBroker.Log", "ActorBroker.Protocol", Akka],
        ["ActorBroker.Client"] = ["ActorBroker.Log", "ActorBroker.Protocol", "ActorBroker.Messaging", Akka],
        ["ActorBroker"] = ["ActorBroker.Log", "ActorBroker.Protocol", "ActorBroker.Messaging", Akka],
        ["ActorBroker.Kafka"] = ["ActorBroker", "ActorBroker.Protocol", Akka],
        ["ActorBroker.Cli"] = ["ActorBroker", "ActorBroker.Client", "ActorBroker.Kafka", "ActorBroker.Messaging", "ActorBroker.Protocol", "ActorBroker.Log", Akka],
        ["Akka.Embedded"] = [],
        ["Akka.Embedded.TestKit"] = ["Akka.Embedded"],
    };

    public static TheoryData<string> Projects => new(Repository.SourceProjects.Select(path => Path.GetFileNameWithoutExtension(path)!));

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_references_only_what_lies_below_it(string project)
    {
        Assert.True(Allowed.TryGetValue(project, out var allowed), $"{project} has no row in the table of layers.");
        var xml = XDocument.Load(Repository.SourceProjects.Single(path => Path.GetFileNameWithoutExtension(path) == project));
        var references = xml.Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(((string)reference.Attribute("Include")!).Replace('\\', '/')))
            .ToList();
        if (xml.Descendants("UsesAkka").Any(property => property.Value == "true")) references.Add(Akka);
        Assert.Empty(references.Except(allowed!, StringComparer.Ordinal));
    }

    [Fact]
    public void Only_the_test_kit_knows_xunit()
    {
        var knowing = Repository.SourceProjects
            .Where(path => XDocument.Load(path).Descendants("PackageReference").Any(package => ((string)package.Attribute("Include")!).StartsWith("xunit", StringComparison.OrdinalIgnoreCase)))
            .Select(Path.GetFileNameWithoutExtension);
        Assert.Equal(["Akka.Embedded.TestKit"], knowing);
    }

    [Fact]
    public void Packages_have_no_versions_outside_the_central_file()
    {
        var versioned = Repository.AllProjects
            .Where(path => !path.Contains("Interop", StringComparison.Ordinal))
            .Where(path => XDocument.Load(path).Descendants("PackageReference").Any(package => package.Attribute("Version") is not null));
        Assert.Empty(versioned);
    }
}
