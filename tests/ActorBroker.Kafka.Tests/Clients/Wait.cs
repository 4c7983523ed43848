namespace ActorBroker.Kafka.Tests.Clients;

/// <summary>For what comes to pass in other processes.</summary>
internal static class Wait
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);

    public static Task UntilAsync(Func<bool> holds, Func<string> tell) => UntilAsync(holds, tell, () => Task.Delay(50));

    /// <param name="meanwhile">Done again and again until it holds.</param>
    public static async Task UntilAsync(Func<bool> holds, Func<string> tell, Func<Task> meanwhile)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        while (!holds())
        {
            if (deadline.IsCancellationRequested) throw new TimeoutException($"Not within {Deadline.TotalSeconds} s: {tell()}");
            await meanwhile();
        }
    }
}
