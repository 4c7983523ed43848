using System.Collections.Generic;

namespace ActorBroker.Protocol.Generator;

/// <summary>An inclusive range of API versions; <see cref="Open"/> stands for "and every later one".</summary>
internal sealed record VersionRange(int Min, int Max)
{
    public const int Open = short.MaxValue;

    public static readonly VersionRange None = new(1, 0);

    public bool IsEmpty => Min > Max;

    public bool Contains(int version) => version >= Min && version <= Max;

    public bool Covers(VersionRange other) => other.IsEmpty || (Min <= other.Min && Max >= other.Max);

    public VersionRange Intersect(VersionRange other) =>
        new(Min > other.Min ? Min : other.Min, Max < other.Max ? Max : other.Max);
}

internal enum FieldKind
{
    Primitive,
    String,
    Uuid,
    Bytes,
    Struct,
}

/// <summary>One field of a message or structure, as the schema states it.</summary>
internal sealed class Field
{
    public Field(string name, int line) => (Name, Line) = (name, line);

    public string Name { get; }

    public int Line { get; }

    public FieldKind Kind { get; set; }

    /// <summary>The wire type's name: int32, string, records, or the structure's name.</summary>
    public string TypeName { get; set; } = "";

    /// <summary>The enum that stands for a primitive in C#, or null.</summary>
    public string? EnumName { get; set; }

    public bool IsArray { get; set; }

    public VersionRange Versions { get; set; } = VersionRange.None;

    public VersionRange Nullable { get; set; } = VersionRange.None;

    /// <summary>The tag of a tagged field, or null for an ordinary one.</summary>
    public int? Tag { get; set; }

    /// <summary>The default as the schema writes it, or null where the type's own default holds.</summary>
    public string? Default { get; set; }

    /// <summary>True if a version without this field may be written although the value is not the default.</summary>
    public bool Ignorable { get; set; }

    public string Doc { get; set; } = "";

    public Struct? Struct { get; set; }

    /// <summary>True where the structure's fields follow; false where it was declared further up.</summary>
    public bool DeclaresStruct { get; set; }

    public bool IsNullable => !Nullable.IsEmpty;
}

/// <summary>A structure: the body of a message, or what an array or a field of it holds.</summary>
internal sealed class Struct
{
    public Struct(string name, string doc) => (Name, Doc) = (name, doc);

    public string Name { get; }

    public string Doc { get; }

    public List<Field> Fields { get; } = new();
}

/// <summary>A request or a response.</summary>
internal sealed class Message
{
    public Message(Api api, Struct body, bool isRequest) => (Api, Body, IsRequest) = (api, body, isRequest);

    public Api Api { get; }

    public Struct Body { get; }

    public bool IsRequest { get; }

    /// <summary>The structures declared inside, in order of appearance.</summary>
    public List<Struct> Structs { get; } = new();
}

/// <summary>One API: its key, its versions, its request and its response.</summary>
internal sealed class Api
{
    public string Name { get; set; } = "";

    public int Key { get; set; }

    public VersionRange Versions { get; set; } = VersionRange.None;

    /// <summary>The versions that are flexible: compact types and tagged fields.</summary>
    public VersionRange Flexible { get; set; } = VersionRange.None;

    public Message? Request { get; set; }

    public Message? Response { get; set; }
}
