using System.Text.RegularExpressions;

namespace Akka.Actor;

public abstract class SelectionPathElement;

public class SelectChildName(string name) : SelectionPathElement
{
    public string Name { get; } = name;
    public override bool Equals(object? obj) => obj is SelectChildName other && Name == other.Name;
    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);
    public override string ToString() => Name;
}

/// <summary><c>*</c> stands for any text, <c>?</c> for one character.</summary>
public class SelectChildPattern(string patternStr) : SelectionPathElement
{
    private readonly Regex _regex = new(
        "^" + Regex.Escape(patternStr).Replace("\\*", ".*", StringComparison.Ordinal).Replace("\\?", ".", StringComparison.Ordinal) + "$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking);

    public string PatternStr { get; } = patternStr;
    internal bool Matches(string name) => _regex.IsMatch(name);
    public override bool Equals(object? obj) => obj is SelectChildPattern other && PatternStr == other.PatternStr;
    public override int GetHashCode() => PatternStr.GetHashCode(StringComparison.Ordinal);
    public override string ToString() => PatternStr;
}

public class SelectParent : SelectionPathElement
{
    public static readonly SelectParent Instance = new();
    public override bool Equals(object? obj) => obj is SelectParent;
    public override int GetHashCode() => 1;
    public override string ToString() => "..";
}

/// <summary>A message on its way along the elements of a selection.</summary>
public class ActorSelectionMessage(object message, SelectionPathElement[] elements, bool wildCardFanOut = false)
    : IAutoReceivedMessage, IPossiblyHarmful, IWrappedMessage
{
    public object Message { get; } = message;
    public SelectionPathElement[] Elements { get; } = elements;

    /// <summary>It went to several: one that finds nobody keeps quiet.</summary>
    public bool WildCardFanOut { get; } = wildCardFanOut;

    public ActorSelectionMessage Copy(object? message = null, SelectionPathElement[]? elements = null, bool? wildCardFanOut = null)
        => new(message ?? Message, elements ?? Elements, wildCardFanOut ?? WildCardFanOut);

    public override string ToString() => $"ActorSelectionMessage - Message: {Message} - WildCartFanOut: {WildCardFanOut} - Elements: {string.Join<SelectionPathElement>('/', Elements)}";
}

/// <summary>A path, perhaps with wildcards, below an anchor: looked up anew for each message.</summary>
public class ActorSelection : ICanTell
{
    public ActorSelection(IActorRef anchor, SelectionPathElement[] path)
    {
        Anchor = anchor;
        Path = path;
    }

    public ActorSelection(IActorRef anchor, string path) : this(anchor, path.Length == 0 ? [] : path.Split('/')) { }

    public ActorSelection(IActorRef anchor, IEnumerable<string> elements) : this(anchor, Parse(elements)) { }

    public IActorRef Anchor { get; }
    public SelectionPathElement[] Path { get; }
    public string PathString => "/" + string.Join<SelectionPathElement>('/', Path);

    private static SelectionPathElement[] Parse(IEnumerable<string> elements)
    {
        var parsed = new List<SelectionPathElement>();
        foreach (var element in elements)
            if (element == "..")
                parsed.Add(SelectParent.Instance);
            else if (element.Contains('*', StringComparison.Ordinal) || element.Contains('?', StringComparison.Ordinal))
                parsed.Add(new SelectChildPattern(element));
            else if (element.Length > 0)
                parsed.Add(new SelectChildName(element));
        return [.. parsed];
    }

    public void Tell(object message, IActorRef? sender = null)
    {
        sender ??= ActorCell.GetCurrentSelfOrNoSender();
        if (Path.Length == 0)
        {
            Anchor.Tell(message, sender);
            return;
        }
        // An anchor without a cell, of another node for one, gets the whole.
        Deliver(Anchor, sender, new ActorSelectionMessage(message, Path));
    }

    /// <exception cref="ActorNotFoundException">through the task</exception>
    public Task<IActorRef> ResolveOne(TimeSpan timeout) => ResolveOne(timeout, CancellationToken.None);

    public async Task<IActorRef> ResolveOne(TimeSpan timeout, CancellationToken ct)
    {
        try
        {
            var identity = await this.Ask<ActorIdentity>(new Identify(messageId: null), timeout, ct).ConfigureAwait(false);
            return identity.Subject ?? throw new ActorNotFoundException("subject was null");
        }
        catch (Exception cause) when (cause is AskTimeoutException or TaskCanceledException)
        {
            throw new ActorNotFoundException("Exception occurred while resolving ActorSelection", cause);
        }
    }

