using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>
/// The id under which brokers know this producer (KIP-98), the same for all its partitions; each partition counts its own
/// epochs from <see cref="FirstEpoch"/> on. It is asked for when a first batch is ready to leave, and again only when a
/// partition has no use for it any more.
/// </summary>
internal sealed class ProducerIdentity
{
    public ProducerId Id { get; private set; } = ProducerId.None;

    public ProducerEpoch FirstEpoch { get; private set; } = ProducerEpoch.None;

    public bool IsKnown => Id != ProducerId.None;

    /// <summary>A batch waits for it.</summary>
    public bool IsWanted { get; private set; }

    public void Become(ProducerId id, ProducerEpoch epoch) => (Id, FirstEpoch, IsWanted) = (id, epoch, false);

    /// <summary>True if it is known; otherwise it is wanted from now on.</summary>
    public bool TryGet()
    {
        IsWanted |= !IsKnown;
        return IsKnown;
    }

    /// <summary>An id whose epochs are used up, or that somebody else uses too: the next partition that needs one gets another.</summary>
    public void Drop(ProducerId id)
    {
        if (id == Id)
            (Id, FirstEpoch) = (ProducerId.None, ProducerEpoch.None);
    }
}
