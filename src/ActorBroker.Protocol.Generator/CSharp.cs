using System.Globalization;
using System.Linq;

namespace ActorBroker.Protocol.Generator;

/// <summary>How fields look in C#: types, defaults, local names, version conditions, sizes.</summary>
internal static class CSharp
{
    public static string ElementType(Field f) => f.Kind switch
    {
        FieldKind.Primitive => f.EnumName ?? Primitive(f.TypeName),
        FieldKind.String => "string",
        FieldKind.Uuid => "Guid",
        FieldKind.Bytes => "ReadOnlyMemory<byte>",
        _ => f.TypeName,
    };

    public static string PropertyType(Field f)
    {
        var type = f.IsArray ? $"IReadOnlyList<{ElementType(f)}>" : ElementType(f);
        return f.IsNullable ? type + "?" : type;
    }

    /// <summary>The initial value of the property.</summary>
    public static string Default(Field f)
    {
        if (f.Default == "null")
            return "null";
        if (f.IsArray)
            return "[]";
        return f.Kind switch
        {
            FieldKind.Primitive when f.TypeName == "bool" => f.Default ?? "false",
            FieldKind.Primitive when f.EnumName is not null => f.Default is null ? "default" : $"({f.EnumName})({f.Default})",
            FieldKind.Primitive => f.Default ?? "0",
            FieldKind.String => $"\"{f.Default}\"",
            FieldKind.Struct => f.IsNullable ? "null" : $"{f.TypeName}.Default",
            _ => "default",
        };
    }

    /// <summary>An expression that is true while the property holds its default.</summary>
    public static string IsDefault(Field f)
    {
        if (f.Default == "null" || (f.Kind is FieldKind.Bytes && f.IsNullable))
            return $"{f.Name} is null";
        if (f.IsArray)
            return f.IsNullable ? $"{f.Name} is {{ Count: 0 }}" : $"{f.Name}.Count == 0";
        return f.Kind switch
        {
            FieldKind.Bytes => $"{f.Name}.IsEmpty",
            FieldKind.Struct when f.IsNullable => $"{f.Name} is null",
            FieldKind.Struct => $"{f.Name} == {f.TypeName}.Default",
            _ => $"{f.Name} == {Default(f)}",
        };
    }

    public static string Local(Field f) => "@" + char.ToLowerInvariant(f.Name[0]) + f.Name.Substring(1);

    /// <summary>The condition on <c>version</c> for it to lie in <paramref name="range"/>; null if it always does, "false" if never.</summary>
    public static string? In(VersionRange range, VersionRange all)
    {
        var within = range.Intersect(all);
        if (within.IsEmpty)
            return "false";
        var low = within.Min > all.Min ? $"version >= {within.Min}" : null;
        var high = within.Max < all.Max ? $"version <= {within.Max}" : null;
        if (low is not null && high is not null)
            return within.Min == within.Max ? $"version == {within.Min}" : $"version is >= {within.Min} and <= {within.Max}";
        return low ?? high;
    }

    public static string Primitive(string type) => type switch
    {
        "bool" => "bool",
        "int8" => "sbyte",
        "int16" => "short",
        "uint16" => "ushort",
        "int32" => "int",
        "int64" => "long",
        _ => "double",
    };

    /// <summary>The part of the reader's and writer's method name that says the type: Int32, String, ...</summary>
    public static string Method(Field f) => f.Kind switch
    {
        FieldKind.Primitive => f.TypeName switch
        {
            "bool" => "Boolean",
            "int8" => "Int8",
            "int16" => "Int16",
            "uint16" => "UInt16",
            "int32" => "Int32",
            "int64" => "Int64",
            _ => "Float64",
        },
        FieldKind.String => "String",
        FieldKind.Uuid => "Uuid",
        _ => "Bytes",
    };

    /// <summary>The fewest bytes that an element takes on the wire in any version of the API: what bounds an array's claimed length.</summary>
    public static int MinWireSize(Field f, Api api) =>
        Enumerable.Range(api.Versions.Min, api.Versions.Max - api.Versions.Min + 1)
            .Where(f.Versions.Contains)
            .Select(v => f.Kind == FieldKind.Struct ? StructSize(f.Struct!, v, api) : ScalarSize(f, v, api))
            .Min();

    /// <summary>About what one element takes in memory, its place in the array included: what the reader's budget is charged.</summary>
    public static int MemoryCost(Field f) => f.Kind == FieldKind.Struct
        ? 24 + f.Struct!.Fields.Sum(inner => inner.IsArray ? 8 : inner.Kind switch
        {
            FieldKind.Uuid => 16,
            FieldKind.Bytes => 24,
            _ => 8,
        })
        : f.Kind switch
        {
            FieldKind.Uuid or FieldKind.Bytes => 16,
            FieldKind.Primitive => f.TypeName switch { "bool" or "int8" => 1, "int16" or "uint16" => 2, "int32" => 4, _ => 8 },
            _ => 8,
        };

    public static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static int StructSize(Struct s, int version, Api api)
    {
        var flexible = api.Flexible.Contains(version);
        var size = flexible ? 1 : 0;
        foreach (var f in s.Fields.Where(f => f.Tag is null && f.Versions.Contains(version)))
        {
            if (f.IsArray)
                size += flexible ? 1 : 4;
            else if (f.Kind == FieldKind.Struct)
                size += f.IsNullable ? 1 : StructSize(f.Struct!, version, api);
            else
                size += ScalarSize(f, version, api);
        }

        return size;
    }

    private static int ScalarSize(Field f, int version, Api api) => f.Kind switch
    {
        FieldKind.Uuid => 16,
        FieldKind.String => api.Flexible.Contains(version) ? 1 : 2,
        FieldKind.Bytes => api.Flexible.Contains(version) ? 1 : 4,
        _ => f.TypeName switch { "bool" or "int8" => 1, "int16" or "uint16" => 2, "int32" => 4, _ => 8 },
    };
}
