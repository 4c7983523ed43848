namespace Akka.Configuration.Hocon;

/// <summary>
/// Replaces every <see cref="Pending"/> by its value. A substitution is looked up in the text, then in the environment. Afterwards
/// the tree is finite, at most <see cref="Parser.MaxDepth"/> levels deep, and of bounded size: a text can't name itself into a
/// loop, nor double itself line by line until memory is full.
/// </summary>
internal sealed class HoconResolver
{
    private const int MaxChain = 200;
    private const long MaxSize = 16 << 20;

    private readonly HoconObject _root;
    // Values, lists and objects being walked, and the size of those that have been.
    private readonly Dictionary<object, long> _sizes = new(ReferenceEqualityComparer.Instance);
    private int _chain;
    private int _merging;
    private long _joined;

    private HoconResolver(HoconObject root) => _root = root;

    public static void Resolve(HoconObject root) => new HoconResolver(root).Walk(root, 0);

    private long Walk(object payload, int depth)
    {
        if (payload is string text)
            return text.Length + 1;
        if (_sizes.TryGetValue(payload, out var known))
            return known >= 0 ? known : throw new ConfigurationException("HOCON error: a substitution makes an object or list part of itself.");
        if (depth > Parser.MaxDepth)
            throw new ConfigurationException($"HOCON error: substitutions make more than {Parser.MaxDepth} levels of nesting.");
        _sizes.Add(payload, -1);
        var size = payload is HoconObject o ? WalkObject(o, depth) : WalkList((List<HoconValue>)payload, depth);
        if (size > MaxSize)
            throw TooLarge();
        return _sizes[payload] = size;
    }

    private long WalkObject(HoconObject o, int depth)
    {
        long size = 1;
        List<string>? absent = null;
        foreach (var (key, value) in o.Items)
        {
            value.Payload = Settle(value.Payload);
            if (value.Payload is null)
                (absent ??= []).Add(key);
            else
                size += key.Length + Walk(value.Payload, depth + 1);
        }
        foreach (var key in absent ?? [])
            o.Items.Remove(key);
        return size;
    }

    private long WalkList(List<HoconValue> list, int depth)
    {
        long size = 1;
        foreach (var value in list)
        {
            value.Payload = Settle(value.Payload);
            size += value.Payload is null ? 0 : Walk(value.Payload, depth + 1);
        }
        list.RemoveAll(static v => v.Payload is null);
        return size;
    }

    // Makes a payload final at its top; what lies below may still be pending.
    private object? Settle(object? payload)
    {
        if (payload is not Pending pending)
            return payload;
        if (pending.State == Pending.Progress.Done)
            return pending.Result;
        if (pending.State == Pending.Progress.Running)
            throw Cycle(pending);
        if (++_chain > MaxChain)
            throw new ConfigurationException($"HOCON error: a chain of more than {MaxChain} substitutions.");
        pending.State = Pending.Progress.Running;
        pending.Result = pending switch
        {
            Substitution s => Find(s),
            Concatenation c => Join(c),
            Override o => Override(Settle(o.Earlier), Settle(o.Later)),
            _ => throw new InvalidOperationException(),
        };
        pending.State = Pending.Progress.Done;
        _chain--;
        return pending.Result;
    }

    private object? Override(object? earlier, object? later) =>
        later is null ? earlier : earlier is HoconObject below && later is HoconObject above ? Merge(below, above) : later;

    private object? Find(Substitution s)
    {
        var own = s.Path.AsSpan().StartsWith(s.Owner) ? s.Owner.Length : -1;
        object? found;
        if (own >= 0)
        {
            found = Below(Settle(s.Prior), s.Path.AsSpan(own));
        }
        else
        {
            // Within an included file paths start at the place of inclusion; failing that, at the top.
            found = s.IncludeDepth > 0 ? Below(_root, [.. s.Owner.AsSpan(0, s.IncludeDepth), .. s.Path]) : null;
            found ??= Below(_root, s.Path);
        }
        found ??= Environment.GetEnvironmentVariable(string.Join('.', s.Path))?.Trim();
        return found ?? (s.Optional ? null : throw s.Error(
            $"{s} names nothing in this text and no environment variable; write ${{?{string.Join('.', s.Path)}}} if it may be absent"));
    }

    private object? Below(object? payload, ReadOnlySpan<string> path)
    {
        foreach (var key in path)
        {
            if (payload is not HoconObject o || o.GetKey(key) is not { } value)
                return null;
            value.Payload = Settle(value.Payload);
            payload = value.Payload;
        }
        return payload;
    }

    private object? Join(Concatenation c)
    {
        var parts = new List<object>(c.Parts.Count);
        var any = false;
        foreach (var part in c.Parts)
        {
            if (Settle(part) is not { } value)
                continue;
            any |= part is not string s || !string.IsNullOrWhiteSpace(s);
            _joined += value is string text ? text.Length : value is List<HoconValue> list ? list.Count : 1;
            parts.Add(value);
        }
        if (_joined > MaxSize)
            throw TooLarge();
        if (!any)
            return null;
        return parts.Count == 1 ? parts[0] : HoconJoin.Join(parts, Merge) ?? throw c.Error(HoconJoin.Mixed);
    }

    private HoconObject Merge(HoconObject weak, HoconObject strong)
    {
        if (ReferenceEquals(weak, strong))
            return weak;
        if ((_joined += weak.Items.Count + strong.Items.Count) > MaxSize || ++_merging > Parser.MaxDepth)
            throw TooLarge();
        var result = new HoconObject();
        foreach (var (key, value) in weak.Items)
            result.Items.Add(key, value);
        foreach (var (key, value) in strong.Items)
        {
            if (result.GetKey(key) is not { } old)
            {
                result.Items.Add(key, value);
                continue;
            }
            old.Payload = Settle(old.Payload);
            value.Payload = Settle(value.Payload);
            if (old.Payload is HoconObject below && value.Payload is HoconObject above)
                result.Items[key] = new HoconValue(Merge(below, above));
            else if (value.Payload is not null)
                result.Items[key] = value;
        }
        _merging--;
        return result;
    }

    private static ConfigurationException Cycle(Pending pending) => pending switch
    {
        Substitution s => s.Error($"{s} depends on itself"),
        Concatenation c => c.Error("this value depends on itself"),
        _ => new ConfigurationException("HOCON error: a key depends on itself through substitutions."),
    };

    private static ConfigurationException TooLarge() => new($"HOCON error: substitutions make the text nest without end or grow beyond {MaxSize} characters.");
}