    /// <summary>Walks as far as cells of this system go.</summary>
    internal static void Deliver(IActorRef anchor, IActorRef sender, ActorSelectionMessage selection)
    {
        var elements = selection.Elements;
        if (elements.Length == 0)
        {
            anchor.Tell(selection.Message, sender);
            return;
        }
        var current = anchor;
        for (var i = 0; i < elements.Length; i++)
        {
            if (current is not ActorRefWithCell cell)
            {
                Forward(current, sender, selection, i);
                return;
            }
            switch (elements[i])
            {
                case SelectParent:
                    current = cell.Parent.IsNobody() ? cell : cell.Parent;
                    break;
                case SelectChildName name:
                    var child = cell.GetSingleChild(name.Name);
                    if (child.IsNobody())
                    {
                        if (!selection.WildCardFanOut)
                            NotFound(cell, sender, selection, i);
                        return;
                    }
                    current = child;
                    break;
                case SelectChildPattern pattern:
                    FanOut(cell, sender, selection, pattern, i);
                    return;
            }
        }
        current.Tell(selection.Message, sender);
    }

    private static void Forward(IActorRef target, IActorRef sender, ActorSelectionMessage selection, int from)
    {
        if (target is VirtualPathContainer container)
        {
            var names = selection.Elements[from..].Select(static e => e.ToString()!).ToArray();
            if (container.GetChild(names) is { } found && !found.IsNobody())
                found.Tell(selection.Message, sender);
            else
                NotFoundAt(container.Provider, container.Path / names, sender, selection);
            return;
        }
        target.Tell(selection.Copy(elements: selection.Elements[from..]), sender);
    }

    private static void FanOut(ActorRefWithCell cell, IActorRef sender, ActorSelectionMessage selection, SelectChildPattern pattern, int index)
    {
        var last = index == selection.Elements.Length - 1;
        var found = false;
        foreach (var child in cell.Children)
        {
            if (!pattern.Matches(child.Path.Name))
                continue;
            found = true;
            if (last)
                child.Tell(selection.Message, sender);
            else
                Deliver(child, sender, selection.Copy(elements: selection.Elements[(index + 1)..], wildCardFanOut: true));
        }
        if (!found && !selection.WildCardFanOut)
            NotFound(cell, sender, selection, index);
    }

    private static void NotFound(ActorRefWithCell at, IActorRef sender, ActorSelectionMessage selection, int from)
        => NotFoundAt(at.Provider, at.Path / selection.Elements[from..].Select(static e => e.ToString()!), sender, selection);

    private static void NotFoundAt(IActorRefProvider provider, ActorPath path, IActorRef sender, ActorSelectionMessage selection)
        => new EmptyLocalActorRef(provider, path, provider.Settings.System.EventStream)
            .Tell(selection.Copy(elements: [], wildCardFanOut: selection.WildCardFanOut), sender);

    public override bool Equals(object? obj) => obj is ActorSelection other && Anchor.Equals(other.Anchor) && Path.AsSpan().SequenceEqual(other.Path);
    public override int GetHashCode() => HashCode.Combine(Anchor, Path.Length);

    public override string ToString()
        => $"ActorSelection[Anchor({Anchor.Path}{(Anchor.Path.Uid == ActorCell.UndefinedUid ? "" : "#" + Anchor.Path.Uid)}), Path({PathString})]";
}

internal static class ActorRefFactoryShared
{
    public static ActorSelection ActorSelection(ActorPath actorPath, ActorSystem system)
        => new(((ExtendedActorSystem)system).Provider.RootGuardianAt(actorPath.Address), actorPath.Elements);

    /// <summary>A full address, a path from the root, or one relative to the given actor.</summary>
    public static ActorSelection ActorSelection(string path, ActorSystem system, IActorRef lookupRoot)
    {
        var provider = ((ExtendedActorSystem)system).Provider;
        if (ActorPath.TryParse(path, out var full))
            return new ActorSelection(provider.RootGuardianAt(full!.Address), full.Elements);
        return path.StartsWith('/')
            ? new ActorSelection(provider.RootGuardian, path.Split('/'))
            : new ActorSelection(lookupRoot, path.Split('/'));
    }
}
