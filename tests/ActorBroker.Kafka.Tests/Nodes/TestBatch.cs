using System.Text;
using ActorBroker.Log;

namespace ActorBroker.Kafka.Tests.Nodes;

/// <summary>Record batches as a producer makes them.</summary>
internal static class TestBatch
{
    public static byte[] Of(params string[] values)
    {
        using var builder = new RecordBatchBuilder(1 << 20);
        foreach (var value in values) Assert.True(builder.TryAppend(1_000, null, Encoding.UTF8.GetBytes(value)));
        return builder.Build().ToArray();
    }
}
