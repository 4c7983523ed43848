using System.Diagnostics.CodeAnalysis;

namespace Akka.Configuration.Hocon;

/// <summary>
/// Reads HOCON in one pass. Later values override earlier ones as they are met; what depends on a substitution becomes a
/// <see cref="Pending"/>, which <see cref="HoconResolver"/> replaces at the end, so a text without substitutions is read once.
/// </summary>
public sealed class Parser
{
    /// <summary>Keys around a value, written as dots or braces, and lists: bounds the recursion here and in whoever walks the result.</summary>
    internal const int MaxDepth = 200;

    private readonly HoconScanner _in;
    private readonly HoconIncludes _includes;
    private readonly List<string> _path;
    private readonly int _includeDepth;
    private int _lists;
    // What the key being assigned held before: the meaning of a substitution that names that key.
    private object? _prior;
    private bool _hasPending;

    private Parser(string text, string? name, HoconIncludes includes, List<string> path)
    {
        _in = new HoconScanner(text ?? throw new ArgumentNullException(nameof(text)), name);
        _includes = includes;
        _path = path;
        _includeDepth = path.Count;
    }

    /// <inheritdoc cref="ConfigurationFactory.ParseString(string, Func{string, HoconRoot})"/>
    public static HoconRoot Parse(string text, Func<string, HoconRoot?>? includeCallback) =>
        ParseRoot(text, null, new HoconIncludes(includeCallback));

    internal static HoconRoot ParseNamed(string text, string name) => ParseRoot(text, name, new HoconIncludes(null));

    private static HoconRoot ParseRoot(string text, string? name, HoconIncludes includes)
    {
        var root = new HoconObject();
        if (new Parser(text, name, includes, []).Document(root))
            HoconResolver.Resolve(root);
        return new HoconRoot(new HoconValue(root));
    }

    // True if anything waits for substitutions.
    private bool Document(HoconObject root)
    {
        _in.SkipLines();
        if (_in.Is('['))
            throw _in.Error(_in.At, "a configuration is an object, not a list");
        var open = _in.At;
        if (_in.Take('{'))
        {
            Fields(root, open);
            _in.SkipLines();
            if (!_in.End)
                throw _in.Expected("the end of the text after the closing '}'");
        }
        else
        {
            Fields(root, openedAt: -1);
        }
        return _hasPending;
    }

    private void Fields(HoconObject target, int openedAt)
    {
        while (true)
        {
            _in.SkipLines();
            if (_in.End)
            {
                if (openedAt >= 0)
                    throw _in.Error(openedAt, "this '{' has no closing '}'");
                return;
            }
            if (openedAt >= 0 && _in.Take('}'))
                return;

            var braces = Include(target) ? false : Field(target);
            var separated = _in.SkipLines() | _in.Take(',');
            if (!separated && !braces && !_in.End && !(openedAt >= 0 && _in.Is('}')))
                throw _in.Expected("a line break, ',' or '}' after the value");
        }
    }

    // True if it ended with a closing brace, after which no separator is needed.
    private bool Field(HoconObject target)
    {
        var at = _in.At;
        var depth = _path.Count;
        var value = Key(target);
        if (_path.Count + _lists > MaxDepth)
            throw _in.Error(at, $"more than {MaxDepth} levels of nesting");

        var outer = _prior;
        var braces = false;
        _prior = value.Payload;
        if (_in.Is('{'))
        {
            Assign(value, Object(value.Payload as HoconObject));
            braces = true;
        }
        else if (_in.Take('=') || _in.Take(':'))
        {
            Assign(value, Value(value.Payload as HoconObject));
        }
        else if (_in.Is("+="))
        {
            _in.Skip(2);
            Append(value, at, new HoconValue(Value(null)));
        }
        else
        {
            throw _in.Expected($"'=', ':', '+=' or '{{' after the key '{string.Join('.', _path)}'");
        }
        _prior = outer;
        _path.RemoveRange(depth, _path.Count - depth);
        return braces;
    }

    // Reads a dotted key, pushes it on the path and returns where its value goes.
    private HoconValue Key(HoconObject target)
    {
        while (true)
        {
            var at = _in.At;
            var key = _in.Is('"') ? _in.Quoted() : _in.Unquoted(key: true);
            if (key.Length == 0 && _in.At == at)
                throw _in.Expected("a key");
            _path.Add(key);
            var value = target.GetOrAdd(key);
            _in.SkipBlanks();
            if (!_in.Take('.'))
            {
                _in.SkipLines();
                return value;
            }
            if (_path.Count > MaxDepth)
                throw _in.Error(at, $"more than {MaxDepth} levels of nesting");
            _in.SkipBlanks();
            target = Section(value);
        }
    }

    private static HoconObject Section(HoconValue value)
    {
        if (value.Payload is HoconObject existing)
            return existing;
        if (value.Payload is Override { Later: HoconObject later })
            return later;
        var section = new HoconObject();
        Assign(value, section);
        return section;
    }

    private static void Assign(HoconValue value, object later)
    {
        var earlier = value.Payload;
        if (ReferenceEquals(earlier, later))
            return;
        if (earlier is HoconObject into && later is HoconObject from)
        {
            Merge(into, from);
            return;
        }
        var mayMerge = earlier is HoconObject or Pending && later is HoconObject or Pending;
        value.Payload = earlier is not null && (mayMerge || MayBeAbsent(later)) ? new Override(earlier, later) : later;
    }

