using System.Globalization;
using System.Text;
using Akka.Util;

namespace Akka.Actor;

/// <summary>
/// The name of an actor: the address of its system and the names from the root down. The uid tells incarnations of one name apart;
/// it is part of references, not of path equality.
/// </summary>
public abstract class ActorPath : IEquatable<ActorPath>, IComparable<ActorPath>, ISurrogated
{
    public const string ValidSymbols = "\"-_.*$+:@&=,!~';()";

    private readonly ActorPath? _parent;
    private readonly int _hash;
    private string? _text;
    private string? _textWithUid;
    private string[]? _elements;
    private CachedFormat? _serialized;

    private sealed record CachedFormat(Address? Address, string Text);

    private protected ActorPath(Address address, string name)
    {
        Address = address;
        Name = name;
        _hash = address.GetHashCode();
    }

    private protected ActorPath(ActorPath parentPath, string name, long uid)
    {
        _parent = parentPath;
        Address = parentPath.Address;
        Name = name;
        Uid = uid;
        Depth = parentPath.Depth + 1;
        _hash = (parentPath._hash * 31) + name.GetHashCode(StringComparison.Ordinal);
    }

    public Address Address { get; }
    public string Name { get; }

    /// <summary>Zero when unknown.</summary>
    public long Uid { get; }

    public int Depth { get; }

    /// <summary>The root is its own parent.</summary>
    public ActorPath Parent => _parent ?? this;

    public ActorPath Root => ParentOf(0);

    /// <summary>Names below the root, without uid.</summary>
    public IReadOnlyList<string> Elements => _elements ??= CollectElements();

    private string[] CollectElements()
    {
        var elements = new string[Depth];
        for (var p = this; p._parent is not null; p = p._parent)
            elements[p.Depth - 1] = p.Name;
        return elements;
    }

    /// <summary>The ancestor at that depth, counted from the root; a negative depth counts from this path upwards.</summary>
    public ActorPath ParentOf(int depth)
    {
        var target = depth < 0 ? Math.Max(0, Depth + depth) : depth;
        var p = this;
        while (p.Depth > target)
            p = p._parent!;
        return p;
    }

    public ActorPath Child(string childName) => this / childName;
    public abstract ActorPath WithUid(long uid);

