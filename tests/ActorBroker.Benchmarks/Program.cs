using ActorBroker.Benchmarks;

// dotnet run -c Release --project tests/ActorBroker.Benchmarks -- [NAME...] [--rounds N]
if (args is [BarePeer.Argument, var folder])
{
    BarePeer.Serve(folder);
    return 0;
}

var rounds = 5;
var names = new List<string>();
for (var i = 0; i < args.Length; i++)
{
    if (args[i] == "--rounds" && i + 1 < args.Length && int.TryParse(args[i + 1], out var n) && n > 0)
    {
        rounds = n;
        i++;
    }
    else
    {
        names.Add(args[i]);
    }
}

var unknown = names.Where(name => !Suites.All.ContainsKey(name)).ToList();
if (unknown.Count > 0)
{
    Console.Error.WriteLine($"No benchmark named {string.Join(", ", unknown)}. There are: {string.Join(", ", Suites.All.Keys)}.");
    return 2;
}

foreach (var (name, run) in Suites.All)
    if (names.Count == 0 || names.Contains(name, StringComparer.Ordinal))
        await run(rounds);
return 0;
