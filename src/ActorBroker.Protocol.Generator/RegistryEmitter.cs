using System.Collections.Generic;
using System.Linq;

namespace ActorBroker.Protocol.Generator;

/// <summary>Writes the generated half of <c>ApiRegistry</c>: the table of APIs and the two switches from key to type.</summary>
internal static class RegistryEmitter
{
    public static string Emit(IEnumerable<Api> apis)
    {
        var ordered = apis.OrderBy(a => a.Key).ToList();
        var code = new CodeWriter();
        code.Open("public static partial class ApiRegistry");
        code.Open("private static readonly ApiInfo[] Known =");
        foreach (var a in ordered)
        {
            var flexible = a.Flexible.IsEmpty ? "short.MaxValue" : CSharp.Number(a.Flexible.Min);
            code.Line($"new(ApiKey.{a.Name}, {a.Versions.Min}, {a.Versions.Max}, {flexible}),");
        }

        code.Close("};");
        Switch(code, "IRequest", "Request", ordered.Select(a => (a.Name, a.Request!.Body.Name)));
        Switch(code, "IResponse", "Response", ordered.Select(a => (a.Name, a.Response!.Body.Name)));
        code.Close();
        return code.ToString();
    }

    private static void Switch(CodeWriter code, string face, string what, IEnumerable<(string Api, string Type)> cases)
    {
        code.Line();
        code.Open($"private static {face} Read{what}Body(ApiKey key, short version, ref ProtocolReader reader) => key switch");
        foreach (var (api, type) in cases)
            code.Line($"ApiKey.{api} => {type}.Read(ref reader, version),");
        code.Line("_ => throw ProtocolException.UnknownApi(key),");
        code.Close("};");
    }
}
