using ActorBroker.Log;
using ActorBroker.Metadata;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Hosting;

/// <summary>
/// Brokers that this node knows to be dead, until the metadata shows that the controller has acted on it. A controller that
/// takes over from a dead one's node so hears of it at once, instead of after that broker's session.
/// </summary>
internal sealed class Suspects
{
    private static readonly TimeSpan TellAgain = TimeSpan.FromMilliseconds(200);

    /// <summary>A broker that is unfenced so long after was not dead: the evidence was about its former process.</summary>
    private static readonly TimeSpan Stands = TimeSpan.FromSeconds(15);

    private readonly Dictionary<BrokerId, (SuspectBroker Suspect, TimeSpan Since, TimeSpan TellAt)> _suspects = [];

    public void Add(SuspectBroker suspect, TimeSpan now) => _suspects[suspect.Id] = (suspect, now, now);

    /// <summary>Those to tell the controller now.</summary>
    public List<SuspectBroker> Due(MetadataImage image, TimeSpan now)
    {
        List<SuspectBroker> due = [];
        foreach (var (id, (suspect, since, tellAt)) in _suspects)
        {
            var stands = image.Brokers.TryGetValue(id, out var broker) && broker.Epoch == suspect.BrokerEpoch && !broker.Fenced;
            if (!stands || now - since > Stands)
            {
                _suspects.Remove(id);
            }
            else if (now >= tellAt)
            {
                _suspects[id] = (suspect, since, now + TellAgain);
                due.Add(suspect);
            }
        }

        return due;
    }
}
