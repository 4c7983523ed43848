using System.Globalization;
using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;

namespace ActorBroker.Cli.Hosting;

/// <summary>
/// A node's log, one line an event, on standard error: standard output belongs to what a command answers. Named by
/// <c>akka.loggers</c> in node.conf.
/// </summary>
internal sealed class ConsoleLogger : ReceiveActor, IRequiresMessageQueue<ILoggerMessageQueueSemantics>
{
    public ConsoleLogger()
    {
        Receive<InitializeLogger>(_ => Sender.Tell(new LoggerInitialized()));
        Receive<LogEvent>(Write);
    }

    private static void Write(LogEvent entry)
    {
        var level = entry.LogLevel() switch
        {
            LogLevel.DebugLevel => "DEBUG",
            LogLevel.InfoLevel => "INFO ",
            LogLevel.WarningLevel => "WARN ",
            _ => "ERROR",
        };
        var cause = entry.Cause is { } fault ? Environment.NewLine + fault : "";
        Console.Error.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{entry.Timestamp:yyyy-MM-ddTHH:mm:ss.fffZ} {level} {Source(entry.LogSource)}: {entry.Message}{cause}"));
    }

    /// <summary>Every line is this node's: its own address in front of each path says nothing.</summary>
    private static string Source(string source)
    {
        var scheme = source.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0) return source;
        var path = source.IndexOf('/', scheme + 3);
        return path < 0 ? source : source[path..];
    }
}
