using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace ActorBroker.Protocol.Generator;

/// <summary>
/// Turns <c>errors.txt</c> (lines of <c>CODE KAFKA_NAME [retriable] -- sentence</c>) into the enum <c>ErrorCode</c> and the
/// tables of <c>ErrorCodes</c>.
/// </summary>
internal static class ErrorCodeEmitter
{
    private sealed record Error(int Code, string KafkaName, bool Retriable, string Sentence)
    {
        public string Name { get; } = string.Concat(KafkaName.Split('_').Select(w => w[0] + w.Substring(1).ToLowerInvariant()));
    }

    public static string Emit(string text)
    {
        var errors = Parse(text).OrderBy(e => e.Code).ToList();
        var code = new CodeWriter();
        code.Line("/// <summary>Kafka's error codes, under Kafka's names.</summary>");
        code.Open("public enum ErrorCode : short");
        foreach (var e in errors)
        {
            code.Doc(e.Sentence);
            code.Line($"{e.Name} = {CSharp.Number(e.Code)},");
            code.Line();
        }

        code.Close();
        code.Line();
        code.Open("public static partial class ErrorCodes");
        Table(code, "bool", "Retriable", errors, e => e.Retriable ? "true" : "false");
        Table(code, "string", "Names", errors, e => $"\"{e.KafkaName}\"");
        Table(code, "string", "Sentences", errors, e => $"\"{e.Sentence}\"");
        code.Close();
        return code.ToString();
    }

    /// <summary>One entry per code, beginning with -1; the codes are dense, which <see cref="Parse"/> checks.</summary>
    private static void Table(CodeWriter code, string type, string name, List<Error> errors, Func<Error, string> value)
    {
        code.Open($"private static readonly {type}[] {name} =");
        foreach (var e in errors)
            code.Line(value(e) + ",");
        code.Close("};");
        code.Line();
    }

    private static List<Error> Parse(string text)
    {
        var errors = new List<Error>();
        var lines = text.Replace("\r", "").Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].Length == 0 || lines[i][0] == '#')
                continue;
            var doc = lines[i].IndexOf(" -- ", StringComparison.Ordinal);
            var words = (doc < 0 ? "" : lines[i].Substring(0, doc)).Split(new[] { ' ' }, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length is < 2 or > 3 || !int.TryParse(words[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var code))
                throw new SchemaException(i, "expected: CODE KAFKA_NAME [retriable] -- sentence");
            if (code != errors.Count - 1)
                throw new SchemaException(i, $"codes are dense from -1 on: {errors.Count - 1} is next");
            errors.Add(new Error(code, words[1], words.Length == 3 && words[2] == "retriable", lines[i].Substring(doc + 4).Trim()));
        }

        return errors;
    }
}
