using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch.MessageQueues;
using Akka.Util;

namespace Akka.Dispatch;

public abstract class MailboxType
{
    protected readonly Settings Settings;
    protected readonly Config Config;

    protected MailboxType(Settings settings, Config config)
    {
        Settings = settings;
        Config = config;
    }

    public abstract IMessageQueue Create(IActorRef owner, ActorSystem system);
}

public sealed class UnboundedMailbox(Settings settings, Config config)
    : MailboxType(settings, config), IProducesMessageQueue<UnboundedMessageQueue>
{
    public UnboundedMailbox() : this(null!, null!) { }

    public override IMessageQueue Create(IActorRef owner, ActorSystem system) => new UnboundedMessageQueue();
}

public sealed class UnboundedDequeBasedMailbox(Settings settings, Config config)
    : MailboxType(settings, config), IProducesMessageQueue<UnboundedDequeMessageQueue>
{
    public override IMessageQueue Create(IActorRef owner, ActorSystem system) => new UnboundedDequeMessageQueue();
}

public sealed class BoundedMailbox : MailboxType, IProducesMessageQueue<BoundedMessageQueue>, IProducesPushTimeoutSemanticsMailbox
{
    public BoundedMailbox(Settings settings, Config config) : base(settings, config)
        => (Capacity, PushTimeout) = MailboxBounds.Read(config, nameof(BoundedMailbox));

    public int Capacity { get; }
    public TimeSpan PushTimeout { get; }

    public override IMessageQueue Create(IActorRef owner, ActorSystem system) => new BoundedMessageQueue(Capacity, PushTimeout);
}

public class BoundedDequeBasedMailbox : MailboxType, IProducesMessageQueue<BoundedDequeMessageQueue>, IProducesPushTimeoutSemanticsMailbox
{
    public BoundedDequeBasedMailbox(Settings settings, Config config) : base(settings, config)
        => (Capacity, PushTimeout) = MailboxBounds.Read(config, nameof(BoundedDequeBasedMailbox));

    public int Capacity { get; }
    public TimeSpan PushTimeout { get; }

    public override IMessageQueue Create(IActorRef owner, ActorSystem system) => new BoundedDequeMessageQueue(Capacity, PushTimeout);
}

internal static class MailboxBounds
{
    public static (int Capacity, TimeSpan PushTimeout) Read(Config config, string mailbox)
    {
        var capacity = config.GetInt("mailbox-capacity");
        if (capacity < 1)
            throw new ArgumentException($"The capacity for {mailbox} must be greater than zero: mailbox-capacity");
        return (capacity, config.GetTimeSpan("mailbox-push-timeout-time", TimeSpan.FromSeconds(10)));
    }
}

/// <summary>Small numbers first; the order among equals is that of arrival.</summary>
public abstract class UnboundedPriorityMailbox : MailboxType, IProducesMessageQueue<UnboundedPriorityMessageQueue>
{
    public const int DefaultCapacity = 11;

    protected UnboundedPriorityMailbox(Settings settings, Config config) : base(settings, config) { }

    public int InitialCapacity => DefaultCapacity;

    protected abstract int PriorityGenerator(object message);

    public sealed override IMessageQueue Create(IActorRef owner, ActorSystem system) => new UnboundedPriorityMessageQueue(PriorityGenerator, InitialCapacity);
}

public abstract class UnboundedStablePriorityMailbox : UnboundedPriorityMailbox
{
    protected UnboundedStablePriorityMailbox(Settings settings, Config config) : base(settings, config) { }
}

/// <summary>Finds the mailbox type of an actor: its deployment's, its class's wish, or the default.</summary>
public class Mailboxes
{
    public static readonly string DefaultMailboxId = "akka.actor.default-mailbox";
    public static readonly string NoMailboxRequirement = "";

    private readonly ActorSystem _system;
    private readonly ConcurrentDictionary<string, MailboxType> _byId = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Type, Type?> _requirements = new();
    private readonly Lazy<Dictionary<string, string>> _bindings;

    public Mailboxes(ActorSystem system)
    {
        _system = system;
        DeadLetterMailbox = new DeadLetterMailbox(system.DeadLetters);
        _bindings = new Lazy<Dictionary<string, string>>(ReadBindings);
    }

    public DeadLetterMailbox DeadLetterMailbox { get; }

