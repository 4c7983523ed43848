using System.Diagnostics;
using System.Text;
using ActorBroker.Cli.Output;
using ActorBroker.Hosting;

namespace ActorBroker.Cli.Hosting;

/// <summary>The line on standard output that says that a node serves; another one each time that it has come back.</summary>
internal sealed class Announcement(bool json, TextWriter output)
{
    private bool _isBack;

    public void Write(BrokerInfo ready)
    {
        if (json) WriteJson(ready);
        else WriteText(ready);
        output.Flush();
        _isBack = true;
    }

    private void WriteJson(BrokerInfo ready) => output.Write(Encoding.UTF8.GetString(new JsonLine().Build(line =>
    {
        line.WriteString("event"u8, _isBack ? "rejoined"u8 : "ready"u8);
        line.WriteNumber("node"u8, ready.NodeId.Value);
        line.WriteString("address"u8, ready.Address.ToString());
        if (ready.Kafka is { } kafka) line.WriteString("kafka"u8, $"{kafka.Host}:{kafka.Port}");
        line.WriteString("data"u8, ready.DataDirectory);
        line.WriteString("cluster_id"u8, ready.ClusterId.Value);
    }).Span));

    private void WriteText(BrokerInfo ready)
    {
        if (_isBack)
        {
            output.WriteLine($"ActorBroker node {ready.NodeId} is back in its cluster and serves again.");
            return;
        }

        var elapsed = DateTime.Now - Process.GetCurrentProcess().StartTime;
        output.WriteLine($"ActorBroker node {ready.NodeId} is ready after {elapsed.TotalSeconds:0.00} s: clients at {ready.Address.Host}:{ready.Address.Port} ({ready.Address}), {(ready.Kafka is { } kafka ? $"Kafka clients at {kafka.Host}:{kafka.Port}" : "no Kafka clients")}, data in {ready.DataDirectory}, cluster {ready.ClusterId}. Ctrl-C stops it.");
    }
}
