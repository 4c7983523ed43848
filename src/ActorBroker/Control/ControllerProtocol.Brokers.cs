using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;

namespace ActorBroker.Control;

/// <summary>Between the controller and the brokers: registration, sessions, metadata, in-sync replicas.</summary>
internal static partial class ControllerProtocol
{
    /// <summary>
    /// A broker process announces itself (KIP-631); it is fenced until it has reconciled the metadata. Its sender is where
    /// metadata goes from then on. Answer: <see cref="BrokerAccepted"/> or <see cref="BrokerRefused"/>;
    /// <see cref="ControllerUnavailable"/> also while another data folder's broker of this id may still be running.
    /// </summary>
    /// <param name="ClusterId">Null: a new data folder, which takes the id that the answer says.</param>
    /// <param name="CleanShutdown">The data folder was closed in order, or is new.</param>
    /// <param name="BootId">Of the machine; null where it has none.</param>
    public sealed record RegisterBroker(
        BrokerId Id,
        Guid Incarnation,
        DirectoryId Directory,
        ClusterId? ClusterId,
        string? Rack,
        ImmutableArray<BrokerEndpoint> Endpoints,
        bool CleanShutdown,
        string? BootId) : ICommand;

    /// <param name="BrokerEpoch">The metadata version of the registration.</param>
    public sealed record BrokerAccepted(ClusterId ClusterId, long BrokerEpoch) : IControllerMessage;

    /// <param name="Reason">For the person who started the broker; asking again does not help.</param>
    public sealed record BrokerRefused(string Reason) : IControllerMessage;

    /// <summary>Answer: <see cref="HeartbeatAnswered"/> or <see cref="BrokerUnknown"/>. Its sender is where metadata goes from then on.</summary>
    /// <param name="MetadataVersion">The newest whose replicas are open here.</param>
    /// <param name="WantsShutdown">Leaders are to be moved away; repeated until <see cref="HeartbeatAnswered.MayShutDown"/>.</param>
    public sealed record BrokerHeartbeat(BrokerId Id, long BrokerEpoch, long MetadataVersion, bool WantsShutdown) : ICommand;

    /// <param name="MetadataVersion">The controller's.</param>
    public sealed record HeartbeatAnswered(long BrokerEpoch, long MetadataVersion, bool IsFenced, bool MayShutDown) : IControllerMessage;

    /// <summary>The broker is not registered, or under another epoch: it must register again.</summary>
    public sealed record BrokerUnknown(BrokerId Id) : IControllerMessage;

    /// <summary>Says at once what the next heartbeat would say, for those who wait. No answer.</summary>
    public sealed record ReconcileCompleted(BrokerId Id, long BrokerEpoch, long Version) : IControllerMessage;

    /// <summary>A delta did not fit. Answer: <see cref="MetadataDelta"/> or <see cref="MetadataSnapshot"/>, or <see cref="BrokerUnknown"/>.</summary>
    public sealed record MetadataRequest(BrokerId Id, long BrokerEpoch, long HaveVersion) : ICommand;

    /// <summary>Events in order; they apply to an image of exactly version <paramref name="From"/>.</summary>
    public sealed record MetadataDelta(long From, ImmutableArray<SequencedEvent> Events) : ILargeMessage;

    public sealed record SequencedEvent(long Sequence, IControlEvent Event);

    public sealed record MetadataSnapshot(MetadataImage Image) : ILargeMessage;

    /// <summary>A leader proposes ISRs (KIP-497). Answer: <see cref="PartitionsAltered"/>, in the order asked, or <see cref="BrokerUnknown"/>.</summary>
    public sealed record AlterPartitions(BrokerId Id, long BrokerEpoch, ImmutableArray<IsrProposal> Partitions) : ICommand, ILargeMessage;

    /// <param name="PartitionEpoch">Of the standing that the proposal is made against.</param>
    public sealed record IsrProposal(TopicId Topic, int Index, LeaderEpoch LeaderEpoch, int PartitionEpoch, ImmutableArray<IsrMember> Isr);

    /// <param name="BrokerEpoch">Under which the member fetched; another incarnation of it is not in sync (KIP-903). -1: not checked.</param>
    public readonly record struct IsrMember(BrokerId Id, long BrokerEpoch);

    public sealed record PartitionsAltered(ImmutableArray<IsrOutcome> Results) : ILargeMessage;

    /// <param name="Error">
    /// None: <paramref name="Now"/> holds the proposal. <see cref="ErrorCode.NewLeaderElected"/>: it does, and somebody else
    /// leads. Otherwise refused; but <see cref="ErrorCode.InvalidUpdateVersion"/>, <see cref="ErrorCode.FencedLeaderEpoch"/> and
    /// <see cref="ErrorCode.InvalidRequest"/> may also mean that the same proposal, sent before, was taken.
    /// </param>
    /// <param name="Now">As the partition stands; null when it does not exist.</param>
    public sealed record IsrOutcome(TopicId Topic, int Index, ErrorCode Error, PartitionImage? Now);

    /// <summary>A broker wants producer ids to give out. Answer: <see cref="ProducerIdBlock"/>. One that gets lost is never given out.</summary>
    public sealed record AllocateProducerIds(BrokerId Id, long BrokerEpoch) : ICommand;

    /// <param name="Error">None, or <see cref="ErrorCode.StaleBrokerEpoch"/>: the broker is not registered, or under another epoch.</param>
    public sealed record ProducerIdBlock(long First, int Count, ErrorCode Error) : IControllerMessage;

    /// <summary>The broker was probed and found dead. It is fenced at once. No answer.</summary>
    public sealed record SuspectBroker(BrokerId Id, long BrokerEpoch, string Evidence) : IControllerMessage;
}
