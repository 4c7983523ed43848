using System.Collections;
using System.Reflection;
using ActorBroker.Protocol.Tests.Golden;

namespace ActorBroker.Protocol.Tests;

/// <summary>
/// Random messages that a given version can carry. Which fields it has, and which may be null, is learnt from Kafka's
/// golden bodies: in "full" every field that the version has differs from its default, in "nulls" what may be null is.
/// </summary>
internal sealed class RandomMessages
{
    private readonly Random _random;
    private readonly Type _type;
    private readonly HashSet<PropertyInfo> _present = [];
    private readonly HashSet<PropertyInfo> _nullable = [];

    public RandomMessages(string message, short version, Random random)
    {
        _random = random;
        _type = MessageTools.TypeOf(message);
        var lines = GoldenFile.Of(message).Where(l => l.Version == version).ToDictionary(l => l.Variant);
        Learn(lines["full"].Read(), _present, value => value is not null);
        Learn(lines["nulls"].Read(), _nullable, value => value is null);
    }

    public IApiMessage Next() => (IApiMessage)Struct(_type, depth: 0);

    private static void Learn(object message, HashSet<PropertyInfo> found, Func<object?, bool> counts)
    {
        var defaults = Activator.CreateInstance(message.GetType())!;
        foreach (var field in MessageTools.Fields(message.GetType()))
        {
            var value = field.GetValue(message);
            if (counts(value) && (value is null || MessageTools.Difference(value, field.GetValue(defaults)) is not null))
                found.Add(field);
            if (value is not null && MessageTools.IsStruct(value.GetType()))
                Learn(value, found, counts);
            if (value is IList list && list.Count > 0 && MessageTools.IsStruct(list[0]!.GetType()))
                Learn(list[0]!, found, counts);
        }
    }

    private object Struct(Type type, int depth)
    {
        var instance = Activator.CreateInstance(type)!;
        foreach (var field in MessageTools.Fields(type).Where(_present.Contains))
        {
            if (_random.Next(5) > 0) // else the default
                field.SetValue(instance, _nullable.Contains(field) && _random.Next(4) == 0 ? null : Value(field.PropertyType, depth));
        }

        return instance;
    }

    private object Value(Type type, int depth)
    {
        if (MessageTools.IsList(type))
        {
            var element = type.GetGenericArguments()[0];
            var items = Array.CreateInstance(element, _random.Next(20) == 0 && depth == 0 ? 200 : _random.Next(4));
            for (var i = 0; i < items.Length; i++)
                items.SetValue(Value(element, depth + 1), i);
            return items;
        }

        if (type.IsEnum)
            return Enum.ToObject(type, Convert.ChangeType(Value(Enum.GetUnderlyingType(type), depth), typeof(long)));
        if (MessageTools.IsStruct(type))
            return Struct(type, depth + 1);
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type == typeof(string) ? (object)Text()
            : type == typeof(bool) ? _random.Next(2) == 0
            : type == typeof(Guid) ? new Guid(Bytes(16))
            : type == typeof(ReadOnlyMemory<byte>) ? new ReadOnlyMemory<byte>(Bytes(_random.Next(10) == 0 ? 40_000 : _random.Next(300)))
            : type == typeof(sbyte) ? (object)(sbyte)_random.Next(sbyte.MinValue, sbyte.MaxValue + 1)
            : type == typeof(short) ? (object)(short)_random.Next(short.MinValue, short.MaxValue + 1)
            : type == typeof(ushort) ? (object)(ushort)_random.Next(ushort.MaxValue + 1)
            : type == typeof(int) ? (object)_random.Next(int.MinValue, int.MaxValue)
            : _random.NextInt64(long.MinValue, long.MaxValue);
    }

    private string Text()
    {
        var length = _random.Next(30) == 0 ? 3000 : _random.Next(20);
        return string.Create(length, _random, static (chars, random) =>
        {
            for (var i = 0; i < chars.Length; i++)
                chars[i] = (char)(random.Next(4) == 0 ? random.Next(0x80, 0xd800) : random.Next(0x80));
        });
    }

    private byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        _random.NextBytes(bytes);
        return bytes;
    }
}
