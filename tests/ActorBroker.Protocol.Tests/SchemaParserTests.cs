using ActorBroker.Protocol.Generator;

namespace ActorBroker.Protocol.Tests;

/// <summary>Scenario: someone writes a schema file; what it says is taken, what it gets wrong is reported with its line.</summary>
public class SchemaParserTests
{
    [Fact]
    public void A_field_has_versions_nulls_tag_default_and_doc()
    {
        var api = SchemaParser.Parse("""
            api Test 7 2-9 flexible 6+
            request -- Asks.
              Names  string[]? 3+ null:5+ ignorable -- The names.
              Part   Piece[] 6+ tag:2
                Id   int16:ErrorCode =-1
            response
            """);

        var (names, part) = (api.Request!.Body.Fields[0], api.Request.Body.Fields[1]);
        Assert.Equal((7, new VersionRange(2, 9)), (api.Key, api.Versions));
        Assert.Equal((new VersionRange(3, 9), new VersionRange(5, 9)), (names.Versions, names.Nullable));
        Assert.True(names is { IsArray: true, Ignorable: true, Doc: "The names." });
        Assert.Equal((2, "Piece"), (part.Tag, part.Struct!.Name));
        Assert.Equal(("ErrorCode", "-1"), (part.Struct.Fields[0].EnumName, part.Struct.Fields[0].Default));
    }

    [Theory]
    [InlineData("  A int32", 3, "indent", "   B int32")]
    [InlineData("  A int32", 3, "no structure", "    B int32")]
    [InlineData("  A", 2, "a name and a type", "")]
    [InlineData("  A wrong", 2, "no type", "")]
    [InlineData("  A int32 soon", 2, "version range", "")]
    [InlineData("  A int32 3+ tag:0", 2, "flexible versions only", "")]
    [InlineData("  A int32 null:3+", 2, "ends in ?", "")]
    [InlineData("  A int32 10+", 2, "no version", "")]
    [InlineData("  A string:ErrorCode", 2, "primitive only", "")]
    [InlineData("respond", 2, "not one of", "")]
    public void A_mistake_is_reported_with_its_line(string line, int at, string says, string next)
    {
        var error = Assert.Throws<SchemaException>(() => SchemaParser.Parse($"api Test 7 2-9 flexible 6+\nrequest\n{line}\n{next}\nresponse\n"));

        Assert.Equal(at, error.Line);
        Assert.Contains(says, error.Message);
    }
}
