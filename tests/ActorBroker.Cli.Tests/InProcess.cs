using ActorBroker.Cli.Tests.Processes;

namespace ActorBroker.Cli.Tests;

/// <summary>
/// Commands as the program runs them, in the tests' own process, where what they need is compiled once: all but those that
/// read standard input, print records or are nodes.
/// </summary>
internal static class InProcess
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    public static async Task<CliResult> RunAsync(params string[] args)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        var exitCode = await CommandLine.RunAsync(args, output, error).WaitAsync(Deadline);
        return new CliResult(exitCode, output.ToString(), error.ToString());
    }
}
