using ActorBroker.Hosting;
using Akka.Configuration;

namespace ActorBroker.Journal.Quorum;

/// <summary>Settings of <c>actorbroker.journal.quorum</c>.</summary>
/// <param name="FirstRetry">Until what has no answer is asked again; doubles each time.</param>
/// <param name="LastRetry">What it grows to; as often all followers are asked for a sign of life.</param>
/// <param name="WriteTimeout">Without progress for so long, writes fail and their writer must bid anew.</param>
/// <param name="CatchUpTimeout">Until a disk that is to be a voter must hold what is committed.</param>
internal sealed record QuorumOptions(TimeSpan FirstRetry, TimeSpan LastRetry, TimeSpan WriteTimeout, TimeSpan CatchUpTimeout)
{
    public const string Section = "actorbroker.journal.quorum";

    /// <exception cref="BrokerConfigurationException">Values are missing or out of range.</exception>
    public static QuorumOptions Read(Config section)
    {
        var reader = new OptionsReader(section, Section);
        var options = Read(reader);
        reader.ThrowIfFaulty();
        return options;
    }

    public static QuorumOptions Read(OptionsReader reader) => new(
        reader.Milliseconds("retry.backoff.ms", 1),
        reader.Milliseconds("retry.backoff.max.ms", 1),
        reader.Milliseconds("write.timeout.ms", 1),
        reader.Milliseconds("catch.up.timeout.ms", 1));
}