    // Optional substitutions that find nothing leave the earlier value in place.
    private static bool MayBeAbsent(object later) => later switch
    {
        Substitution s => s.Optional,
        Concatenation c => c.Parts.TrueForAll(static p => p is Substitution { Optional: true } || (p is string s && string.IsNullOrWhiteSpace(s))),
        _ => false,
    };

    private void Append(HoconValue value, int at, HoconValue item)
    {
        switch (value.Payload)
        {
            case null:
                value.Payload = new List<HoconValue> { item };
                break;
            case List<HoconValue> list:
                list.Add(item);
                break;
            case Concatenation { Parts: [.., List<HoconValue> last] }:
                last.Add(item);
                break;
            case Pending pending:
                value.Payload = new Concatenation(_in, at, [pending, new List<HoconValue> { item }]);
                break;
            default:
                throw _in.Error(at, $"'+=' adds to a list, but '{string.Join('.', _path)}' is {(value.IsObject() ? "an object" : "a text")}");
        }
    }

    private HoconObject Object(HoconObject? into)
    {
        var open = _in.At;
        _in.Skip();
        if (_path.Count + _lists > MaxDepth)
            throw _in.Error(open, $"more than {MaxDepth} levels of nesting");
        into ??= new HoconObject();
        Fields(into, open);
        return into;
    }

    private object Value(HoconObject? into)
    {
        _in.SkipLines();
        var at = _in.At;
        object? first = null;
        List<object>? parts = null;
        var pending = false;
        while (true)
        {
            var blanks = first is null ? "" : _in.Blanks();
            if (Part(ref into, first, parts) is not { } part)
                break;
            pending |= part is Pending;
            if (first is null)
            {
                first = part;
            }
            else if (!ReferenceEquals(part, parts is null ? first : parts[^1]))
            {
                parts ??= [first];
                if (blanks.Length > 0)
                    parts.Add(blanks);
                parts.Add(part);
            }
        }
        if (first is null)
            throw _in.Expected("a value: text, a number, \"text\", \"\"\"text\"\"\", ${substitution}, '[' or '{'");
        if (pending)
            _hasPending = true;
        if (parts is null)
            return first is string s ? s.Trim() : first;
        if (pending)
            return new Concatenation(_in, at, parts);
        return HoconJoin.Join(parts, HoconObject.Merge) ?? throw _in.Error(at, HoconJoin.Mixed);
    }

    // One of the values that stand side by side; null at the end of the value.
    private object? Part(ref HoconObject? into, object? first, List<object>? parts)
    {
        switch (_in.Peek)
        {
            case '"':
                return _in.Quoted();
            case '{':
                // Directly after another object it goes on filling that one.
                var target = first is null ? into : (parts is null ? first : parts[^1]) as HoconObject;
                into = null;
                return Object(target);
            case '[':
                return List();
            case '$':
                return Reference();
        }
        var at = _in.At;
        var text = _in.Unquoted(key: false);
        if (_in.Is('=') || _in.Is(':'))
            throw _in.Error(_in.At, $"'{_in.Peek}' can't stand in unquoted text: put double quotes around an address or path, or start the next setting on its own line");
        return _in.At == at ? null : text;
    }

    private List<HoconValue> List()
    {
        var open = _in.At;
        _in.Skip();
        if (_path.Count + ++_lists > MaxDepth)
            throw _in.Error(open, $"more than {MaxDepth} levels of nesting");
        var list = new List<HoconValue>();
        while (true)
        {
            _in.SkipLines();
            if (_in.Take(']'))
                break;
            if (_in.End)
                throw _in.Error(open, "this '[' has no closing ']'");
            list.Add(new HoconValue(Value(null)));
            var separated = _in.SkipLines() | _in.Take(',');
            if (!separated && !_in.Is(']') && !_in.End)
                throw _in.Expected("a line break, ',' or ']' after a list's element");
        }
        _lists--;
        return list;
    }

    private Substitution Reference()
    {
        var at = _in.At;
        if (!_in.Is("${"))
            throw _in.Error(at, "'$' starts a substitution: expected '${'; a text that holds '$' stands in double quotes");
        _in.Skip(2);
        var optional = _in.Take('?');
        var path = new List<string>();
        do
        {
            _in.SkipBlanks();
            var start = _in.At;
            var key = _in.Is('"') ? _in.Quoted() : _in.Unquoted(key: true);
            if (_in.At == start)
                throw _in.Expected("a key of the substitution's path");
            path.Add(key);
            _in.SkipBlanks();
        } while (_in.Take('.'));
        if (!_in.Take('}'))
            throw _in.Expected("'}' at the end of the substitution");
        return new Substitution(_in, at, [.. path], optional, [.. _path], _includeDepth, _prior);
    }

    private bool Include(HoconObject target)
    {
        if (!_in.Is("include") || !HoconIncludes.TryRead(_in, out var include))
            return false;
        if (_includes.Callback is not null)
        {
            if (_includes.FromCallback(_in, include) is { } root)
                Merge(target, root.Clone());
            return true;
        }
        if (_includes.Open(_in, include) is { } file)
        {
            var nested = new Parser(file.Text, file.Path, file.Inside, _path);
            _hasPending |= nested.Document(target);
        }
        return true;
    }

    private static void Merge(HoconObject target, HoconObject later)
    {
        foreach (var (key, value) in later.Items)
        {
            if (value.Payload is not null)
                Assign(target.GetOrAdd(key), value.Payload);
        }
    }
}
