namespace ActorBroker.Tests.Control.Simulation;

/// <summary>A rule for proposed ISRs that a model's controller does not follow: its histories must show what the rule is for.</summary>
public enum TakenOut
{
    Nothing,

    /// <summary>KIP-903: a member counts under the broker epoch with which it fetched.</summary>
    BrokerEpochs,

    /// <summary>KIP-497: a proposal holds for the standing that it was made against.</summary>
    PartitionEpochs,
}