    public static ActorPath operator /(ActorPath path, string name)
    {
        var hash = name.IndexOf('#', StringComparison.Ordinal);
        return hash >= 0 && long.TryParse(name.AsSpan(hash + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var uid)
            ? new ChildActorPath(path, name[..hash], uid)
            : new ChildActorPath(path, name, ActorCell.UndefinedUid);
    }

    public static ActorPath operator /(ActorPath path, IEnumerable<string> name)
    {
        var p = path;
        foreach (var element in name)
            if (element.Length > 0)
                p /= element;
        return p;
    }

    public static string FormatPathElements(IEnumerable<string> pathElements) => "/" + string.Join('/', pathElements);

    public static bool IsValidPathElement(string s)
    {
        if (string.IsNullOrEmpty(s) || s[0] == '$')
            return false;
        for (var i = 0; i < s.Length; i++)
        {
            var c = s[i];
            if (char.IsAsciiLetterOrDigit(c) || ValidSymbols.Contains(c, StringComparison.Ordinal))
                continue;
            if (c == '%' && i + 2 < s.Length && char.IsAsciiHexDigit(s[i + 1]) && char.IsAsciiHexDigit(s[i + 2]))
            {
                i += 2;
                continue;
            }
            return false;
        }
        return true;
    }

    public static ActorPath Parse(string path)
        => TryParse(path, out var parsed) ? parsed! : throw new UriFormatException($"Can't parse an ActorPath: {path}");

    public static bool TryParse(string path, out ActorPath? actorPath)
    {
        actorPath = null;
        if (!Address.TryParse(path.AsSpan(), out var address, out var rest))
            return false;
        return TryParse(new RootActorPath(address!), rest, out actorPath);
    }

    public static bool TryParse(ActorPath? basePath, string absoluteUri, out ActorPath? actorPath)
        => basePath is null ? TryParse(absoluteUri, out actorPath) : TryParse(basePath, absoluteUri.AsSpan(), out actorPath);

    /// <summary>Reads <c>/name/name#uid</c> below a base path.</summary>
    public static bool TryParse(ActorPath basePath, ReadOnlySpan<char> absoluteUri, out ActorPath? actorPath)
    {
        actorPath = null;
        long uid = ActorCell.UndefinedUid;
        var hash = absoluteUri.IndexOf('#');
        if (hash >= 0)
        {
            if (!long.TryParse(absoluteUri[(hash + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out uid))
                return false;
            absoluteUri = absoluteUri[..hash];
        }
        var path = basePath;
        while (!absoluteUri.IsEmpty)
        {
            var slash = absoluteUri.IndexOf('/');
            var name = slash < 0 ? absoluteUri : absoluteUri[..slash];
            absoluteUri = slash < 0 ? default : absoluteUri[(slash + 1)..];
            if (!name.IsEmpty)
                path = new ChildActorPath(path, name.ToString(), absoluteUri.IsEmpty ? uid : ActorCell.UndefinedUid);
        }
        actorPath = path;
        return true;
    }

    public static bool TryParseAddress(string path, out Address? address) => Address.TryParse(path, out address);

    public static bool TryParseAddress(string path, out Address? address, out ReadOnlySpan<char> absoluteUri)
        => Address.TryParse(path.AsSpan(), out address, out absoluteUri);

    public string ToStringWithoutAddress()
    {
        if (_parent is null)
            return "/";
        var text = new StringBuilder();
        AppendElements(text);
        return text.ToString();
    }

    private void AppendElements(StringBuilder text)
    {
        if (_parent is null)
            return;
        _parent.AppendElements(text);
        text.Append('/').Append(Name);
    }

    private string Format(Address address, bool withUid)
    {
        var text = new StringBuilder(address.ToString(), 96);
        if (_parent is null)
            text.Append('/');
        else
            AppendElements(text);
        if (withUid && Uid != ActorCell.UndefinedUid)
            text.Append('#').Append(Uid.ToString(CultureInfo.InvariantCulture));
        return text.ToString();
    }

    public override string ToString() => _text ??= Format(Address, withUid: false);
    public string ToStringWithUid() => _textWithUid ??= Format(Address, withUid: true);
    public string ToStringWithAddress() => ToString();
    public string ToStringWithAddress(Address address) => Address.HasGlobalScope ? ToString() : Format(address, withUid: false);

    public string ToSerializationFormat() => ToStringWithUid();

    /// <summary>With the address, unless the path names a host already. The last text is kept: an actor is mostly named to one address.</summary>
    public string ToSerializationFormatWithAddress(Address? address)
    {
        if (address is null || Address.HasGlobalScope)
            return ToStringWithUid();
        var cached = _serialized;
        if (cached is not null && (ReferenceEquals(cached.Address, address) || address.Equals(cached.Address)))
            return cached.Text;
        cached = new CachedFormat(address, Format(address, withUid: true));
        _serialized = cached;
        return cached.Text;
    }

    public bool Equals(ActorPath? other)
    {
        if (ReferenceEquals(this, other))
            return true;
        if (other is null || _hash != other._hash || Depth != other.Depth)
            return false;
        ActorPath a = this, b = other;
        while (a._parent is not null)
        {
            if (ReferenceEquals(a, b))
                return true;
            if (!string.Equals(a.Name, b.Name, StringComparison.Ordinal))
                return false;
            a = a._parent;
            b = b._parent!;
        }
        return a.Address.Equals(b.Address);
    }

    public override bool Equals(object? obj) => Equals(obj as ActorPath);
    public override int GetHashCode() => _hash;

    public int CompareTo(ActorPath? other)
        => other is null ? 1 : ReferenceEquals(this, other) ? 0 : string.CompareOrdinal(ToString(), other.ToString());

    public static bool operator ==(ActorPath? left, ActorPath? right) => left is null ? right is null : left.Equals(right);
    public static bool operator !=(ActorPath? left, ActorPath? right) => !(left == right);

    public ISurrogate ToSurrogate(ActorSystem system) => new Surrogate(ToSerializationFormat());

    public sealed class Surrogate(string path) : ISurrogate
    {
        public string Path { get; } = path;
        public ISurrogated FromSurrogate(ActorSystem system) => Parse(Path);
    }
}

public sealed class RootActorPath(Address address, string name = "") : ActorPath(address, name)
{
    public override ActorPath WithUid(long uid)
        => uid == ActorCell.UndefinedUid ? this : throw new NotSupportedException("A root path has no uid.");
}

public sealed class ChildActorPath(ActorPath parentPath, string name, long uid) : ActorPath(parentPath, name, uid)
{
    public override ActorPath WithUid(long uid) => uid == Uid ? this : new ChildActorPath(Parent, Name, uid);
}
