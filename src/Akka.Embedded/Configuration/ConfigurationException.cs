using Akka.Actor;

namespace Akka.Configuration;

/// <summary>HOCON text that can't be read, or settings that contradict each other.</summary>
public class ConfigurationException : AkkaException
{
    public ConfigurationException(string message) : base(message) { }

    public ConfigurationException(string message, Exception? exception) : base(message, exception) { }

    /// <summary>The error for a component of type <typeparamref name="T"/> whose section is missing or empty.</summary>
    public static ConfigurationException NullOrEmptyConfig<T>(string? path = null) =>
        new(string.IsNullOrWhiteSpace(path)
            ? $"{typeof(T).Name} can't be created: its configuration is null or empty."
            : $"{typeof(T).Name} can't be created: there is no configuration at '{path}'.");
}
