using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Remote.Wire;

namespace Akka.Remote.Serialization;

/// <summary>
/// Exceptions: { 1 type name, 2 message, 3 stack trace, 4 source, 5 inner }. A type name from the wire never loads a type: those
/// listed here come back as themselves, all others as a <see cref="RemoteFailureException"/>.
/// </summary>
internal static class ExceptionCodec
{
    private const int MaxDepth = 16;

    private static readonly Dictionary<string, Func<string, Exception?, Exception>> Known = new(StringComparer.Ordinal)
    {
        ["System.Exception"] = static (m, i) => new Exception(m, i),
        ["System.ArgumentException"] = static (m, i) => new ArgumentException(m, i),
        ["System.ArgumentNullException"] = static (m, i) => new ArgumentNullException(m, i),
        ["System.ArgumentOutOfRangeException"] = static (m, i) => new ArgumentOutOfRangeException(m, i),
        ["System.InvalidOperationException"] = static (m, i) => new InvalidOperationException(m, i),
        ["System.NotSupportedException"] = static (m, i) => new NotSupportedException(m, i),
        ["System.NotImplementedException"] = static (m, i) => new NotImplementedException(m, i),
        ["System.TimeoutException"] = static (m, i) => new TimeoutException(m, i),
        ["System.OperationCanceledException"] = static (m, i) => new OperationCanceledException(m, i),
        ["System.Threading.Tasks.TaskCanceledException"] = static (m, i) => new TaskCanceledException(m, i),
        ["System.FormatException"] = static (m, i) => new FormatException(m, i),
        ["System.OverflowException"] = static (m, i) => new OverflowException(m, i),
        ["System.UnauthorizedAccessException"] = static (m, i) => new UnauthorizedAccessException(m, i),
        ["System.IO.IOException"] = static (m, i) => new IOException(m, i),
        ["System.Collections.Generic.KeyNotFoundException"] = static (m, i) => new KeyNotFoundException(m, i),
        ["System.Runtime.Serialization.SerializationException"] = static (m, i) => new SerializationException(m, i),
        ["Akka.Actor.AskTimeoutException"] = static (m, _) => new AskTimeoutException(m),
    };

    public static void Write(OutputBuffer output, int field, Exception? exception)
    {
        using var content = new OutputBuffer();
        WriteContent(content, exception, 0);
        output.Message(field, content.WrittenSpan);
    }

    public static Exception? Read(ReadOnlySpan<byte> bytes) => Read(bytes, 0);

    private static void WriteContent(OutputBuffer output, Exception? exception, int depth)
    {
        if (exception is null)
            return;
        var type = exception.GetType();
        output.String(1, Akka.Serialization.TypeNames.Of(type));
        output.String(2, exception.Message);
        output.String(3, exception.StackTrace);
        output.String(4, exception.Source);
        using var inner = new OutputBuffer();
        if (depth < MaxDepth)
            WriteContent(inner, exception.InnerException, depth + 1);
        output.Message(5, inner.WrittenSpan);
    }

    private static Exception? Read(ReadOnlySpan<byte> bytes, int depth)
    {
        if (depth > MaxDepth + 1)
            throw new WireFormatException("exceptions are nested too deeply");
        string type = "", message = "";
        Exception? inner = null;
        var reader = new ProtoReader(bytes);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 1:
                    type = reader.StringValue();
                    break;
                case 2:
                    message = reader.StringValue();
                    break;
                case 5:
                    inner = Read(reader.BytesValue(), depth + 1);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        if (type.Length == 0)
            return null;
        var comma = type.IndexOf(',', StringComparison.Ordinal);
        var name = comma < 0 ? type : type[..comma];
        return Known.TryGetValue(name, out var make) ? make(message, inner) : new RemoteFailureException($"{name}: {message}", inner);
    }
}

/// <summary>An exception of a type that this side does not take from the wire. Its message begins with the type's name.</summary>
internal sealed class RemoteFailureException : AkkaException
{
    public RemoteFailureException(string message, Exception? cause) : base(message, cause) { }
}
