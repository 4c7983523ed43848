namespace ActorBroker.Cli;

/// <summary>What the program's exit code means, for every command.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>The request was understood but did not succeed, or not for every record.</summary>
    public const int Failed = 1;

    public const int WrongUsage = 2;

    public const int BrokerUnreachable = 3;
}

/// <summary>Ends a command with a sentence for the user instead of a stack trace.</summary>
internal sealed class CliException(int exitCode, string message) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    public static CliException Usage(string message) => new(Cli.ExitCode.WrongUsage, message);

    public static CliException Failed(string message) => new(Cli.ExitCode.Failed, message);

    public static CliException Unreachable(string message) => new(Cli.ExitCode.BrokerUnreachable, message);
}
