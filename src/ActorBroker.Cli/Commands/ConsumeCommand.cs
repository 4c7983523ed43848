using System.Buffers;
using System.Collections.Immutable;
using System.CommandLine;
using ActorBroker.Cli.Clients;
using ActorBroker.Cli.Output;
using ActorBroker.Cli.Records;
using ActorBroker.Client;
using ActorBroker.Log;

namespace ActorBroker.Cli.Commands;

/// <summary><c>actorbroker consume</c>: prints records until stopped, at the end of what is there, or after so many.</summary>
internal static class ConsumeCommand
{
    public static Command Create()
    {
        var topic = new Argument<string>("TOPIC") { Description = "The topic to read." };
        var from = new Option<string>("--from") { Description = "Where to begin: beginning, end, an offset, or an ISO 8601 time (UTC unless it has a zone).", HelpName = "START", DefaultValueFactory = _ => "beginning" };
        var partitions = new Option<int[]>("--partition") { Description = "Read only this partition; may be given several times.", HelpName = "P" };
        var max = new Option<long?>("--max") { Description = "Stop after so many records.", HelpName = "N" };
        var exitAtEnd = new Option<bool>("--exit-at-end") { Description = "Stop once everything committed so far has been read." };
        var format = new Option<string>("--format") { Description = @"How a record is printed: %t topic, %p partition, %o offset, %T timestamp (ms), %k key, %v value, %h headers, %%, \t, \n.", HelpName = "FORMAT", DefaultValueFactory = _ => RecordFormat.Default };
        var group = new Option<string?>("--group") { Description = "Read as a member of this consumer group: share partitions with its other members, go on where it is, commit what was printed. --from is then for partitions of which it has committed nothing.", HelpName = "G" };
        max.Within(1, long.MaxValue, "must be at least 1");
        partitions.Within(0, int.MaxValue, "must not be negative");

        var command = new Command("consume", "Prints records.") { topic, from, partitions, max, exitAtEnd, group, format, CommonOptions.Bootstrap, CommonOptions.Json };
        command.SetAction(async (parsed, cancellation) =>
        {
            var start = StartText.Parse(parsed.GetValue(from)!, out var assumedUtc);
            if (assumedUtc) await parsed.InvocationConfiguration.Error.WriteLineAsync($"--from {parsed.GetValue(from)} has no zone; taken as UTC.");
            var printer = new RecordPrinter(RecordFormat.Parse(parsed.GetValue(format)!), parsed.GetValue(CommonOptions.Json));
            await using var client = ClientSystem.Create(parsed.GetValue(CommonOptions.Bootstrap)!);
            var name = parsed.GetValue(topic)!;
            var settings = Select(name, await TopicLookup.FindAsync(client, name, cancellation), parsed.GetValue(partitions) ?? [], Settings(client)).StartAt(start);
            if (parsed.GetValue(group) is { } id) settings = id.Length > 0 ? settings.WithGroup(id) : throw CliException.Usage("--group must not be empty.");
            return await RunAsync(client, settings, printer, parsed.GetValue(max) ?? long.MaxValue, parsed.GetValue(exitAtEnd), cancellation);
        });
        return command;
    }

    private static ConsumerSettings Settings(ClientSystem client) => ConsumerSettings.Create(client.System) with { Client = client.Settings() };

    private static ConsumerSettings Select(string topic, TopicDescription description, int[] partitions, ConsumerSettings settings)
    {
        if (partitions.Length == 0) return settings.Subscribe(topic);
        foreach (var partition in partitions)
        {
            if (partition < 0 || partition >= description.Partitions.Count)
                throw CliException.Failed($"Topic '{topic}' has no partition {partition}; it has 0 to {description.Partitions.Count - 1}.");
        }

        return settings.Assign([.. partitions.Distinct().Select(partition => new TopicPartition(topic, partition))]);
    }

    private static async Task<int> RunAsync(
        ClientSystem client, ConsumerSettings settings, RecordPrinter printer, long max, bool exitAtEnd, CancellationToken cancellation)
    {
        await using var consumer = ConsumerClient.Create(client.System, settings);
        await using var output = Console.OpenStandardOutput();
        var left = max;
        try
        {
            var batches = exitAtEnd ? consumer.ReadBatchesToEndAsync(cancellation) : consumer.ReadBatchesAsync(cancellation);
            await foreach (var batch in batches)
            {
                await printer.PrintAsync(batch, left, output);
                if (left <= batch.Records.Count)
                {
                    await CommitAsync(consumer, settings, batch, (int)left, cancellation);
                    break;
                }

                left -= batch.Records.Count;
            }

            return ExitCode.Done;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Done; // Ctrl-C is how following ends.
        }
        catch (ConsumerException e)
        {
            throw new CliException(e.IsUnreachable ? ExitCode.BrokerUnreachable : ExitCode.Failed, e.Message);
        }
        catch (IOException)
        {
            return ExitCode.Done; // The reader of our output went away (a closed pipe): nobody is left to tell.
        }
    }

    /// <summary>The group goes on behind the last record printed, not behind the last one that was fetched.</summary>
    private static async Task CommitAsync(ConsumerClient consumer, ConsumerSettings settings, ConsumerBatch batch, int printed, CancellationToken cancellation)
    {
        if (settings.GroupId.Length == 0) return;
        var next = printed < batch.Records.Count ? batch.Records[printed].Offset : batch.NextOffset;
        await consumer.CommitAsync(new Dictionary<TopicPartition, Offset> { [batch.Partition] = next }, cancellation);
    }
}

/// <summary>Prints batches of records in the chosen form, each batch with one write.</summary>
internal sealed class RecordPrinter(RecordFormat format, bool json)
{
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private readonly JsonLine _line = new();

    public async ValueTask PrintAsync(ConsumerBatch batch, long max, Stream output)
    {
        _buffer.ResetWrittenCount();
        for (var i = 0; i < batch.Records.Count && i < max; i++)
        {
            var shown = Shown(batch.Records[i]);
            if (json) _buffer.Write(_line.Build(writer => JsonLine.WriteRecord(writer, shown)).Span);
            else format.Write(_buffer, shown);
        }

        await output.WriteAsync(_buffer.WrittenMemory);
        await output.FlushAsync();
    }

    private static ShownRecord Shown(ConsumerRecord record) => new(
        record.Partition.Topic, record.Partition.Partition, record.Offset.Value, record.TimestampMs, record.Key, record.Value,
        record.Headers.Count == 0 ? [] : [.. record.Headers.Select(header => KeyValuePair.Create(header.Key, header.Value))]);
}
