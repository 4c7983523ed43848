using Akka.Configuration;

namespace Akka.Actor;

public abstract class Scope : IEquatable<Scope>
{
    public static readonly LocalScope Local = LocalScope.Instance;

    public abstract Scope WithFallback(Scope other);
    public abstract Scope Copy();
    public virtual bool Equals(Scope? other) => ReferenceEquals(this, other);
    public override bool Equals(object? obj) => Equals(obj as Scope);
    public override int GetHashCode() => GetType().GetHashCode();
}

public class LocalScope : Scope
{
    private LocalScope() { }

    public static LocalScope Instance { get; } = new();

    public override Scope WithFallback(Scope other) => Instance;
    public override Scope Copy() => Instance;
}

/// <summary>Names a node to deploy on. Remote deployment is not part of this engine: using it fails with a clear message.</summary>
public class RemoteScope(Address address) : Scope
{
    public Address Address { get; } = address;

    public override Scope WithFallback(Scope other) => this;
    public override Scope Copy() => new RemoteScope(Address);
    public override bool Equals(Scope? other) => other is RemoteScope remote && Address.Equals(remote.Address);
    public override int GetHashCode() => Address.GetHashCode();
}

internal sealed class NoScope : Scope
{
    public static readonly NoScope Instance = new();
    public override Scope WithFallback(Scope other) => other;
    public override Scope Copy() => this;
}

/// <summary>How an actor is placed: dispatcher, mailbox, stash size and node.</summary>
public class Deploy : IEquatable<Deploy>
{
    public static readonly string NoDispatcherGiven = "";
    public static readonly string NoMailboxGiven = "";
    public const int NoStashSize = -1;
    public static readonly Scope NoScopeGiven = NoScope.Instance;
    public static readonly Deploy Local = new(Scope.Local);
    public static readonly Deploy None = new();

    public Deploy() : this(NoScopeGiven) { }

    public Deploy(Scope scope) : this("", scope) { }

    public Deploy(string path, Scope scope)
    {
        Path = path;
        Scope = scope;
    }

    public string Path { get; }
    public Scope Scope { get; private init; }
    public Config Config { get; private init; } = Config.Empty;
    public string Dispatcher { get; private init; } = NoDispatcherGiven;
    public string Mailbox { get; private init; } = NoMailboxGiven;
    public int StashCapacity { get; private init; } = NoStashSize;

    private Deploy With(Scope scope, string dispatcher, string mailbox, int stashCapacity) => new(Path, scope)
    {
        Config = Config,
        Dispatcher = dispatcher,
        Mailbox = mailbox,
        StashCapacity = stashCapacity,
    };

    public virtual Deploy WithScope(Scope scope) => With(scope, Dispatcher, Mailbox, StashCapacity);
    public virtual Deploy WithDispatcher(string dispatcher) => With(Scope, dispatcher, Mailbox, StashCapacity);
    public virtual Deploy WithMailbox(string mailbox) => With(Scope, Dispatcher, mailbox, StashCapacity);
    public virtual Deploy WithStashCapacity(int stashSize) => With(Scope, Dispatcher, Mailbox, stashSize);

    /// <summary>What this one leaves open is taken from the other.</summary>
    public virtual Deploy WithFallback(Deploy other) => With(
        Scope.WithFallback(other.Scope),
        Dispatcher == NoDispatcherGiven ? other.Dispatcher : Dispatcher,
        Mailbox == NoMailboxGiven ? other.Mailbox : Mailbox,
        StashCapacity == NoStashSize ? other.StashCapacity : StashCapacity);

    internal static Deploy FromConfig(string path, Config config) => new(path, NoScopeGiven)
    {
        Config = config,
        Dispatcher = config.GetString("dispatcher", NoDispatcherGiven),
        Mailbox = config.GetString("mailbox", NoMailboxGiven),
        StashCapacity = config.GetInt("stash-capacity", NoStashSize),
        Scope = config.HasPath("remote") && config.GetString("remote", "") is { Length: > 0 } remote ? new RemoteScope(Address.Parse(remote)) : NoScopeGiven,
    };

    public bool Equals(Deploy? other)
        => other is not null && Path == other.Path && Scope.Equals(other.Scope) && Dispatcher == other.Dispatcher && Mailbox == other.Mailbox
           && StashCapacity == other.StashCapacity;

    public override bool Equals(object? obj) => Equals(obj as Deploy);
    public override int GetHashCode() => HashCode.Combine(Path, Scope, Dispatcher, Mailbox, StashCapacity);
}

/// <summary>
/// Settings of <c>akka.actor.deployment</c> by actor path below /user; <c>*</c> stands for any one name.
/// </summary>
public class Deployer
{
    private readonly List<(string[] Elements, Deploy Deploy)> _deployments = [];

    public Deployer(Settings settings)
    {
        if (!settings.Config.HasPath("akka.actor.deployment"))
            return;
        var deployment = settings.Config.GetConfig("akka.actor.deployment");
        foreach (var entry in deployment.AsEnumerable())
            if (entry.Key.StartsWith('/'))
                _deployments.Add((entry.Key.Split('/', StringSplitOptions.RemoveEmptyEntries),
                    Deploy.FromConfig(entry.Key, deployment.GetConfig(Quote(entry.Key)))));
    }

    private static string Quote(string key) => "\"" + key + "\"";

    public bool IsEmpty => _deployments.Count == 0;

    /// <summary>Null when nothing is configured for that actor.</summary>
    public Deploy? Lookup(ActorPath path)
    {
        if (_deployments.Count == 0 || path.Depth < 2)
            return null;
        var elements = path.Elements;
        return elements[0] == "user" ? Lookup(elements.Skip(1)) : null;
    }

    public Deploy? Lookup(IEnumerable<string> path)
    {
        var wanted = path.ToArray();
        foreach (var (elements, deploy) in _deployments)
        {
            if (elements.Length != wanted.Length)
                continue;
            var matches = true;
            for (var i = 0; matches && i < elements.Length; i++)
                matches = elements[i] == "*" || elements[i] == wanted[i];
            if (matches)
                return deploy;
        }
        return null;
    }

    public void SetDeploy(Deploy deploy) => _deployments.Insert(0, (deploy.Path.Split('/', StringSplitOptions.RemoveEmptyEntries), deploy));
}
