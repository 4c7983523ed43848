using System.Globalization;

namespace ActorBroker.Benchmarks;

/// <summary>
/// Runs several ways of doing the same work in turn (A B A B ...), so that a machine whose speed drifts treats them
/// alike, and prints each one's median, spread and ratio to the first. The first round warms up and is not counted.
/// </summary>
internal static class Comparison
{
    /// <param name="unit">Of what the runs return; more is better.</param>
    public static async Task RunAsync(string title, string unit, int rounds, params (string Name, Func<Task<double>> Run)[] ways)
    {
        var results = ways.Select(_ => new List<double>()).ToArray();
        for (var round = 0; round <= rounds; round++)
        {
            for (var way = 0; way < ways.Length; way++)
            {
                GC.Collect();
                var value = await ways[way].Run();
                if (round > 0) results[way].Add(value);
            }
        }

        Console.WriteLine($"{title} ({unit}, {rounds} rounds)");
        var baseline = Median(results[0]);
        for (var way = 0; way < ways.Length; way++)
        {
            var values = results[way];
            var ratio = way == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"  ratio {Median(values) / baseline:0.00}");
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {ways[way].Name,-44} median {Median(values),14:N1}  min {values.Min(),14:N1}  max {values.Max(),14:N1}{ratio}"));
        }
    }

    public static Task RunAsync(string title, string unit, int rounds, params (string Name, Func<double> Run)[] ways) =>
        RunAsync(title, unit, rounds, [.. ways.Select(way => (way.Name, (Func<Task<double>>)(() => Task.FromResult(way.Run()))))]);

    private static double Median(List<double> values)
    {
        var sorted = values.Order().ToList();
        var middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
