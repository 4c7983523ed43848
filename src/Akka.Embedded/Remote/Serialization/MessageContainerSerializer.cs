using Akka.Actor;
using Akka.Remote.Wire;
using Akka.Serialization;

namespace Akka.Remote.Serialization;

/// <summary>
/// Selections: { 1 payload, 2 element* { 1 type, 2 matcher } } with types 1 parent, 2 child by name, 3 child by pattern.
/// </summary>
public class MessageContainerSerializer : Serializer
{
    private const int Parent = 1, ChildName = 2, ChildPattern = 3;
    private const int MaxElements = 1024;

    public MessageContainerSerializer(ExtendedActorSystem system) : base(system) { }

    public override int Identifier => 6;

    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj)
    {
        if (obj is not ActorSelectionMessage selection)
            throw new ArgumentException($"This serializer takes selections, not {obj.GetType()}.", nameof(obj));
        using var output = new OutputBuffer();
        NestedPayload.Write(output, 1, selection.Message, system);
        using var element = new OutputBuffer();
        foreach (var part in selection.Elements)
        {
            element.Clear();
            switch (part)
            {
                case SelectChildName named:
                    element.Int(1, ChildName);
                    element.String(2, named.Name);
                    break;
                case SelectChildPattern pattern:
                    element.Int(1, ChildPattern);
                    element.String(2, pattern.PatternStr);
                    break;
                default:
                    element.Int(1, Parent);
                    break;
            }

            output.Message(2, element.WrittenSpan);
        }

        return output.ToArray();
    }

    public override object FromBinary(byte[] bytes, Type type)
    {
        object? message = null;
        var elements = new List<SelectionPathElement>();
        var reader = new ProtoReader(bytes);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 1:
                    message = NestedPayload.Read(reader.BytesValue(), system);
                    break;
                case 2 when elements.Count < MaxElements:
                    elements.Add(ReadElement(reader.BytesValue()));
                    break;
                case 2:
                    throw new WireFormatException("a selection has too many elements");
                default:
                    reader.Skip();
                    break;
            }
        }

        return new ActorSelectionMessage(message ?? throw new WireFormatException("a selection carries no message"), [.. elements]);
    }

    private static SelectionPathElement ReadElement(ReadOnlySpan<byte> bytes)
    {
        var type = 0;
        var matcher = "";
        var reader = new ProtoReader(bytes);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 1:
                    type = reader.Int32Value();
                    break;
                case 2:
                    matcher = reader.StringValue();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return type switch
        {
            Parent => new SelectParent(),
            ChildName => new SelectChildName(matcher),
            ChildPattern => new SelectChildPattern(matcher),
            _ => throw new WireFormatException($"unknown selection element {type}"),
        };
    }
}
