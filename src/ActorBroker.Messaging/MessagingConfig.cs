using Akka.Configuration;

namespace ActorBroker.Messaging;

/// <summary>The configuration that makes a system serialize the envelopes.</summary>
public static class MessagingConfig
{
    private const string Resource = "ActorBroker.Messaging.messaging.conf";

    /// <summary>Give it to <c>ActorSystem.Create</c> as a fallback. Without it <see cref="ApiMessages.Register"/> does the same later.</summary>
    public static Config Reference { get; } = ConfigurationFactory.ParseString(Read());

    private static string Read()
    {
        using var stream = typeof(MessagingConfig).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"{Resource} is missing from the assembly.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
