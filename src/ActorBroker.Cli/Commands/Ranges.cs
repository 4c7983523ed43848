using System.CommandLine;
using System.Globalization;

namespace ActorBroker.Cli.Commands;

/// <summary>Bounds of numeric options, checked while the command line is parsed so that all faults are listed together.</summary>
internal static class Ranges
{
    /// <summary>Text that is no number at all is the parser's to report.</summary>
    public static Option<T> Within<T>(this Option<T> option, long least, long most, string fault)
    {
        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens)
            {
                if (long.TryParse(token.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && (value < least || value > most))
                    result.AddError($"{option.Name} {fault}.");
            }
        });
        return option;
    }
}
