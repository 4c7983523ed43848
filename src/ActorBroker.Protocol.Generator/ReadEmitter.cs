using System.Linq;

namespace ActorBroker.Protocol.Generator;

/// <summary>
/// Writes <c>Read</c>: every field into a local, in wire order, then one object initializer. Whatever can be null on the
/// wire in some version only is checked against the version at hand.
/// </summary>
internal static class ReadEmitter
{
    public static void Emit(CodeWriter code, Struct s, Message message, bool isBody)
    {
        var api = message.Api;
        if (isBody)
        {
            code.Line("/// <summary>Reads the body in the given version; record bytes are slices of the reader's memory.</summary>");
            code.Line("/// <exception cref=\"ProtocolException\">The bytes are not such a message.</exception>");
        }

        code.Open($"{(isBody ? "public" : "internal")} static {s.Name} Read(ref ProtocolReader r, short version)");
        if (isBody)
            code.Line($"ApiRegistry.CheckVersion(ApiKey.{api.Name}, version, {api.Versions.Min}, {api.Versions.Max});");
        Flexible(code, s, api);
        foreach (var f in s.Fields.Where(f => f.Tag is null))
            Ordinary(code, s, f, api);
        Tagged(code, s, api);
        code.Open($"return new {s.Name}");
        foreach (var f in s.Fields)
            code.Line($"{f.Name} = {CSharp.Local(f)},");
        code.Close("};");
        code.Close();
        foreach (var f in s.Fields.Where(f => f.IsArray))
            ArrayReader(code, s, f, api);
    }

    /// <summary>Every flexible version ends in tagged fields, so the local is needed wherever some versions are flexible.</summary>
    public static void Flexible(CodeWriter code, Struct s, Api api)
    {
        if (!UsesFlexible(s, api))
            return;
        code.Line($"var flexible = {CSharp.In(api.Flexible, api.Versions) ?? "true"};");
    }

    private static bool UsesFlexible(Struct s, Api api) =>
        !api.Flexible.Intersect(api.Versions).IsEmpty
        || s.Fields.Any(f => f.IsArray || f.Kind is FieldKind.String or FieldKind.Bytes);

    private static void Ordinary(CodeWriter code, Struct s, Field f, Api api)
    {
        var condition = CSharp.In(f.Versions, api.Versions);
        var read = Expression(s, f, api);
        code.Line(condition is null
            ? $"var {CSharp.Local(f)} = {read};"
            : $"{CSharp.PropertyType(f)} {CSharp.Local(f)} = {condition} ? {read} : {Absent(f)};");
    }

    /// <summary>The default with its type spelled out: a conditional expression would take a bare 0 for an int.</summary>
    private static string Absent(Field f) => f is { Kind: FieldKind.Primitive, EnumName: null, IsArray: false }
        ? $"({CSharp.Primitive(f.TypeName)})({CSharp.Default(f)})"
        : CSharp.Default(f);

    private static void Tagged(CodeWriter code, Struct s, Api api)
    {
        if (api.Flexible.Intersect(api.Versions).IsEmpty)
            return;
        var tagged = s.Fields.Where(f => f.Tag is not null).ToList();
        foreach (var f in tagged)
            code.Line($"{CSharp.PropertyType(f)} {CSharp.Local(f)} = {CSharp.Default(f)};");
        code.Open("if (flexible)");
        if (tagged.Count == 0)
        {
            code.Line($"r.SkipTaggedFields(\"{s.Name}\");");
        }
        else
        {
            code.Open($"for (var left = r.ReadTagCount(\"{s.Name}\"); left > 0; left--)");
            code.Line($"var tag = r.BeginTag(\"{s.Name}\", out var outer);");
            code.Open("switch (tag)");
            foreach (var f in tagged)
            {
                var condition = CSharp.In(f.Versions, api.Flexible.Intersect(api.Versions));
                code.Open($"case {f.Tag}{(condition is null ? "" : " when " + condition)}:");
                code.Line($"{CSharp.Local(f)} = {Expression(s, f, api)};");
                code.Line("break;");
                code.Close();
            }

            code.Open("default:");
            code.Line("r.SkipTag();");
            code.Line("break;");
            code.Close();
            code.Close();
            code.Line($"r.EndTag(\"{s.Name}\", tag, outer);");
            code.Close();
        }

        code.Close();
    }

    private static string Expression(Struct s, Field f, Api api)
    {
        var name = $"\"{s.Name}.{f.Name}\"";
        var nullable = !f.IsNullable ? "false" : CSharp.In(f.Nullable, api.Versions) ?? "true";
        if (f.IsArray)
            return $"Read{f.Name}(ref r, version, flexible)";
        if (f.Kind == FieldKind.Struct)
        {
            return f.IsNullable
                ? $"r.ReadPresence({name}, {nullable}) ? {f.TypeName}.Read(ref r, version) : null"
                : $"{f.TypeName}.Read(ref r, version)";
        }

        return f.IsNullable ? $"r.ReadNullable{CSharp.Method(f)}(flexible, {nullable}, {name})" : Scalar(f, name);
    }

    private static string Scalar(Field f, string name) => f.Kind switch
    {
        FieldKind.String or FieldKind.Bytes => $"r.Read{CSharp.Method(f)}(flexible, {name})",
        FieldKind.Primitive when f.EnumName is not null => $"({f.EnumName})r.Read{CSharp.Method(f)}({name})",
        _ => $"r.Read{CSharp.Method(f)}({name})",
    };

    private static void ArrayReader(CodeWriter code, Struct s, Field f, Api api)
    {
        var name = $"\"{s.Name}.{f.Name}\"";
        var element = CSharp.ElementType(f);
        var nullable = !f.IsNullable ? "false" : CSharp.In(f.Nullable, api.Versions) ?? "true";
        code.Line();
        code.Open($"private static {element}[]{(f.IsNullable ? "?" : "")} Read{f.Name}(ref ProtocolReader r, short version, bool flexible)");
        code.Line($"var count = r.ReadArrayLength(flexible, {nullable}, {CSharp.MinWireSize(f, api)}, {CSharp.MemoryCost(f)}, {name});");
        if (f.IsNullable)
            code.When("count < 0", "return null;");
        code.When("count == 0", "return [];");
        code.Line($"var items = new {element}[count];");
        code.Line("for (var i = 0; i < items.Length; i++)");
        code.Line($"    items[i] = {(f.Kind == FieldKind.Struct ? $"{f.TypeName}.Read(ref r, version)" : Scalar(f, name))};");
        code.Line("return items;");
        code.Close();
    }
}
