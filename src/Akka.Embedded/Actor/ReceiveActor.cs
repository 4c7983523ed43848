using System.Runtime.CompilerServices;
using Akka.Dispatch;

namespace Akka.Actor;

/// <summary>Handlers by message type, the first that fits in the order of their declaration.</summary>
public abstract class ReceiveActor : UntypedActor
{
    private readonly ReceiveHandlers _initial = new();
    private ReceiveHandlers? _building;

    protected ReceiveActor() => _building = _initial;

    internal Receive InitialBehavior
    {
        get
        {
            _building = null;
            return _initial.TryHandle;
        }
    }

    protected sealed override void OnReceive(object message)
    {
        if (!_initial.TryHandle(message))
            Unhandled(message);
    }

    private ReceiveHandlers Building => _building
        ?? throw new InvalidOperationException("You may only call Receive-methods when constructing the actor and inside Become().");

    private Receive Configure(Action configure)
    {
        var outer = _building;
        var handlers = new ReceiveHandlers();
        _building = handlers;
        try
        {
            configure();
        }
        finally
        {
            _building = outer;
        }
        return handlers.TryHandle;
    }

    /// <summary>The action declares the handlers of the new behaviour.</summary>
    protected void Become(Action configure) => base.Become(Configure(configure));

    protected void BecomeStacked(Action configure) => base.BecomeStacked(Configure(configure));

    protected void Receive<T>(Action<T> handler, Predicate<T>? shouldHandle = null) => Building.Add(new ActionHandler<T>(handler, shouldHandle));

    protected void Receive<T>(Predicate<T> shouldHandle, Action<T> handler) => Receive(handler, shouldHandle);

    /// <summary>The handler returns false to let the next one try.</summary>
    protected void Receive<T>(Func<T, bool> handler) => Building.Add(new FuncHandler<T>(handler));

    protected void Receive(Type messageType, Action<object> handler, Predicate<object>? shouldHandle = null)
        => Building.Add(new TypeHandler(messageType, handler, shouldHandle));

    protected void Receive(Type messageType, Predicate<object> shouldHandle, Action<object> handler) => Receive(messageType, handler, shouldHandle);

    protected void ReceiveAny(Action<object> handler) => Building.Add(new ActionHandler<object>(handler, shouldHandle: null));

    /// <summary>The actor takes no other message until the task has completed.</summary>
    protected void ReceiveAsync<T>(Func<T, Task> handler, Predicate<T>? shouldHandle = null) => Building.Add(new AsyncHandler<T>(handler, shouldHandle));

    protected void ReceiveAsync<T>(Predicate<T> shouldHandle, Func<T, Task> handler) => ReceiveAsync(handler, shouldHandle);

    protected void ReceiveAsync(Type messageType, Func<object, Task> handler, Predicate<object>? shouldHandle = null)
        => Building.Add(new TypeHandler(messageType, message => ActorTaskScheduler.RunTask(() => handler(message)), shouldHandle));

    protected void ReceiveAsync(Type messageType, Predicate<object> shouldHandle, Func<object, Task> handler)
        => ReceiveAsync(messageType, handler, shouldHandle);

    protected void ReceiveAnyAsync(Func<object, Task> handler) => Building.Add(new AsyncHandler<object>(handler, shouldHandle: null));
}

internal abstract class MessageHandler(Type type, bool takesAll)
{
    public Type Type => type;

    /// <summary>Handles every message of its type: what comes after it for that type is out of reach.</summary>
    public bool TakesAll => takesAll;

    public abstract bool TryHandle(object message);
}

internal sealed class ActionHandler<T>(Action<T> handler, Predicate<T>? shouldHandle) : MessageHandler(typeof(T), shouldHandle is null)
{
    public override bool TryHandle(object message)
    {
        if (message is not T typed || (shouldHandle is not null && !shouldHandle(typed)))
            return false;
        handler(typed);
        return true;
    }
}

internal sealed class FuncHandler<T>(Func<T, bool> handler) : MessageHandler(typeof(T), takesAll: false)
{
    public override bool TryHandle(object message) => message is T typed && handler(typed);
}

internal sealed class TypeHandler(Type type, Action<object> handler, Predicate<object>? shouldHandle) : MessageHandler(type, shouldHandle is null)
{
    public override bool TryHandle(object message)
    {
        if (!Type.IsInstanceOfType(message) || (shouldHandle is not null && !shouldHandle(message)))
            return false;
        handler(message);
        return true;
    }
}

internal sealed class AsyncHandler<T>(Func<T, Task> handler, Predicate<T>? shouldHandle) : MessageHandler(typeof(T), shouldHandle is null)
{
    public override bool TryHandle(object message)
    {
        if (message is not T typed || (shouldHandle is not null && !shouldHandle(typed)))
            return false;
        ActorTaskScheduler.RunTask(() => handler(typed));
        return true;
    }
}

/// <summary>
/// One behaviour. Where to begin the search is remembered per class of message, so a long list costs no more than a short one.
/// </summary>
internal sealed class ReceiveHandlers
{
    private const int CacheSize = 16;
    private const int CacheFrom = 4;

    private MessageHandler[] _handlers = [];
    private int _count;
    private bool _closed;
    private (Type? Type, int First)[]? _cache;

    public void Add(MessageHandler handler)
    {
        if (_closed)
            throw new InvalidOperationException("A handler that catches all messages has been added. No handler can be added after that.");
        if (_count == _handlers.Length)
            Array.Resize(ref _handlers, Math.Max(4, _count * 2));
        _handlers[_count++] = handler;
        _closed = handler.TakesAll && handler.Type == typeof(object);
        _cache = null;
    }

    public bool TryHandle(object message)
    {
        var handlers = _handlers;
        var count = _count;
        for (var i = count <= CacheFrom ? 0 : FirstFor(message.GetType()); i < count; i++)
            if (handlers[i].TryHandle(message))
                return true;
        return false;
    }

    private int FirstFor(Type type)
    {
        var cache = _cache ??= new (Type?, int)[CacheSize];
        ref var slot = ref cache[RuntimeHelpers.GetHashCode(type) & (CacheSize - 1)];
        if (slot.Type == type)
            return slot.First;
        var first = 0;
        while (first < _count && !_handlers[first].Type.IsAssignableFrom(type))
            first++;
        slot = (type, first);
        return first;
    }
}
