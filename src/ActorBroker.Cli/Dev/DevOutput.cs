using System.Text;
using ActorBroker.Cli.Output;

namespace ActorBroker.Cli.Dev;

/// <summary>
/// What several nodes and their parent say, whole lines at a time: the nodes' logs, each line with its node in front, in that node's
/// colour on a terminal, to standard error; the line of readiness to standard output.
/// </summary>
internal sealed class DevOutput(bool json, TextWriter output, TextWriter error)
{
    private static readonly string[] Colours = ["36", "33", "35", "32", "34", "31", "96", "93", "95"];

    private readonly Lock _lock = new();
    private readonly bool _isColoured = !Console.IsErrorRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    public void Node(int id, string line)
    {
        var prefix = $"node-{id} |";
        var text = _isColoured ? $"\u001b[{Colours[(id - 1) % Colours.Length]}m{prefix}\u001b[0m {line}" : $"{prefix} {line}";
        lock (_lock) error.WriteLine(text);
    }

    public void Note(string line)
    {
        lock (_lock) error.WriteLine($"dev    | {line}");
    }

    public void Ready(DevPlan plan, TimeSpan elapsed)
    {
        lock (_lock)
        {
            if (json)
            {
                output.Write(Encoding.UTF8.GetString(new JsonLine().Build(line =>
                {
                    line.WriteString("event"u8, "ready"u8);
                    line.WriteNumber("nodes"u8, plan.Nodes);
                    line.WriteString("bootstrap"u8, plan.Bootstrap);
                    if (plan.KafkaBootstrap is { } kafka) line.WriteString("kafka"u8, kafka);
                    line.WriteString("data"u8, plan.DataDirectory);
                }).Span));
            }
            else
            {
                output.WriteLine($"A cluster of {plan.Nodes} node(s) is ready after {elapsed.TotalSeconds:0.00} s: --bootstrap {plan.Bootstrap}, {(plan.KafkaBootstrap is { } kafka ? $"Kafka clients at {kafka}" : "no Kafka clients")}, data in {plan.DataDirectory}. Ctrl-C stops it.");
            }

            output.Flush();
        }
    }
}
