using System.Globalization;
using System.Runtime.InteropServices;

namespace ActorBroker.Benchmarks;

/// <summary>What one run showed.</summary>
/// <param name="Value">More is better.</param>
/// <param name="ProcessorSeconds">User and system, of all processes that took part; 0: not told.</param>
/// <param name="Allocated">Bytes per record in this process; negative: not told.</param>
/// <param name="Sides">What a record cost on either side; null: not told.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Sample(double Value, double ProcessorSeconds = 0, double Allocated = -1, Sides? Sides = null);

/// <summary>Costs of one record: microseconds of processor, and bytes allocated, of the client and of all nodes together.</summary>
internal sealed record Sides(double ClientMicroseconds, double NodeMicroseconds, double ClientAllocated, double NodeAllocated);

/// <summary>
/// Runs several ways of doing the same work in turn (A B A B ...), so that a machine whose speed drifts treats them
/// alike, and prints each one's median, spread and ratio to the first. The first round warms up and is not counted.
/// </summary>
internal static class Comparison
{
    /// <param name="unit">Of what the runs return; more is better.</param>
    public static async Task RunAsync(string title, string unit, int rounds, params (string Name, Func<Task<Sample>> Run)[] ways)
    {
        var results = ways.Select(_ => new List<Sample>()).ToArray();
        for (var round = 0; round <= rounds; round++)
        {
            for (var way = 0; way < ways.Length; way++)
            {
                GC.Collect();
                var sample = await ways[way].Run();
                if (round > 0) results[way].Add(sample);
            }
        }

        Console.WriteLine($"{title} ({unit}, {rounds} rounds)");
        var baseline = Median(results[0], static s => s.Value);
        for (var way = 0; way < ways.Length; way++)
            Print(ways[way].Name, results[way], way == 0 ? null : baseline);
    }

    public static Task RunAsync(string title, string unit, int rounds, params (string Name, Func<Task<double>> Run)[] ways) =>
        RunAsync(title, unit, rounds, [.. ways.Select(way => (way.Name, (Func<Task<Sample>>)(async () => new Sample(await way.Run()))))]);

    private static void Print(string name, List<Sample> samples, double? baseline)
    {
        var median = Median(samples, static s => s.Value);
        var line = string.Create(
            CultureInfo.InvariantCulture,
            $"  {name,-44} median {median,12:N1}  min {samples.Min(static s => s.Value),12:N1}  max {samples.Max(static s => s.Value),12:N1}");
        if (baseline is { } other) line += string.Create(CultureInfo.InvariantCulture, $"  ratio {median / other:0.00}");
        if (samples[0].ProcessorSeconds > 0)
            line += string.Create(CultureInfo.InvariantCulture, $"  processor {Median(samples, static s => s.ProcessorSeconds):0.00} s");
        if (samples[0].Allocated >= 0)
            line += string.Create(CultureInfo.InvariantCulture, $"  allocated {Median(samples, static s => s.Allocated):0} B/record");
        if (samples[0].Sides is not null)
        {
            line += string.Create(
                CultureInfo.InvariantCulture,
                $"  client {Median(samples, static s => s.Sides!.ClientMicroseconds):0.00} us {Median(samples, static s => s.Sides!.ClientAllocated):0} B, nodes {Median(samples, static s => s.Sides!.NodeMicroseconds):0.00} us {Median(samples, static s => s.Sides!.NodeAllocated):0} B per record");
        }

        Console.WriteLine(line);
    }

    private static double Median(List<Sample> samples, Func<Sample, double> of)
    {
        var sorted = samples.Select(of).Order().ToList();
        var middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
