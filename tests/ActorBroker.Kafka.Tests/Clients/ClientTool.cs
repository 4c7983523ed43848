using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;

namespace ActorBroker.Kafka.Tests.Clients;

/// <summary>What a client's process left.</summary>
internal sealed record ClientResult(int ExitCode, string Output, string Error)
{
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public ClientResult Succeeded()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}\n{Output}\n{Error}");
        return this;
    }
}

/// <summary>A Kafka client that is on this machine or not; where it is not, its tests are skipped and say why.</summary>
/// <param name="program">Several are tried in order.</param>
/// <param name="check">Arguments with which it ends with 0 where it can be used.</param>
internal sealed class ClientTool(string name, string[] program, string[] leading, string[] check)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);
    private readonly Lazy<Task<string?>> _program = new(() => FindAsync(program, check));

    public static ClientTool Kcat { get; } = new("kcat", ["kcat", "kafkacat"], [], ["-V"]);

    public static ClientTool Confluent { get; } = Python("confluent-kafka for Python", "confluent_kafka");

    public static ClientTool KafkaPython { get; } = Python("kafka-python", "kafka");

    /// <summary>From the folder that KAFKAJS names, as <c>npm install kafkajs</c> leaves it.</summary>
    public static ClientTool KafkaJs { get; } = new("kafkajs (in the folder that KAFKAJS names)", ["node"], [], ["-e", "require(process.env.KAFKAJS + '/node_modules/kafkajs')"]);

    /// <summary>Kafka's own programs, in <c>shared/peers</c> beside the checkout or above it.</summary>
    public static ClientTool Java { get; } = new("Kafka's Java tools (shared/peers/kafka/kafka, near the checkout)", [JavaTools() ?? "no-such-program"], [], ["topics", "--version"]);

    public static string Script(string file) => Path.Combine(AppContext.BaseDirectory, "Clients", "Scripts", file);

    public Task<ClientResult> RunAsync(params string[] arguments) => FeedAsync(input: null, arguments);

    public async Task<ClientResult> FeedAsync(string? input, params string[] arguments) =>
        await RunAsync(await FindAsync(), input, [.. leading, .. arguments]);

    public async Task<RunningClient> StartAsync(params string[] arguments) => new(StartInfo(await FindAsync(), [.. leading, .. arguments]));

    public async Task<bool> IsInstalledAsync() => await _program.Value is not null;

    /// <summary>Skips the test where it is not installed.</summary>
    public async Task<string> FindAsync()
    {
        var found = await _program.Value;
        Skip.If(found is null, $"{name} is not installed");
        return found!;
    }

    private static ClientTool Python(string name, string module) => new(name, ["python3", "/usr/bin/python3"], [], ["-c", $"import {module}"]);

    private static string? JavaTools([CallerFilePath] string here = "")
    {
        for (var folder = Path.GetDirectoryName(here); folder is not null; folder = Path.GetDirectoryName(folder))
            if (Path.Combine(folder, "shared", "peers", "kafka", "kafka") is var program && File.Exists(program))
                return program;
        return null;
    }

    private static async Task FeedAsync(Process process, string? input)
    {
        try
        {
            if (input is not null) await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended before it read all: its exit code says why.
        }
    }

    private static async Task<string?> FindAsync(string[] programs, string[] check)
    {
        foreach (var program in programs)
        {
            try
            {
                if ((await RunAsync(program, null, check)).ExitCode == 0) return program;
            }
            catch (Win32Exception)
            {
                // Not there.
            }
        }

        return null;
    }

    private static ProcessStartInfo StartInfo(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
        };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return start;
    }

    private static async Task<ClientResult> RunAsync(string program, string? input, string[] arguments)
    {
        using var process = Process.Start(StartInfo(program, arguments))!;
        using var deadline = new CancellationTokenSource(Deadline);
        var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
        var error = process.StandardError.ReadToEndAsync(deadline.Token);
        try
        {
            await FeedAsync(process, input);
            await process.WaitForExitAsync(deadline.Token);
            return new ClientResult(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException e)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end within {Deadline.TotalSeconds} s.", e);
        }
    }
}
