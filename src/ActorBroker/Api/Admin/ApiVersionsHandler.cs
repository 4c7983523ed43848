using ActorBroker.Protocol;
using static ActorBroker.Protocol.ApiVersionsResponse;

namespace ActorBroker.Api.Admin;

/// <summary>Which requests this node serves, and in which versions.</summary>
/// <param name="served">Read when asked, since the handlers are gathered after this one is made.</param>
internal sealed class ApiVersionsHandler(Func<IReadOnlyCollection<ApiKey>> served) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.ApiVersions;

    public void Handle(ApiCall call) => call.Reply(new ApiVersionsResponse
    {
        ApiKeys = [.. served().Order().Select(Told)],
    });

    public static ApiVersion Told(ApiKey key)
    {
        var api = ApiRegistry.Get(key);
        return new ApiVersion { ApiKey = key, MinVersion = LowestTold(api), MaxVersion = api.MaxVersion };
    }

    /// <summary>
    /// As Kafka, we tell of version 0 of Produce, which we refuse: librdkafka before 2.11.1 takes its absence for a broker that
    /// knows no compression, and sends everything uncompressed.
    /// </summary>
    private static short LowestTold(ApiInfo api) => api.Key == ApiKey.Produce ? (short)0 : api.MinVersion;
}
