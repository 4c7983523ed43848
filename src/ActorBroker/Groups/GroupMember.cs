using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Groups;

/// <summary>A way of assigning that a member knows, and what the assignor needs of it.</summary>
internal readonly record struct MemberProtocol(string Name, ReadOnlyMemory<byte> Metadata);

/// <summary>A member as the coordinator sees it now.</summary>
internal sealed class GroupMember(string id, string? instanceId, Alarm session)
{
    public string Id => id;

    /// <summary>Names a static member over restarts; null for a dynamic one.</summary>
    public string? InstanceId => instanceId;

    public string ClientId { get; set; } = "";

    public string ClientHost { get; set; } = "";

    public int SessionTimeoutMs { get; set; }

    public int RebalanceTimeoutMs { get; set; }

    /// <summary>Its favourite first.</summary>
    public IReadOnlyList<MemberProtocol> Protocols { get; set; } = [];

    /// <summary>Of the group's generation, once it is stable.</summary>
    public ReadOnlyMemory<byte> Assignment { get; set; }

    /// <summary>Its JoinGroup that waits for the others; null while it has none.</summary>
    public RequestKey? Join { get; set; }

    /// <summary>Its SyncGroup that waits for the leader's.</summary>
    public RequestKey? Sync { get; set; }

    /// <summary>It must still ask for its assignment of this generation.</summary>
    public bool OwesSync { get; set; }

    /// <summary>It has not been part of a generation yet.</summary>
    public bool IsNew { get; set; }

    public Alarm Session => session;

    /// <summary>It waits for us, so its silence means nothing.</summary>
    public bool IsWaiting => Join is not null || Sync is not null;

    public ReadOnlyMemory<byte> MetadataOf(string? protocol)
    {
        foreach (var known in Protocols)
            if (known.Name == protocol) return known.Metadata;
        return default;
    }

    public bool Knows(string protocol)
    {
        foreach (var known in Protocols)
            if (known.Name == protocol) return true;
        return false;
    }

    /// <summary>It says what it said before, so a generation that it was part of still fits it.</summary>
    public bool Matches(IReadOnlyList<JoinGroupRequest.JoinGroupRequestProtocol> protocols)
    {
        if (protocols.Count != Protocols.Count) return false;
        for (var i = 0; i < protocols.Count; i++)
            if (protocols[i].Name != Protocols[i].Name || !protocols[i].Metadata.Span.SequenceEqual(Protocols[i].Metadata.Span)) return false;
        return true;
    }

    /// <summary>What came with a request is copied: its bytes are part of a frame.</summary>
    public void Follow(in JoinInput join)
    {
        var request = join.Request;
        SessionTimeoutMs = request.SessionTimeoutMs;
        RebalanceTimeoutMs = request.RebalanceTimeoutMs < 0 ? request.SessionTimeoutMs : request.RebalanceTimeoutMs;
        ClientId = join.ClientId;
        ClientHost = join.ClientHost;
        var protocols = new MemberProtocol[request.Protocols.Count];
        for (var i = 0; i < protocols.Length; i++)
            protocols[i] = new MemberProtocol(request.Protocols[i].Name, request.Protocols[i].Metadata.ToArray());
        Protocols = protocols;
    }
}

/// <summary>A JoinGroup with what its transport knows of the sender.</summary>
/// <param name="TakesNewId">It must come back with the id it is given before it counts (version 4 on, KIP-394).</param>
/// <param name="MaySkipAssignment">As leader it can be told to keep the assignment (version 9 on, KIP-814).</param>
internal readonly record struct JoinInput(
    RequestKey Key, JoinGroupRequest Request, string ClientId, string ClientHost, bool TakesNewId, bool MaySkipAssignment);
