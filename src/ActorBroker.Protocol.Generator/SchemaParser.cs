using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace ActorBroker.Protocol.Generator;

/// <summary>A schema that can't be understood, with the line (from 0) that is to blame.</summary>
internal sealed class SchemaException : Exception
{
    public SchemaException(int line, string message) : base(message) => Line = line;

    public int Line { get; }
}

/// <summary>
/// Reads an <c>.api</c> file. Its grammar is in src/ActorBroker.Protocol/Schema/README.md:
/// <code>
/// api NAME KEY VERSIONS [flexible VERSIONS]
/// request -- what it asks for
///   Name  type  [VERSIONS] [null:VERSIONS] [tag:N] [=default] [ignorable]  -- what it means
///     Field of the structure ...
/// response -- what it answers
/// </code>
/// Two spaces of indentation are one level of nesting.
/// </summary>
internal sealed class SchemaParser
{
    private static readonly HashSet<string> Primitives = new(StringComparer.Ordinal)
    {
        "bool", "int8", "int16", "uint16", "int32", "int64", "float64",
    };

    private readonly Api _api = new();
    private Message? _message;

    /// <summary>The structures that enclose the current line; the message body first.</summary>
    private readonly List<Struct> _open = new();

    public static Api Parse(string text)
    {
        var parser = new SchemaParser();
        var lines = text.Replace("\r", "").Split('\n');
        for (var i = 0; i < lines.Length; i++)
            parser.Line(lines[i], i);
        if (parser._api.Request is null || parser._api.Response is null)
            throw new SchemaException(lines.Length - 1, "an api needs a request and a response");
        return parser._api;
    }

    private void Line(string raw, int line)
    {
        var docAt = raw.IndexOf("--", StringComparison.Ordinal);
        var doc = docAt < 0 ? "" : raw.Substring(docAt + 2).Trim();
        var content = docAt < 0 ? raw : raw.Substring(0, docAt);
        var hash = content.IndexOf('#');
        if (hash >= 0)
            content = content.Substring(0, hash);
        if (content.Trim().Length == 0)
            return;

        var indent = content.Length - content.TrimStart(' ').Length;
        if (indent % 2 != 0)
            throw new SchemaException(line, "indent by two spaces a level");
        var words = content.Split(new[] { ' ' }, StringSplitOptions.RemoveEmptyEntries);

        if (indent == 0)
            TopLevel(words, doc, line);
        else
            FieldLine(words, indent / 2, doc, line);
    }

    private void TopLevel(string[] words, string doc, int line)
    {
        switch (words[0])
        {
            case "api" when words.Length is 4 or 6:
                _api.Name = words[1];
                _api.Key = int.Parse(words[2], CultureInfo.InvariantCulture);
                _api.Versions = Range(words[3], line);
                if (words.Length == 6)
                    _api.Flexible = Range(words[5], line);
                break;
            case "request":
                _api.Request = Begin("Request", doc, isRequest: true);
                break;
            case "response":
                _api.Response = Begin("Response", doc, isRequest: false);
                break;
            default:
                throw new SchemaException(line, $"'{words[0]}' is not one of: api NAME KEY VERSIONS [flexible VERSIONS], request, response");
        }
    }

    private Message Begin(string suffix, string doc, bool isRequest)
    {
        _message = new Message(_api, new Struct(_api.Name + suffix, doc), isRequest);
        _open.Clear();
        _open.Add(_message.Body);
        return _message;
    }