    private Dictionary<string, string> ReadBindings()
    {
        var bindings = new Dictionary<string, string>(StringComparer.Ordinal);
        if (_system.Settings.Config.GetConfig("akka.actor.mailbox.requirements") is { } requirements)
            foreach (var (semantics, mailboxId) in requirements.AsEnumerable())
                bindings[semantics.Split(',')[0].Trim()] = mailboxId.GetString() ?? "";
        return bindings;
    }

    public MailboxType Lookup(string id) => _byId.TryGetValue(id, out var known) ? known : _byId.GetOrAdd(id, Make(id));

    public MailboxType LookupByQueueType(Type queueType)
        => _bindings.Value.TryGetValue(queueType.FullName!, out var id)
            ? Lookup(id)
            : throw new ConfigurationException($"Mailbox mapping for [{queueType}] not configured");

    private MailboxType Make(string id)
    {
        if (id == "unbounded")
            return new UnboundedMailbox();
        var root = _system.Settings.Config;
        if (!root.HasPath(id))
            throw new ConfigurationException($"Mailbox Type [{id}] not configured");
        var config = root.GetConfig(id)!;
        if (id != DefaultMailboxId)
            config = config.WithFallback(root.GetConfig(DefaultMailboxId)!);
        var typeName = root.GetConfig(id)!.GetString("mailbox-type");
        if (string.IsNullOrEmpty(typeName))
            throw new ConfigurationException($"The setting mailbox-type defined in [{id}] is empty");
        return TypeRegistry.Create<MailboxType>(typeName, _system.Settings, config);
    }

    public MailboxType GetMailboxType(Props props, Config dispatcherConfig)
    {
        if (props.Mailbox.Length > 0 && props.Mailbox != DefaultMailboxId)
            return Verified(Lookup(props.Mailbox), props);
        if (dispatcherConfig?.GetString("mailbox-type") is { Length: > 0 })
            return Lookup(dispatcherConfig.GetString("id"));
        return GetRequiredType(props.Type) is { } required ? LookupByQueueType(required) : Lookup(DefaultMailboxId);
    }

    private MailboxType Verified(MailboxType mailbox, Props props)
    {
        if (GetRequiredType(props.Type) is { } required && ProducedQueue(mailbox.GetType()) is { } produced && !required.IsAssignableFrom(produced))
            throw new ArgumentException($"produced message queue type [{produced}] does not fulfill requirement for actor class [{props.Type}]. Must be a subclass of [{required}]");
        return mailbox;
    }

    /// <summary>The semantics that the actor class asks for, or null.</summary>
    public Type? GetRequiredType(Type actorType)
        => _requirements.TryGetValue(actorType, out var required) ? required : _requirements.GetOrAdd(actorType, FindRequirement(actorType));

    public bool HasRequiredType(Type actorType) => GetRequiredType(actorType) is not null;

    public bool ProducesMessageQueue(Type mailboxType) => ProducedQueue(mailboxType) is not null;

    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "An interface that nothing mentions any more needs no mailbox either.")]
    private static Type? FindRequirement(Type actorType)
    {
        foreach (var contract in actorType.GetInterfaces())
            if (contract.IsGenericType && contract.GetGenericTypeDefinition() == typeof(IRequiresMessageQueue<>))
                return contract.GenericTypeArguments[0];
        return null;
    }

    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "Only makes a check more lenient when the interface was trimmed.")]
    private static Type? ProducedQueue(Type mailboxType)
    {
        foreach (var contract in mailboxType.GetInterfaces())
            if (contract.IsGenericType && contract.GetGenericTypeDefinition() == typeof(IProducesMessageQueue<>))
                return contract.GenericTypeArguments[0];
        return null;
    }

    /// <summary>The configured stash size of a dispatcher or mailbox; -1 for no limit.</summary>
    public int StashCapacity(string dispatcher, string mailbox)
    {
        var config = _system.Settings.Config;
        foreach (var id in (ReadOnlySpan<string>)[mailbox, dispatcher, DefaultMailboxId])
            if (!string.IsNullOrEmpty(id) && config.HasPath(id + ".stash-capacity"))
                return config.GetInt(id + ".stash-capacity", Deploy.NoStashSize);
        return Deploy.NoStashSize;
    }
}
