using System.Reflection;
using Akka.Configuration.Hocon;

namespace Akka.Configuration;

/// <summary>Creates <see cref="Config"/> from HOCON text and embedded resources.</summary>
public class ConfigurationFactory
{
    public static Config Empty => new(new HoconRoot(new HoconValue(new HoconObject())));

    /// <summary>
    /// Parses HOCON. Substitutions are resolved within this text, then in the environment.
    /// Include statements read files, relative to the current directory.
    /// </summary>
    /// <exception cref="ConfigurationException">The text is malformed; the message holds line and column.</exception>
    public static Config ParseString(string hocon) => ParseString(hocon, null);

    /// <param name="hocon">The text.</param>
    /// <param name="includeCallback">Turns the name in an include statement into its parsed content; null if there is none.</param>
    public static Config ParseString(string hocon, Func<string, HoconRoot?>? includeCallback) =>
        new(Parser.Parse(hocon, includeCallback));

    /// <summary>What an actor system gets that was created without configuration: nothing beyond the defaults.</summary>
    public static Config Load() => Empty;

    /// <summary>The engine's own defaults.</summary>
    public static Config Default() => FromResource("akka.conf", typeof(ConfigurationFactory).Assembly);

    public static Config FromResource<TAssembly>(string resourceName) => FromResource(resourceName, typeof(TAssembly).Assembly);

    /// <param name="resourceName">Full name of the manifest resource.</param>
    /// <param name="instanceInAssembly">An assembly, a type in it, or an instance of such a type.</param>
    public static Config FromResource(string resourceName, object instanceInAssembly) => FromResource(resourceName, instanceInAssembly switch
    {
        Assembly assembly => assembly,
        Type type => type.Assembly,
        _ => instanceInAssembly.GetType().Assembly,
    });

    public static Config FromResource(string resourceName, Assembly assembly)
    {
        using var stream = assembly.GetManifestResourceStream(resourceName)
            ?? throw new ConfigurationException(
                $"Assembly {assembly.GetName().Name} has no embedded resource '{resourceName}'. It has: {string.Join(", ", assembly.GetManifestResourceNames())}.");
        using var reader = new StreamReader(stream);
        return new Config(Parser.ParseNamed(reader.ReadToEnd(), resourceName));
    }
}
