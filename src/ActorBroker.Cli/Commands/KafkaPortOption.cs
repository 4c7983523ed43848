using System.CommandLine;
using System.Globalization;

namespace ActorBroker.Cli.Commands;

/// <summary><c>--kafka-port PORT|off</c>.</summary>
internal static class KafkaPortOption
{
    public const string Off = "off";

    /// <param name="most">The highest port.</param>
    public static Option<string?> Create(string description, int most = ushort.MaxValue)
    {
        var option = new Option<string?>("--kafka-port") { Description = description, HelpName = "PORT|off" };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && text != Off
                && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port > most))
                result.AddError($"--kafka-port {text} must be from 0 to {most.ToString(CultureInfo.InvariantCulture)}, or off");
        });
        return option;
    }
}
