namespace Akka.Persistence;

/// <summary>Handlers by message type, tried in the order in which they were added.</summary>
internal sealed class MessageHandlers
{
    private readonly List<Handler> _handlers = [];
    private bool _takesAll;

    public void Add<T>(Action<T> handler, Predicate<T>? shouldHandle)
    {
        Append(new TypedHandler<T>(handler, shouldHandle));
        _takesAll = shouldHandle is null && typeof(T) == typeof(object);
    }

    public void Add<T>(Func<T, bool> handler) => Append(new PartialHandler<T>(handler));

    public void Add(Type type, Action<object> handler, Predicate<object>? shouldHandle) =>
        Append(new UntypedHandler(type, message =>
        {
            if (shouldHandle is not null && !shouldHandle(message)) return false;
            handler(message);
            return true;
        }));

    public void Add(Type type, Func<object, bool> handler) => Append(new UntypedHandler(type, handler));

    public void AddAny(Action<object> handler)
    {
        Append(new TypedHandler<object>(handler, shouldHandle: null));
        _takesAll = true;
    }

    /// <summary>False if no handler took the message.</summary>
    public bool Handle(object message)
    {
        foreach (var handler in _handlers)
        {
            if (handler.TryHandle(message)) return true;
        }

        return false;
    }

    private void Append(Handler handler)
    {
        if (_takesAll)
            throw new InvalidOperationException("A handler that takes every message has been added already: no handler after it could be reached.");
        _handlers.Add(handler);
    }

    private abstract class Handler
    {
        public abstract bool TryHandle(object message);
    }

    private sealed class TypedHandler<T>(Action<T> handler, Predicate<T>? shouldHandle) : Handler
    {
        public override bool TryHandle(object message)
        {
            if (message is not T typed || (shouldHandle is not null && !shouldHandle(typed))) return false;
            handler(typed);
            return true;
        }
    }

    private sealed class PartialHandler<T>(Func<T, bool> handler) : Handler
    {
        public override bool TryHandle(object message) => message is T typed && handler(typed);
    }

    private sealed class UntypedHandler(Type type, Func<object, bool> handler) : Handler
    {
        public override bool TryHandle(object message) => type.IsInstanceOfType(message) && handler(message);
    }
}
