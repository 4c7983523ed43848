using System.Collections;
using System.Reflection;
using System.Text.Json;

namespace ActorBroker.Protocol.Tests;

/// <summary>Builds and compares messages by reflection, independently of the generated codec.</summary>
internal static class MessageTools
{
    private static readonly Assembly Protocol = typeof(ApiKey).Assembly;

    public static Type TypeOf(string message) => Protocol.GetType("ActorBroker.Protocol." + message, throwOnError: true)!;

    /// <summary>The fields of the schema: what can be initialised.</summary>
    public static IEnumerable<PropertyInfo> Fields(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite);

    public static bool IsStruct(Type type) => type is { Namespace: "ActorBroker.Protocol", IsClass: true, IsArray: false };

    public static bool IsList(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>);

    public static IApiMessage FromJson(string message, JsonElement json) => (IApiMessage)Struct(TypeOf(message), json);

    /// <summary>Null if both hold the same, else the path of the first difference.</summary>
    public static string? Difference(object? left, object? right, string path = "")
    {
        if (left is null || right is null)
            return ReferenceEquals(left, right) ? null : path;
        if (left is ReadOnlyMemory<byte> bytes)
            return bytes.Span.SequenceEqual(((ReadOnlyMemory<byte>)right).Span) ? null : path;
        if (left is IList list)
        {
            var other = (IList)right;
            if (list.Count != other.Count)
                return path + ".Count";
            for (var i = 0; i < list.Count; i++)
            {
                if (Difference(list[i], other[i], $"{path}[{i}]") is { } inner)
                    return inner;
            }

            return null;
        }

        if (!IsStruct(left.GetType()))
            return left.Equals(right) ? null : $"{path}: {left} is not {right}";
        return Fields(left.GetType())
            .Select(p => Difference(p.GetValue(left), p.GetValue(right), $"{path}.{p.Name}"))
            .FirstOrDefault(d => d is not null);
    }

    /// <summary>Sets init-only properties, which reflection may.</summary>
    public static object Struct(Type type, JsonElement json)
    {
        var instance = Activator.CreateInstance(type)!;
        foreach (var value in json.EnumerateObject())
        {
            var property = Fields(type).Single(p => p.Name.Equals(value.Name, StringComparison.OrdinalIgnoreCase));
            property.SetValue(instance, Value(property.PropertyType, value.Value));
        }

        return instance;
    }

    private static object? Value(Type type, JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.Null)
            return null;
        if (IsList(type))
        {
            var element = type.GetGenericArguments()[0];
            var items = Array.CreateInstance(element, json.GetArrayLength());
            for (var i = 0; i < items.Length; i++)
                items.SetValue(Value(element, json[i]), i);
            return items;
        }

        if (type.IsEnum)
            return Enum.ToObject(type, json.GetInt64());
        if (IsStruct(type))
            return Struct(type, json);
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type == typeof(string) ? json.GetString()
            : type == typeof(bool) ? json.GetBoolean()
            : type == typeof(Guid) ? new Guid(Convert.FromBase64String(json.GetString()!.Replace('-', '+').Replace('_', '/') + "=="), bigEndian: true)
            : type == typeof(ReadOnlyMemory<byte>) ? new ReadOnlyMemory<byte>(json.GetBytesFromBase64())
            : Convert.ChangeType(json.GetInt64(), type);
    }
}
