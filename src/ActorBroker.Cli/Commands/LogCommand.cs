using System.CommandLine;
using ActorBroker.Cli.Output;
using ActorBroker.Log;

namespace ActorBroker.Cli.Commands;

/// <summary><c>actorbroker log dump</c>: shows what the files of a data folder hold. Needs no running node, and disturbs none.</summary>
internal static class LogCommand
{
    public static Command Create()
    {
        var path = new Argument<string>("PATH") { Description = "A segment, index, snapshot or checkpoint file, or a folder of them." };
        var records = new Option<bool>("--records") { Description = "Show each record, not only batches." };
        var dump = new Command("dump", "Shows the contents of log files and says what is damaged.") { path, records, CommonOptions.Json };
        dump.SetAction(parsed => Dump(
            parsed.GetValue(path)!, parsed.GetValue(records),
            new LineOutput(parsed.InvocationConfiguration.Output, parsed.GetValue(CommonOptions.Json))));
        return new Command("log", "Looks into log files.") { dump };
    }

    /// <summary>Exit code 1 when anything was damaged, so that a script can tell.</summary>
    private static int Dump(string path, bool records, LineOutput output)
    {
        var reader = new LogDump(RealFileSystem.Instance);
        var isSound = true;
        foreach (var file in Files(path))
        {
            if (!output.IsJson) output.Text(file);
            try
            {
                foreach (var line in reader.Read(file, records))
                {
                    isSound &= line.IsSound;
                    Write(file, line, output);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw CliException.Failed($"{file} can't be read: {e.Message}");
            }
        }

        return isSound ? ExitCode.Done : ExitCode.Failed;
    }

    private static void Write(string file, DumpLine line, LineOutput output)
    {
        if (output.IsJson)
        {
            output.Json(json =>
            {
                json.WriteString("file"u8, file);
                if (line.Position >= 0) json.WriteNumber("position"u8, line.Position);
                json.WriteString("text"u8, line.Text);
                if (line.Fault is not null) json.WriteString("fault"u8, line.Fault);
            });
            return;
        }

        var place = line.Position >= 0 ? $"position: {line.Position} " : "";
        var fault = line.Fault is null ? "" : $"  DAMAGED: {line.Fault}";
        output.Text($"{new string(' ', 2 + line.Level * 2)}{place}{line.Text}{fault}");
    }

    private static IEnumerable<string> Files(string path)
    {
        if (File.Exists(path)) return [path];
        if (!Directory.Exists(path)) throw CliException.Failed($"There is no file or folder {path}.");
        var files = Directory.EnumerateFiles(path).Where(IsKnown).Order(StringComparer.Ordinal).ToList();
        return files.Count > 0 ? files : throw CliException.Failed($"The folder {path} holds no log files; a partition's lie in DATA/TOPIC-PARTITION.");
    }

    private static bool IsKnown(string file) =>
        Path.GetExtension(file) is ".log" or ".index" or ".timeindex" or ".snapshot"
        || file.EndsWith("-checkpoint", StringComparison.Ordinal)
        || Path.GetFileName(file) is "partition.metadata" or "meta.properties";
}
