using System.Linq;

namespace ActorBroker.Protocol.Generator;

/// <summary>
/// Writes <c>Write</c>. The same code measures and writes, since the writer can do either; only a tagged field, whose size
/// stands before it, is measured on its own.
/// </summary>
internal static class WriteEmitter
{
    public static void Emit(CodeWriter code, Struct s, Message message, bool isBody)
    {
        var api = message.Api;
        if (isBody)
            code.Line("/// <inheritdoc/>");
        code.Open($"{(isBody ? "public" : "internal")} void Write(ref ProtocolWriter w, short version)");
        if (isBody)
            code.Line($"ApiRegistry.CheckVersion(ApiKey.{api.Name}, version, {api.Versions.Min}, {api.Versions.Max});");
        ReadEmitter.Flexible(code, s, api);
        foreach (var f in s.Fields.Where(f => f.Tag is null))
            Ordinary(code, s, f, api);
        Tagged(code, s, api);
        code.Close();
        foreach (var f in s.Fields)
            FieldWriter(code, s, f, api);
    }

    private static void Ordinary(CodeWriter code, Struct s, Field f, Api api)
    {
        var condition = CSharp.In(f.Versions, api.Versions);
        var write = f.IsArray || f.Tag is not null ? $"Write{f.Name}(ref w, version, flexible);" : Value(s, f, api);
        code.When(condition, write);
        RefuseLoss(code, s, f, condition);
    }

    /// <summary>A value that the version at hand can't carry is an error, unless the schema says that it may be dropped.</summary>
    private static void RefuseLoss(CodeWriter code, Struct s, Field f, string? condition)
    {
        if (condition is null || f.Ignorable)
            return;
        code.Open($"else if (!({CSharp.IsDefault(f)}))");
        code.Line($"throw ProtocolException.NotInVersion(\"{s.Name}.{f.Name}\", version);");
        code.Close();
    }

    private static void Tagged(CodeWriter code, Struct s, Api api)
    {
        if (api.Flexible.Intersect(api.Versions).IsEmpty)
            return;
        var tagged = s.Fields.Where(f => f.Tag is not null).OrderBy(f => f.Tag).ToList();
        foreach (var f in tagged.Where(f => !f.Ignorable))
        {
            var condition = CSharp.In(f.Versions, api.Versions);
            if (condition is null)
                continue;
            code.Open($"if (!({condition}) && !({CSharp.IsDefault(f)}))");
            code.Line($"throw ProtocolException.NotInVersion(\"{s.Name}.{f.Name}\", version);");
            code.Close();
        }

        code.Open("if (flexible)");
        foreach (var f in tagged)
        {
            var condition = CSharp.In(f.Versions, api.Flexible.Intersect(api.Versions));
            code.Line($"var has{f.Name} = {(condition is null ? "" : condition + " && ")}!({CSharp.IsDefault(f)});");
        }

        var count = tagged.Count == 0 ? "0" : string.Join(" + ", tagged.Select(f => $"(has{f.Name} ? 1 : 0)"));
        code.Line($"w.WriteUnsignedVarint((uint)({count}));");
        foreach (var f in tagged)
        {
            code.Open($"if (has{f.Name})");
            code.Line("var measure = ProtocolWriter.Measure();");
            code.Line($"Write{f.Name}(ref measure, version, flexible);");
            code.Line($"w.WriteTag({f.Tag}, measure.Length);");
            code.Line($"Write{f.Name}(ref w, version, flexible);");
            code.Close();
        }

        code.Close();
    }

    /// <summary>Arrays and tagged fields get a method each.</summary>
    private static void FieldWriter(CodeWriter code, Struct s, Field f, Api api)
    {
        if (!f.IsArray && f.Tag is null)
            return;
        code.Line();
        code.Open($"private void Write{f.Name}(ref ProtocolWriter w, short version, bool flexible)");
        if (f.IsArray)
            ArrayBody(code, s, f, api);
        else
            code.Line(Value(s, f, api));
        code.Close();
    }

    private static void ArrayBody(CodeWriter code, Struct s, Field f, Api api)
    {
        code.Line($"var items = {f.Name};");
        if (f.IsNullable)
        {
            code.Open("if (items is null)");
            code.Line($"w.WriteNullArray(flexible, {Nullable(f, api)}, \"{s.Name}.{f.Name}\", version);");
            code.Line("return;");
            code.Close();
        }

        code.Line("w.WriteArrayLength(items.Count, flexible);");
        code.Line("for (var i = 0; i < items.Count; i++)");
        code.Line("    " + (f.Kind == FieldKind.Struct ? "items[i].Write(ref w, version);" : Scalar(f, "items[i]", s)));
    }

    private static string Value(Struct s, Field f, Api api)
    {
        var name = $"\"{s.Name}.{f.Name}\"";
        if (f.Kind == FieldKind.Struct)
        {
            return f.IsNullable
                ? $"if (w.WritePresence({f.Name} is not null, {Nullable(f, api)}, {name}, version)) {f.Name}!.Write(ref w, version);"
                : $"{f.Name}.Write(ref w, version);";
        }

        return f.IsNullable
            ? $"w.WriteNullable{WriterMethod(f)}({f.Name}, flexible, {Nullable(f, api)}, {name}, version);"
            : Scalar(f, f.Name, s);
    }

    private static string Scalar(Field f, string value, Struct s) => f.Kind switch
    {
        FieldKind.String => $"w.WriteString({value}, flexible, \"{s.Name}.{f.Name}\");",
        FieldKind.Bytes => $"w.Write{WriterMethod(f)}({value}, flexible);",
        FieldKind.Primitive when f.EnumName is not null => $"w.Write{CSharp.Method(f)}(({CSharp.Primitive(f.TypeName)}){value});",
        _ => $"w.Write{CSharp.Method(f)}({value});",
    };

    /// <summary>Record batches have a method of their own, since a gathering writer doesn't copy them.</summary>
    private static string WriterMethod(Field f) => f.TypeName == "records" ? "Records" : CSharp.Method(f);

    private static string Nullable(Field f, Api api) => CSharp.In(f.Nullable, api.Versions) ?? "true";
}
