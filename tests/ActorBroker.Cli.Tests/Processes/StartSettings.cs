using System.Diagnostics;

namespace ActorBroker.Cli.Tests.Processes;

/// <summary>How test processes of the product are started beside many others on few cores: most of a short life is compilation.</summary>
internal static class StartSettings
{
    /// <summary>A face without terminal, whatever runs the tests; methods are compiled once, without a second, optimized time.</summary>
    public static void Apply(ProcessStartInfo start)
    {
        start.Environment["NO_COLOR"] = "1";
        start.Environment["TERM"] = "dumb";
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["DOTNET_TC_CallCounting"] = "0";
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
    }
}
