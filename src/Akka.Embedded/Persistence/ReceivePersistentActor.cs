namespace Akka.Persistence;

/// <summary>
/// A persistent actor that registers handlers by type: Command handlers in the constructor and inside
/// <see cref="Become(Action)"/>, Recover handlers in the constructor.
/// </summary>
public abstract class ReceivePersistentActor : UntypedPersistentActor
{
    private readonly MessageHandlers _initialCommands = new();
    private readonly MessageHandlers _recovers = new();
    private MessageHandlers? _configuring;
    private bool _started;

    protected ReceivePersistentActor() => _configuring = _initialCommands;

    public override void AroundPreStart()
    {
        Seal();
        base.AroundPreStart();
    }

    public override void AroundPostRestart(Exception cause, object message)
    {
        Seal();
        base.AroundPostRestart(cause, message);
    }

    protected void Become(Action configure)
    {
        var handlers = Configure(configure);
        Become(message => Execute(handlers, message));
    }

    protected void BecomeStacked(Action configure)
    {
        var handlers = Configure(configure);
        BecomeStacked(message => Execute(handlers, message));
    }

    protected sealed override void OnCommand(object message) => Execute(_initialCommands, message);

    protected sealed override void OnRecover(object message) => Execute(_recovers, message);

    protected void Recover<T>(Action<T> handler, Predicate<T>? shouldHandle = null) => Recovers.Add(handler, shouldHandle);

    protected void Recover<T>(Predicate<T>? shouldHandle, Action<T> handler) => Recovers.Add(handler, shouldHandle);

    protected void Recover(Type messageType, Action<object> handler, Predicate<object>? shouldHandle = null) =>
        Recovers.Add(messageType, handler, shouldHandle);

    protected void Recover(Type messageType, Predicate<object>? shouldHandle, Action<object> handler) =>
        Recovers.Add(messageType, handler, shouldHandle);

    protected void Recover<T>(Func<T, bool> handler) => Recovers.Add(handler);

    protected void Recover(Type messageType, Func<object, bool> handler) => Recovers.Add(messageType, handler);

    protected void RecoverAny(Action<object> handler) => Recovers.AddAny(handler);

    protected void Command<T>(Action<T> handler, Predicate<T>? shouldHandle = null) => Commands.Add(handler, shouldHandle);

    protected void Command<T>(Predicate<T>? shouldHandle, Action<T> handler) => Commands.Add(handler, shouldHandle);

    protected void Command(Type messageType, Action<object> handler, Predicate<object>? shouldHandle = null) =>
        Commands.Add(messageType, handler, shouldHandle);

    protected void Command(Type messageType, Predicate<object>? shouldHandle, Action<object> handler) =>
        Commands.Add(messageType, handler, shouldHandle);

    protected void Command<T>(Func<T, bool> handler) => Commands.Add(handler);

    protected void Command(Type messageType, Func<object, bool> handler) => Commands.Add(messageType, handler);

    protected void Command(Action<object> handler) => Commands.AddAny(handler);

    protected void CommandAny(Action<object> handler) => Commands.AddAny(handler);

    protected void CommandAsync<T>(Func<T, Task> handler, Predicate<T>? shouldHandle = null) =>
        Commands.Add(Suspending(handler), shouldHandle);

    protected void CommandAsync<T>(Predicate<T>? shouldHandle, Func<T, Task> handler) =>
        Commands.Add(Suspending(handler), shouldHandle);

    protected void CommandAsync(Type messageType, Func<object, Task> handler, Predicate<object>? shouldHandle = null) =>
        Commands.Add(messageType, Suspending(handler), shouldHandle);

    protected void CommandAsync(Type messageType, Predicate<object>? shouldHandle, Func<object, Task> handler) =>
        Commands.Add(messageType, Suspending(handler), shouldHandle);

    protected void CommandAnyAsync(Func<object, Task> handler) => Commands.AddAny(Suspending(handler));

    private MessageHandlers Commands => _configuring
        ?? throw new InvalidOperationException("You may only call Command-methods when constructing the actor and inside Become().");

    private MessageHandlers Recovers => _started
        ? throw new InvalidOperationException("You may only call Recover-methods when constructing the actor.")
        : _recovers;

    private void Seal()
    {
        _started = true;
        _configuring = null;
    }

    private MessageHandlers Configure(Action configure)
    {
        var outer = _configuring;
        var handlers = _configuring = new MessageHandlers();
        configure();
        _configuring = outer;
        return handlers;
    }

    private void Execute(MessageHandlers handlers, object message)
    {
        if (!handlers.Handle(message)) Unhandled(message);
    }

    private Action<T> Suspending<T>(Func<T, Task> handler) => message => RunTask(() => handler(message));
}
