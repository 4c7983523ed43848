using ActorBroker.Api.Admin;
using ActorBroker.Protocol;

namespace ActorBroker.Kafka;

/// <summary>What this listener serves, which is not quite what it tells: see <see cref="ApiVersionsHandler"/>.</summary>
internal sealed class ServedVersions
{
    /// <summary>About the controller's quorum, whose members are ActorSystems: these answers name no Kafka listener.</summary>
    private static readonly ApiKey[] NotForKafka = [ApiKey.DescribeQuorum, ApiKey.AddRaftVoter, ApiKey.RemoveRaftVoter];

    private readonly HashSet<ApiKey> _served;
    private readonly ApiVersionsResponse _answer;
    private readonly ApiVersionsResponse _refusal;

    public ServedVersions(IEnumerable<ApiKey> handled)
    {
        _served = [.. handled.Except(NotForKafka)];
        _answer = new ApiVersionsResponse { ApiKeys = [.. _served.Order().Select(ApiVersionsHandler.Told)] };
        _refusal = new ApiVersionsResponse { ErrorCode = ErrorCode.UnsupportedVersion, ApiKeys = [ApiVersionsHandler.Told(ApiKey.ApiVersions)] };
    }

    public bool Serves(ApiKey key, short version) =>
        _served.Contains(key) && ApiRegistry.TryGet(key, out var info) && info.Supports(version);

    /// <summary>The answer to ApiVersions, and the version of its body: a client that asks in a version unknown here is answered in 0 (KIP-511).</summary>
    public (ApiVersionsResponse Answer, short Version) AnswerIn(short version) =>
        Serves(ApiKey.ApiVersions, version) ? (_answer, version) : (_refusal, (short)0);
}
