using System.Globalization;
using ActorBroker.Protocol;

namespace ActorBroker.Messaging;

internal enum EnvelopeKind
{
    Request,
    Response,
    Rejected,
    Goodbye,
}

/// <summary>
/// What an envelope holds, as its Akka manifest says it: <c>Q0:9</c> the request of API 0 in version 9, <c>R0:9</c> its
/// response, <c>X</c> a rejection, <c>G</c> a goodbye.
/// </summary>
internal readonly record struct ApiManifest(EnvelopeKind Kind, ApiKey Key, short Version)
{
    private const string RejectedText = "X";
    private const string GoodbyeText = "G";

    /// <summary>The texts of all known APIs, so that sending builds none.</summary>
    private static readonly Dictionary<ApiManifest, string> Texts = Build();

    public static ApiManifest Rejected => new(EnvelopeKind.Rejected, default, 0);

    public static ApiManifest Goodbye => new(EnvelopeKind.Goodbye, default, 0);

    public static bool TryParse(string text, out ApiManifest manifest)
    {
        manifest = text == GoodbyeText ? Goodbye : Rejected;
        if (text is RejectedText or GoodbyeText)
            return true;
        var colon = text.IndexOf(':');
        if (colon < 2 || text[0] is not ('Q' or 'R')
            || !short.TryParse(text.AsSpan(1, colon - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var key)
            || !short.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var version))
            return false;
        manifest = new ApiManifest(text[0] == 'Q' ? EnvelopeKind.Request : EnvelopeKind.Response, (ApiKey)key, version);
        return true;
    }

    public override string ToString() => Texts.TryGetValue(this, out var text) ? text : Format();

    private string Format() => Kind switch
    {
        EnvelopeKind.Rejected => RejectedText,
        EnvelopeKind.Goodbye => GoodbyeText,
        _ => string.Create(CultureInfo.InvariantCulture, $"{(Kind == EnvelopeKind.Request ? 'Q' : 'R')}{(short)Key}:{Version}"),
    };

    private static Dictionary<ApiManifest, string> Build()
    {
        var texts = new Dictionary<ApiManifest, string>();
        foreach (var api in ApiRegistry.All)
        {
            for (var version = api.MinVersion; version <= api.MaxVersion; version++)
            {
                Add(new ApiManifest(EnvelopeKind.Request, api.Key, version));
                Add(new ApiManifest(EnvelopeKind.Response, api.Key, version));
            }
        }

        return texts;

        void Add(ApiManifest manifest) => texts.Add(manifest, manifest.Format());
    }
}
