namespace Akka.Configuration.Hocon;

/// <summary>
/// <c>include "name"</c>, <c>include file("name")</c> and <c>include required(...)</c> around either. Without a callback a name
/// is a file, relative to the file that includes it, at the top to the current directory. A missing file is no error unless required.
/// </summary>
internal sealed class HoconIncludes(Func<string, HoconRoot?>? callback, string? folder = null, HoconIncludes? outer = null)
{
    private const int MaxNesting = 32;

    public readonly record struct Statement(string Name, bool Required, int At);

    public readonly record struct Source(string Path, string Text, HoconIncludes Inside);

    public Func<string, HoconRoot?>? Callback => callback;

    /// <summary>Reads an include statement; false, nothing read, if "include" is merely a key here.</summary>
    public static bool TryRead(HoconScanner input, out Statement statement)
    {
        statement = default;
        var start = input.At;
        input.Skip("include".Length);
        if (input.Blanks().Length == 0 || !(input.Is('"') || input.Is("file(") || input.Is("required(") || input.Is("url(") || input.Is("classpath(")))
        {
            input.Skip(start - input.At);
            return false;
        }
        var required = Open(input, "required(");
        var file = Open(input, "file(");
        if (!input.Is('"'))
            throw input.Expected("\"name\", file(\"name\") or required(...) after include; URLs and class paths can't be included");
        statement = new Statement(input.Quoted(), required, start);
        for (var closing = (required ? 1 : 0) + (file ? 1 : 0); closing > 0; closing--)
        {
            input.SkipBlanks();
            if (!input.Take(')'))
                throw input.Expected("')' at the end of the include");
        }
        return true;
    }

    public HoconObject? FromCallback(HoconScanner input, Statement include)
    {
        var root = callback!(include.Name);
        if (root is null && include.Required)
            throw input.Error(include.At, $"the required include '{include.Name}' was not found");
        if (root is not null && root.Value.GetObject() is null && !root.Value.IsEmpty)
            throw input.Error(include.At, $"the include '{include.Name}' is no object");
        return root?.Value.GetObject();
    }

    public Source? Open(HoconScanner input, Statement include)
    {
        try
        {
            var path = Path.GetFullPath(include.Name, folder ?? Environment.CurrentDirectory);
            if (!File.Exists(path))
            {
                return include.Required
                    ? throw input.Error(include.At, $"the required include '{path}' was not found")
                    : null;
            }
            var depth = 0;
            for (var i = this; i is not null; i = i._outer)
            {
                if (++depth > MaxNesting)
                    throw input.Error(include.At, $"includes are nested more than {MaxNesting} deep: '{path}' seems to include itself");
            }
            return new Source(path, File.ReadAllText(path), new HoconIncludes(null, Path.GetDirectoryName(path), this));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new ConfigurationException(input.Error(include.At, $"can't read the include '{include.Name}'").Message + " " + e.Message, e);
        }
    }

    private readonly HoconIncludes? _outer = outer;

    private static bool Open(HoconScanner input, string word)
    {
        if (!input.Is(word))
            return false;
        input.Skip(word.Length);
        input.SkipBlanks();
        return true;
    }
}
