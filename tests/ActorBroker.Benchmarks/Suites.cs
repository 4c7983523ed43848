namespace ActorBroker.Benchmarks;

/// <summary>The benchmarks by name, in the order in which they run.</summary>
internal static class Suites
{
    public static readonly SortedDictionary<string, Func<int, Task>> All = new(StringComparer.Ordinal)
    {
        ["actors"] = ActorBenchmarks.RunAsync,
        ["cluster"] = ClusterBenchmarks.RunAsync,
        ["clean"] = static rounds =>
        {
            CleanBenchmarks.Run(Console.Out, rounds);
            return Task.CompletedTask;
        },
        ["consume"] = ConsumeBenchmarks.RunAsync,
        ["groups"] = GroupBenchmarks.RunAsync,
        ["journal"] = JournalBenchmarks.RunAsync,
        ["log"] = static rounds =>
        {
            LogBenchmarks.Run(Console.Out, rounds);
            return Task.CompletedTask;
        },
        ["produce"] = ProduceBenchmarks.RunAsync,
        ["remote"] = RemoteBenchmarks.RunAsync,
        ["replication"] = ReplicationBenchmarks.RunAsync,
        ["send"] = SendBenchmarks.RunAsync,
        ["start"] = StartBenchmarks.RunAsync,
    };
}
