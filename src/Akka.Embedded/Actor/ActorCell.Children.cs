using System.Globalization;
using Akka.Actor.Internal;

namespace Akka.Actor;

public sealed partial class ActorCell
{
    private readonly ChildrenTable _children = new();
    private long _childNames = -1;

    internal ChildrenTable Children => _children;
    internal bool IsTerminating => _children.IsTerminating;

    public IEnumerable<IInternalActorRef> GetChildren() => _children.Children;
    IEnumerable<IActorRef> IActorContext.GetChildren() => _children.Children;

    public IActorRef Child(string name) => GetSingleChild(name);

    /// <summary>By name, or by name and uid as in <c>name#123</c>.</summary>
    public IInternalActorRef GetSingleChild(string name)
    {
        var hash = name.IndexOf('#', StringComparison.Ordinal);
        if (hash < 0)
            return _children.TryGetByName(name, out var stats) ? stats.Child : Nobody.Instance;
        return long.TryParse(name.AsSpan(hash + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var uid)
               && _children.TryGetByName(name[..hash], out var byUid) && (uid == UndefinedUid || byUid.Uid == uid)
            ? byUid.Child
            : Nobody.Instance;
    }

    internal bool TryGetChildStatsByName(string name, out ChildRestartStats? child) => _children.TryGetByName(name, out child);

    public IActorRef ActorOf(Props props, string? name = null) => AttachChild(props, isSystemService: false, name);

    /// <summary>Also called by other threads, for the guardians.</summary>
    internal IActorRef AttachChild(Props props, bool isSystemService, string? name = null)
    {
        if (props is null)
            throw new ArgumentNullException(nameof(props), "Props must not be null.");
        if (name is null)
            name = TempNames.Next(ref _childNames, '$');
        else
            CheckName(name);
        _children.Reserve(name, _self);
        IInternalActorRef child;
        try
        {
            var path = new ChildActorPath(_self.Path, name, NewUid());
            child = SystemImpl.Provider.ActorOf(SystemImpl, props, _self, path, isSystemService, deploy: null, lookupDeploy: true, async: false);
        }
        catch
        {
            _children.Unreserve(name);
            throw;
        }
        _children.Add(name, new ChildRestartStats(child));
        // A mailbox that runs before its parent knows it could fail unseen: so only now.
        child.Start();
        return child;
    }

    private void CheckName(string name)
    {
        if (name.Length == 0)
            throw new InvalidActorNameException("Actor name must not be empty.");
        if (!ActorPath.IsValidPathElement(name))
            throw new InvalidActorNameException(
                $"Illegal actor name [{name}] below {_self.Path}. Actor paths MUST: not start with `$`, include only ASCII letters and can only contain these special characters: {ActorPath.ValidSymbols}.");
    }

    private long NewUid() => SystemImpl.NextUid();

    /// <summary>Stops a child, or any other actor.</summary>
    public void Stop(IActorRef child)
    {
        if (_children.TryGetByRef(child, out _))
            _children.ShallDie(child);
        ((IInternalActorRef)child).Stop();
    }

    private void SuspendChildren(IActorRef? except)
    {
        foreach (var child in _children.Children)
            if (!child.Equals(except))
                child.Suspend();
    }

    private void ResumeChildren(Exception? causedByFailure, IActorRef? perpetrator)
    {
        foreach (var child in _children.Children)
            child.Resume(child.Equals(perpetrator) ? causedByFailure : null);
    }
}

/// <summary>Short names that no user can give: a mark and a number in base 64.</summary>
internal static class TempNames
{
    private const string Digits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+~";

    public static string Next(ref long counter, char mark) => Of(Interlocked.Increment(ref counter), mark);

    public static string Of(long number, char mark)
    {
        Span<char> text = stackalloc char[13];
        text[0] = mark;
        var length = 1;
        do
        {
            text[length++] = Digits[(int)(number & 63)];
            number = (long)((ulong)number >> 6);
        }
        while (number != 0);
        return new string(text[..length]);
    }
}
