using System.CommandLine;
using System.CommandLine.Help;
using ActorBroker.Cli.Commands;
using ActorBroker.Client;

namespace ActorBroker.Cli;

/// <summary>The program's commands, and what their failures look like to the user: one line and an exit code.</summary>
internal static class CommandLine
{
    private const string TraceVariable = "ACTORBROKER_TRACE";

    /// <summary>How long Ctrl-C or SIGTERM waits for a command to end in order (a node flushes its logs) before the process ends anyway.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(90);

    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error)
    {
        var parsed = BuildRoot().Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var fault in parsed.Errors) await error.WriteLineAsync(fault.Message);
            foreach (var argument in parsed.CommandResult.Command.Arguments)
                if (argument.Arity.MinimumNumberOfValues > 0 && parsed.GetResult(argument) is not { Tokens.Count: > 0 })
                    await error.WriteLineAsync($"  {argument.Name}: {argument.Description}");
            await error.WriteLineAsync($"See: actorbroker {CommandPath(parsed)}--help");
            return ExitCode.WrongUsage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = StopPatience,
                Output = output,
                Error = error,
            });
        }
        catch (CliException e)
        {
            await error.WriteLineAsync($"actorbroker: {e.Message}");
            return e.ExitCode;
        }
        catch (AdminException e)
        {
            await error.WriteLineAsync($"actorbroker: {e.Message}");
            return e.IsUnreachable ? ExitCode.BrokerUnreachable : ExitCode.Failed;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Failed;
        }
        catch (Exception e)
        {
            // Ours to mend, not the user's to read: the trace is for the report.
            var trace = Environment.GetEnvironmentVariable(TraceVariable) is null ? $" (set {TraceVariable}=1 for where it happened)" : Environment.NewLine + e;
            await error.WriteLineAsync($"actorbroker: unexpected {e.GetType().Name}: {e.Message}{trace}");
            return ExitCode.Failed;
        }
    }

    /// <summary>Not a <see cref="RootCommand"/>, which calls itself by the executable's file name.</summary>
    private static Command BuildRoot() => new("actorbroker", "ActorBroker: an event-streaming broker on Akka.NET.\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 broker unreachable.")
    {
        new HelpOption(),
        new VersionOption(),
        StartCommand.Create(),
        DevCommand.Create(),
        TopicsCommand.Create(),
        ClusterCommand.Create(),
        ProduceCommand.Create(),
        ConsumeCommand.Create(),
        GroupsCommand.Create(),
        LogCommand.Create(),
    };

    private static string CommandPath(ParseResult parsed)
    {
        var names = new Stack<string>();
        for (var command = parsed.CommandResult; command?.Parent is not null; command = command.Parent as System.CommandLine.Parsing.CommandResult)
            names.Push(command.Command.Name);
        return names.Count == 0 ? "" : string.Join(' ', names) + " ";
    }
}
