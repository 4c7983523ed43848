using System.Linq;

namespace ActorBroker.Protocol.Generator;

/// <summary>Writes the record class of a request or response, with the structures nested in it and their codec.</summary>
internal static class MessageEmitter
{
    public static string Emit(Api api)
    {
        var code = new CodeWriter();
        Message(code, api.Request!, $"IRequest<{api.Response!.Body.Name}>");
        code.Line();
        Message(code, api.Response, "IResponse");
        return code.ToString();
    }

    private static void Message(CodeWriter code, Message message, string face)
    {
        var body = message.Body;
        code.Doc(body.Doc);
        code.Open($"public sealed partial record {body.Name} : {face}");
        code.Line($"/// <inheritdoc/>");
        code.Line($"public ApiKey ApiKey => ApiKey.{message.Api.Name};");
        Members(code, body, message, isBody: true);
        foreach (var inner in message.Structs)
        {
            code.Line();
            code.Doc(inner.Doc);
            code.Open($"public sealed partial record {inner.Name}");
            Members(code, inner, message, isBody: false);
            code.Close();
        }

        code.Close();
    }

    private static void Members(CodeWriter code, Struct s, Message message, bool isBody)
    {
        if (!isBody)
        {
            code.Line("/// <summary>Every field at its default.</summary>");
            code.Line($"public static {s.Name} Default {{ get; }} = new();");
        }

        foreach (var f in s.Fields)
        {
            code.Line();
            Property(code, f, message.Api);
        }

        code.Line();
        ReadEmitter.Emit(code, s, message, isBody);
        code.Line();
        WriteEmitter.Emit(code, s, message, isBody);
    }

    private static void Property(CodeWriter code, Field f, Api api)
    {
        var versions = f.Versions.Covers(api.Versions) ? "" : f.Versions.Max >= api.Versions.Max
            ? $"Version {f.Versions.Min} and later."
            : f.Versions.Min <= api.Versions.Min ? $"Up to version {f.Versions.Max}." : $"Versions {f.Versions.Min} to {f.Versions.Max}.";
        code.Doc(string.Join(" ", new[] { f.Doc, versions }.Where(t => t.Length > 0)));
        var type = CSharp.PropertyType(f);
        var value = CSharp.Default(f);
        var initial = value is "null" or "0" or "false" or "default" ? "" : $" = {value};";
        code.Line($"public {type} {f.Name} {{ get; init; }}{initial}");
    }
}
