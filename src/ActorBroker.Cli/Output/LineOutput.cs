using System.Text;
using System.Text.Json;
using Spectre.Console;

namespace ActorBroker.Cli.Output;

/// <summary>A command's results: sentences and tables for people, or one JSON object a line.</summary>
internal sealed class LineOutput(TextWriter output, bool json)
{
    private readonly JsonLine _line = new();

    public bool IsJson => json;

    /// <summary>The same result in both forms.</summary>
    public void Line(string text, params (string Name, object Value)[] fields)
    {
        if (!json)
        {
            Text(text);
            return;
        }

        Json(writer =>
        {
            foreach (var (name, value) in fields)
            {
                switch (value)
                {
                    case bool flag: writer.WriteBoolean(name, flag); break;
                    case int number: writer.WriteNumber(name, number); break;
                    default: writer.WriteString(name, value.ToString()); break;
                }
            }
        });
    }

    public void Text(string text) => output.WriteLine(text);

    public void Json(Action<Utf8JsonWriter> write) => output.Write(Encoding.UTF8.GetString(_line.Build(write).Span));

    public void Table(Table table)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.Detect });
        if (output != Console.Out || Console.IsOutputRedirected) console.Profile.Width = 200; // no terminal, no width to keep to
        console.Write(table);
    }
}
