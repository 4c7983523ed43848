namespace Akka.Configuration.Hocon;

/// <summary>A value that is known only once the whole text has been read, because it depends on a substitution.</summary>
internal abstract class Pending
{
    public enum Progress { Waiting, Running, Done }

    public Progress State;

    // string | HoconObject | List<HoconValue>; null for an optional substitution that found nothing.
    public object? Result;
}

/// <summary>${path} or ${?path}.</summary>
internal sealed class Substitution(HoconScanner source, int at, string[] path, bool optional, string[] owner, int includeDepth, object? prior) : Pending
{
    public string[] Path => path;

    public bool Optional => optional;

    /// <summary>The key this stands in. A path at or below it means what that key held before.</summary>
    public string[] Owner => owner;

    /// <summary>How many keys of <see cref="Owner"/> surround the include statement that brought this in.</summary>
    public int IncludeDepth => includeDepth;

    public object? Prior => prior;

    public ConfigurationException Error(string what) => source.Error(at, what);

    public override string ToString() => $"${{{(optional ? "?" : "")}{string.Join('.', path)}}}";
}

/// <summary>Values that stand side by side: texts, lists or objects.</summary>
internal sealed class Concatenation(HoconScanner source, int at, List<object> parts) : Pending
{
    public List<object> Parts => parts;

    public ConfigurationException Error(string what) => source.Error(at, what);
}

/// <summary>A later value for a key that had one: objects merge, anything else replaces.</summary>
internal sealed class Override(object earlier, object later) : Pending
{
    public object Earlier => earlier;

    public object Later => later;
}
