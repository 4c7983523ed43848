using System.CommandLine;
using ActorBroker.Cli.Clients;
using ActorBroker.Cli.Output;
using ActorBroker.Client;

namespace ActorBroker.Cli.Commands;

/// <summary>What every command that manages something begins and ends with.</summary>
internal static class AdminRun
{
    /// <param name="patience">How long each call may take; null for the client's own default.</param>
    public static async Task<int> WithAdminAsync(ParseResult parsed, Func<AdminClient, LineOutput, Task<int>> run, TimeSpan? patience = null)
    {
        await using var client = ClientSystem.Create(parsed.GetValue(CommonOptions.Bootstrap)!);
        var settings = client.Settings();
        await using var admin = AdminClient.Create(client.System, patience is { } most ? settings with { DefaultApiTimeout = most } : settings);
        return await run(admin, new LineOutput(parsed.InvocationConfiguration.Output, parsed.GetValue(CommonOptions.Json)));
    }

    public static async Task<int> WithClientAsync(ParseResult parsed, Func<ClientSystem, AdminClient, LineOutput, Task> run)
    {
        await using var client = ClientSystem.Create(parsed.GetValue(CommonOptions.Bootstrap)!);
        await using var admin = AdminClient.Create(client.System, client.Settings());
        await run(client, admin, new LineOutput(parsed.InvocationConfiguration.Output, parsed.GetValue(CommonOptions.Json)));
        return ExitCode.Done;
    }

    public static Task<int> WithAdminAsync(ParseResult parsed, Func<AdminClient, LineOutput, Task> run) => WithAdminAsync(parsed, async (admin, output) =>
    {
        await run(admin, output);
        return ExitCode.Done;
    });
}
