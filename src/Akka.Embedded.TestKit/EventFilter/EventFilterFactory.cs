#nullable disable annotations
using System.Text.RegularExpressions;
using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Internal;

namespace Akka.TestKit;

/// <summary>
/// Makes filters for log events. Of <c>message</c> (the whole text), <c>start</c> and <c>contains</c> at most one counts, in this
/// order; <c>source</c> is the log source, with or without the address of its actor system. Events below the system's
/// <c>akka.loglevel</c> are never published.
/// </summary>
public class EventFilterFactory
{
    private readonly TestKitBase _testkit;
    private readonly ActorSystem _system;
    private readonly IReadOnlyList<LogFilter> _filters;

    public EventFilterFactory(TestKitBase testkit, ActorSystem system) : this(testkit, system, []) { }

    internal EventFilterFactory(TestKitBase testkit, ActorSystem system, IReadOnlyList<LogFilter> filters)
    {
        _testkit = testkit;
        _system = system;
        _filters = filters;
    }

    public IEventFilterApplier Debug(string message = null, string start = null, string contains = null, string source = null) => Level<Debug>(message, start, contains, source);

    public IEventFilterApplier Debug(Regex pattern, string source = null) => Level<Debug>(pattern, source);

    public IEventFilterApplier Info(string message = null, string start = null, string contains = null, string source = null) => Level<Info>(message, start, contains, source);

    public IEventFilterApplier Info(Regex pattern, string source = null) => Level<Info>(pattern, source);

    public IEventFilterApplier Warning(string message = null, string start = null, string contains = null, string source = null) => Level<Warning>(message, start, contains, source);

    public IEventFilterApplier Warning(Regex pattern, string source = null) => Level<Warning>(pattern, source);

    public IEventFilterApplier Error(string message = null, string start = null, string contains = null, string source = null) => Level<Error>(message, start, contains, source);

    public IEventFilterApplier Error(Regex pattern, string source = null) => Level<Error>(pattern, source);

    /// <summary>Errors with an exception of this type; the text may also be the exception's.</summary>
    public IEventFilterApplier Exception<TException>(string message = null, string start = null, string contains = null, string source = null) where TException : Exception =>
        Exception(typeof(TException), message, start, contains, source);

    public IEventFilterApplier Exception<TException>(Regex pattern, string source = null) where TException : Exception => Exception(typeof(TException), pattern, source);

    public IEventFilterApplier Exception(Type exceptionType, string message = null, string start = null, string contains = null, string source = null, bool checkInnerExceptions = false) =>
        Exception(exceptionType, Text(message, start, contains), Describe(message, start, contains), source, checkInnerExceptions);

    public IEventFilterApplier Exception(Type exceptionType, Regex pattern, string source = null, bool checkInnerExceptions = false) =>
        Exception(exceptionType, pattern.IsMatch, pattern.ToString(), source, checkInnerExceptions);

    public IEventFilterApplier Custom(Predicate<LogEvent> predicate) => Applier(new LogFilter("custom", e => e is LogEvent log && predicate(log)));

    public IEventFilterApplier Custom<TLogEvent>(Predicate<TLogEvent> predicate) where TLogEvent : LogEvent =>
        Applier(new LogFilter($"custom {typeof(TLogEvent).Name}", e => e is TLogEvent log && predicate(log)));

    public IEventFilterApplier DeadLetter() => Applier(new LogFilter("dead letter", static e => e is DeadLetter));

    public IEventFilterApplier DeadLetter<TMessage>(string source = null) => DeadLetter(typeof(TMessage), source);

    public IEventFilterApplier DeadLetter<TMessage>(Func<TMessage, bool> isMatch, string source = null) =>
        DeadLetter(typeof(TMessage), m => isMatch((TMessage)m), source);

    public IEventFilterApplier DeadLetter(Type type, string source = null) => DeadLetter(type, static _ => true, source);

    public IEventFilterApplier DeadLetter(Type type, Func<object, bool> isMatch, string source = null) => Applier(new LogFilter(
        $"dead letter of type {type}",
        e => e is DeadLetter letter && type.IsInstanceOfType(letter.Message) && isMatch(letter.Message) && Source(source, letter.Recipient.Path.ToString())));

    private IEventFilterApplier Level<T>(string message, string start, string contains, string source) where T : LogEvent =>
        Level<T>(Text(message, start, contains), Describe(message, start, contains), source);

    private IEventFilterApplier Level<T>(Regex pattern, string source) where T : LogEvent => Level<T>(pattern.IsMatch, pattern.ToString(), source);

    private IEventFilterApplier Level<T>(Func<string, bool> text, string shown, string source) where T : LogEvent => Applier(new LogFilter(
        $"{typeof(T).Name} {shown}", e => e is T log && text(log.Message?.ToString() ?? "") && Source(source, log.LogSource)));

    private IEventFilterApplier Exception(Type type, Func<string, bool> text, string shown, string source, bool inner) => Applier(new LogFilter(
        $"{type.Name} {shown}",
        e => e is Error error && Source(source, error.LogSource) && Causes(error.Cause, inner).Any(c => type.IsInstanceOfType(c) && (text(error.Message?.ToString() ?? "") || text(c.Message)))));

    private static IEnumerable<Exception> Causes(Exception cause, bool inner)
    {
        for (var c = cause; c is not null; c = inner ? c.InnerException : null)
            yield return c;
    }

    private static Func<string, bool> Text(string message, string start, string contains) =>
        message is not null ? t => t == message
        : start is not null ? t => t.StartsWith(start, StringComparison.Ordinal)
        : contains is not null ? t => t.Contains(contains, StringComparison.Ordinal)
        : static _ => true;

    private static string Describe(string message, string start, string contains) =>
        message is not null ? $"'{message}'" : start is not null ? $"'{start}...'" : contains is not null ? $"'...{contains}...'" : "of any text";

    private static bool Source(string wanted, string actual)
    {
        if (wanted is null || wanted == actual)
            return true;
        // akka://system/user/a is also /user/a; a source may carry the address in brackets behind its name.
        return actual is not null && wanted.StartsWith('/') && actual.TrimEnd(']').Split('#')[0].EndsWith(wanted, StringComparison.Ordinal);
    }

    private EventFilterApplier Applier(LogFilter filter) => new(_testkit, _system, [.. _filters, filter]);
}
