using System.CommandLine;
using ActorBroker.Cli.Clients;
using ActorBroker.Cli.Records;
using ActorBroker.Client;
using ActorBroker.Log;

namespace ActorBroker.Cli.Commands;

/// <summary><c>actorbroker produce</c>: one record a line, from a file or standard input.</summary>
internal static class ProduceCommand
{
    public static Command Create()
    {
        var topic = new Argument<string>("TOPIC") { Description = "The topic to write to." };
        var file = new Option<FileInfo?>("--file") { Description = "Read lines from this file (default: standard input).", HelpName = "FILE" };
        var separator = new Option<string?>("--key-separator") { Description = @"What stands between key and value (\t for a tab); without it records have no key.", HelpName = "S" };
        var headers = new Option<string[]>("--header") { Description = "A header for every record; may be given several times.", HelpName = "k=v" };
        var nullValue = new Option<string?>("--null-value") { Description = "Send a value that is exactly this text as null.", HelpName = "TEXT" };
        var acks = new Option<string>("--acks") { Description = "Who must have a record before it counts: 0 nobody, 1 the leader, all in-sync replicas.", DefaultValueFactory = _ => "all" };
        acks.AcceptOnlyFromAmong("0", "1", "all");
        var linger = new Option<int?>("--linger-ms") { Description = "How long a batch waits to fill, in milliseconds (default 5).", HelpName = "N" };
        var batch = new Option<int?>("--batch-size") { Description = "Bytes at which a batch is sent without waiting (default 16384).", HelpName = "N" };
        var compression = new Option<string>("--compression") { Description = "How batches are packed: none, gzip, snappy, lz4 or zstd (default none).", DefaultValueFactory = _ => "none" };
        compression.AcceptOnlyFromAmong("none", "gzip", "snappy", "lz4", "zstd");
        linger.Within(0, int.MaxValue, "must not be negative");
        batch.Within(1, int.MaxValue, "must be at least 1");
        var rate = new Option<bool>("--rate") { Description = "Show progress every second, also when not on a terminal." };

        var command = new Command("produce", "Writes records, one a line.")
        {
            topic, file, separator, headers, nullValue, acks, linger, batch, compression, rate, CommonOptions.Bootstrap, CommonOptions.Json,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var format = LineFormat.Create(parsed.GetValue(separator), parsed.GetValue(nullValue));
            var run = new ProduceRun(
                parsed.GetValue(topic)!, format, Headers(parsed.GetValue(headers) ?? []), parsed.GetValue(rate), parsed.GetValue(CommonOptions.Json),
                parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
            return RunAsync(run, parsed.GetValue(CommonOptions.Bootstrap)!, parsed.GetValue(file), Settings, cancellation);

            ProducerSettings Settings(ProducerSettings settings)
            {
                settings = settings.WithAcks(parsed.GetValue(acks) switch { "0" => Acks.None, "1" => Acks.Leader, _ => Acks.All });
                settings = settings.WithCompression(Enum.Parse<CompressionType>(parsed.GetValue(compression)!, ignoreCase: true));
                if (parsed.GetValue(linger) is { } milliseconds) settings = settings.WithLinger(TimeSpan.FromMilliseconds(milliseconds));
                if (parsed.GetValue(batch) is { } bytes) settings = settings.WithBatchSize(bytes);
                return settings;
            }
        });
        return command;
    }

    private static async Task<int> RunAsync(
        ProduceRun run, string bootstrap, FileInfo? file, Func<ProducerSettings, ProducerSettings> adjust, CancellationToken cancellation)
    {
        await using var input = Open(file);
        await using var client = ClientSystem.Create(bootstrap);
        ProducerSettings settings;
        try
        {
            settings = adjust(ProducerSettings.Create(client.System) with { Client = client.Settings() });
            await TopicLookup.FindAsync(client, run.Topic, cancellation);
            await using var producer = ProducerClient.Create(client.System, settings);
            return await run.RunAsync(producer, input, cancellation);
        }
        catch (ClientSettingsException e)
        {
            throw CliException.Usage(e.Message);
        }
    }

    private static Stream Open(FileInfo? file)
    {
        if (file is null) return Console.OpenStandardInput();
        try
        {
            return new FileStream(file.FullName, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0, FileOptions.SequentialScan | FileOptions.Asynchronous);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"--file {file} can't be read: {e.Message}");
        }
    }

    private static RecordHeader[] Headers(string[] texts) =>
        [.. KeyValues.Parse("--header", texts).Select(header => new RecordHeader(header.Key, System.Text.Encoding.UTF8.GetBytes(header.Value)))];
}