    private void FieldLine(string[] words, int depth, string doc, int line)
    {
        if (_message is null)
            throw new SchemaException(line, "a field stands before any request or response");
        if (depth > _open.Count)
            throw new SchemaException(line, "this field is nested in one that is no structure");
        if (words.Length < 2)
            throw new SchemaException(line, "a field needs a name and a type");

        _open.RemoveRange(depth, _open.Count - depth);
        var field = new Field(words[0], line) { Doc = doc, Versions = _api.Versions };
        Type(field, words[1]);
        var nullable = words[1].EndsWith("?", StringComparison.Ordinal);
        VersionRange? nullableVersions = null;
        foreach (var word in words.Skip(2))
            Attribute(field, word, ref nullableVersions);
        if (field.Versions.IsEmpty)
            throw new SchemaException(line, $"{field.Name} exists in no version of {_api.Name}");
        if (nullable)
            field.Nullable = (nullableVersions ?? field.Versions).Intersect(field.Versions);
        else if (nullableVersions is not null)
            throw new SchemaException(line, "null: goes with a type that ends in ?");
        if (field.Tag is not null && !_api.Flexible.Covers(field.Versions))
            throw new SchemaException(line, "a tagged field exists in flexible versions only");
        _open[_open.Count - 1].Fields.Add(field);
        if (field.DeclaresStruct)
            _open.Add(field.Struct!);
    }

    private void Attribute(Field field, string word, ref VersionRange? nullableVersions)
    {
        if (word == "ignorable")
            field.Ignorable = true;
        else if (word.StartsWith("null:", StringComparison.Ordinal))
            nullableVersions = Range(word.Substring(5), field.Line);
        else if (word.StartsWith("tag:", StringComparison.Ordinal))
            field.Tag = int.Parse(word.Substring(4), CultureInfo.InvariantCulture);
        else if (word.StartsWith("=", StringComparison.Ordinal))
            field.Default = word.Substring(1);
        else
            field.Versions = Range(word, field.Line).Intersect(_api.Versions);
    }

    private void Type(Field field, string type)
    {
        type = type.TrimEnd('?');
        field.IsArray = type.EndsWith("[]", StringComparison.Ordinal);
        if (field.IsArray)
            type = type.Substring(0, type.Length - 2);
        var colon = type.IndexOf(':');
        if (colon >= 0)
            (field.EnumName, type) = (type.Substring(colon + 1), type.Substring(0, colon));
        field.TypeName = type;
        field.Kind = type switch
        {
            "string" => FieldKind.String,
            "uuid" => FieldKind.Uuid,
            "bytes" or "records" => FieldKind.Bytes,
            _ => Primitives.Contains(type) ? FieldKind.Primitive : FieldKind.Struct,
        };
        if (field.EnumName is not null && field.Kind != FieldKind.Primitive)
            throw new SchemaException(field.Line, "an enum stands for a primitive only");
        if (field.Kind == FieldKind.Struct)
            OpenStruct(field);
    }

    /// <summary>A name seen before in the same message refers to that structure; a new one is declared by the lines below.</summary>
    private void OpenStruct(Field field)
    {
        if (!char.IsUpper(field.TypeName[0]))
            throw new SchemaException(field.Line, $"'{field.TypeName}' is no type");
        if (field.TypeName == field.Name && _open.Count == 1)
            throw new SchemaException(field.Line, "C# has no room for a field and a nested type of one name");
        var known = _message!.Structs.FirstOrDefault(s => s.Name == field.TypeName);
        if (known is null)
        {
            known = new Struct(field.TypeName, field.Doc);
            _message.Structs.Add(known);
            field.DeclaresStruct = true;
        }

        field.Struct = known;
    }

    private static VersionRange Range(string text, int line)
    {
        try
        {
            if (text.EndsWith("+", StringComparison.Ordinal))
                return new VersionRange(Number(text.Substring(0, text.Length - 1)), VersionRange.Open);
            var dash = text.IndexOf('-');
            return dash < 0
                ? new VersionRange(Number(text), Number(text))
                : new VersionRange(Number(text.Substring(0, dash)), Number(text.Substring(dash + 1)));
        }
        catch (FormatException)
        {
            throw new SchemaException(line, $"'{text}' is neither an attribute nor a version range such as 3+, 4-12 or 7");
        }
    }

    private static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
