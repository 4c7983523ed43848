using System.CommandLine;

namespace ActorBroker.Cli.Commands;

/// <summary>Options that mean the same everywhere.</summary>
internal static class CommonOptions
{
    public static readonly Option<string> Bootstrap = new("--bootstrap")
    {
        Description = "A node of the cluster, or several with commas, of which one that answers is enough: HOST:PORT or NAME@HOST:PORT.",
        HelpName = "HOST:PORT",
        DefaultValueFactory = _ => "127.0.0.1:4053",
    };

    public static readonly Option<bool> Json = new("--json") { Description = "Print JSON Lines." };
}
