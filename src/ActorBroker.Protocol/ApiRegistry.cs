namespace ActorBroker.Protocol;

/// <summary>One API and its versions.</summary>
/// <param name="Key">Its key.</param>
/// <param name="MinVersion">The lowest version that can be read and written.</param>
/// <param name="MaxVersion">The highest.</param>
/// <param name="FirstFlexible">The first flexible version; above <paramref name="MaxVersion"/> if none is.</param>
public readonly record struct ApiInfo(ApiKey Key, short MinVersion, short MaxVersion, short FirstFlexible)
{
    public bool Supports(short version) => version >= MinVersion && version <= MaxVersion;
}

/// <summary>Every API that has a schema: its versions, and its codec by key. The table is generated from <c>Schema/</c>.</summary>
public static partial class ApiRegistry
{
    private static readonly ApiInfo?[] ByKey;

    // In a constructor, since the order of initializers across the halves of a partial class is not defined.
    static ApiRegistry() => ByKey = Index();

    /// <summary>Every API known here, by ascending key.</summary>
    public static ReadOnlySpan<ApiInfo> All => Known;

    /// <summary>False if there is no schema for the key, which may be any number.</summary>
    public static bool TryGet(ApiKey key, out ApiInfo info)
    {
        var known = (ushort)key < (uint)ByKey.Length ? ByKey[(int)key] : null;
        info = known.GetValueOrDefault();
        return known is not null;
    }

    /// <exception cref="ProtocolException">There is no schema for the key.</exception>
    public static ApiInfo Get(ApiKey key) => TryGet(key, out var info) ? info : throw ProtocolException.UnknownApi(key);

    /// <summary>Reads a request's body; record bytes are slices of the reader's memory.</summary>
    /// <exception cref="ProtocolException">Unknown key or version, or the bytes are no such message.</exception>
    public static IRequest ReadRequest(ApiKey key, short version, ref ProtocolReader reader) =>
        ReadRequestBody(key, version, ref reader);

    /// <inheritdoc cref="ReadRequest"/>
    public static IResponse ReadResponse(ApiKey key, short version, ref ProtocolReader reader) =>
        ReadResponseBody(key, version, ref reader);

    /// <summary>The version of the header before a request: 2 if the body is flexible, else 1. Unknown keys: 1.</summary>
    public static short RequestHeaderVersion(ApiKey key, short version) =>
        (short)(TryGet(key, out var info) && version >= info.FirstFlexible ? 2 : 1);

    /// <summary>
    /// The version of the header before a response: 1 if the body is flexible, else 0; ApiVersions always 0, since whoever
    /// asks can't know yet what the broker speaks.
    /// </summary>
    public static short ResponseHeaderVersion(ApiKey key, short version) =>
        (short)(key != ApiKey.ApiVersions && TryGet(key, out var info) && version >= info.FirstFlexible ? 1 : 0);

    internal static void CheckVersion(ApiKey key, short version, short min, short max)
    {
        if (version < min || version > max)
            throw ProtocolException.UnsupportedVersion(key, version, min, max);
    }

    private static ApiInfo?[] Index()
    {
        var index = new ApiInfo?[(int)Known[^1].Key + 1];
        foreach (var info in Known)
            index[(int)info.Key] = info;
        return index;
    }
}
