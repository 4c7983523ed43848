namespace ActorBroker.Protocol;

/// <summary>What a reader of transactional records may see.</summary>
public enum IsolationLevel : sbyte
{
    /// <summary>Everything below the high watermark.</summary>
    ReadUncommitted = 0,

    /// <summary>Only what no open or aborted transaction wrote.</summary>
    ReadCommitted = 1,
}

/// <summary>What a configuration belongs to.</summary>
public enum ConfigResourceType : sbyte
{
    Unknown = 0,
    Topic = 2,
    Broker = 4,
    BrokerLogger = 8,
    ClientMetrics = 16,
    Group = 32,
}

/// <summary>Where a configuration value comes from.</summary>
public enum ConfigSource : sbyte
{
    /// <summary>Not sent.</summary>
    None = -1,

    Unknown = 0,

    /// <summary>Set on the topic.</summary>
    Topic = 1,

    /// <summary>Set on this broker while running.</summary>
    DynamicBroker = 2,

    /// <summary>Set for all brokers while running.</summary>
    DynamicDefaultBroker = 3,

    /// <summary>From the broker's configuration file.</summary>
    StaticBroker = 4,

    /// <summary>Built in.</summary>
    Default = 5,

    DynamicBrokerLogger = 6,
    ClientMetrics = 7,
    Group = 8,
}

/// <summary>The type of a configuration value.</summary>
public enum ConfigType : sbyte
{
    Unknown = 0,
    Boolean = 1,
    String = 2,
    Int = 3,
    Short = 4,
    Long = 5,
    Double = 6,
    List = 7,
    Class = 8,
    Password = 9,
}

/// <summary>What IncrementalAlterConfigs does with a key.</summary>
public enum AlterConfigOperation : sbyte
{
    Set = 0,

    /// <summary>Back to the default.</summary>
    Delete = 1,

    /// <summary>Adds to a list.</summary>
    Append = 2,

    /// <summary>Takes out of a list.</summary>
    Subtract = 3,
}

/// <summary>Whose addresses a client asks DescribeCluster for.</summary>
public enum EndpointType : sbyte
{
    Unknown = 0,
    Broker = 1,
    Controller = 2,
}

/// <summary>Who may become leader in an election that was asked for.</summary>
public enum ElectionType : sbyte
{
    /// <summary>The first of the replicas, if it is in sync.</summary>
    Preferred = 0,

    /// <summary>Any live replica where none is in sync: records may be lost.</summary>
    Unclean = 1,
}

/// <summary>What the keys of a FindCoordinator request name.</summary>
public enum CoordinatorType : sbyte
{
    Group = 0,

    /// <summary>A transactional id.</summary>
    Transaction = 1,

    /// <summary>A partition of a share group.</summary>
    Share = 2,
}
