using System.Text;
using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Event;
using Akka.Remote.Serialization;
using Akka.Serialization;

namespace Akka.Remote;

/// <summary>
/// Finds the recipient of what arrives on one connection and delivers it. Recipients, senders and manifests recur, so they are
/// looked up by their bytes. One thread at a time.
/// </summary>
internal sealed class InboundDispatcher(ExtendedActorSystem system, RemoteActorRefProvider provider, RemoteSettings settings, ILoggingAdapter log)
{
    private const int CachedNames = 1024;
    private const int PrimitiveSerializerId = 17;

    private readonly PathCache<IInternalActorRef> _recipients = new(CachedNames);
    private readonly PathCache<IInternalActorRef> _senders = new(CachedNames);
    private readonly PathCache<string> _manifests = new(CachedNames);

    /// <summary>What to deliver; false when it was dropped, and said so.</summary>
    public bool TryRead(in Wire.Envelope envelope, out Inbound inbound)
    {
        inbound = default;
        var recipient = Recipient(envelope.Recipient);
        if (recipient is null)
        {
            log.Error(
                "Dropped a message (serializer {0}) for [{1}], which is not an address of this system: it is [{2}], and only that name works.",
                envelope.SerializerId, Encoding.UTF8.GetString(envelope.Recipient), provider.DefaultAddress);
            return false;
        }

        var manifest = Manifest(envelope.Manifest);
        try
        {
            var message = Deserialize(envelope.Message, envelope.SerializerId, manifest) ?? throw new Wire.WireFormatException("it is empty");
            inbound = new Inbound(recipient, message, Sender(envelope.Sender));
            return true;
        }
        catch (Exception e)
        {
            // A payload that can't be read is the fault of that message alone.
            log.Warning(
                "Dropped a message for {0} that can't be deserialized (serializer {1}, manifest '{2}'): {3}", recipient, envelope.SerializerId, manifest, e.Message);
            return false;
        }
    }

    public void Deliver(in Inbound inbound)
    {
        var (recipient, message, sender) = inbound;
        if (settings.LogReceive)
            log.Debug("RemoteMessage: {0} to [{1}] from [{2}]", message, recipient, sender);
        switch (message)
        {
            case ActorSelectionMessage selection when settings.UntrustedMode && !IsTrusted(selection, recipient):
                log.Debug("Untrusted mode: dropped a selection of [{0}]; akka.remote.trusted-selection-paths does not list it.", PathOf(selection));
                break;
            case ActorSelectionMessage selection:
                ActorSelection.Deliver(recipient, sender, selection);
                break;
            case IPossiblyHarmful when settings.UntrustedMode:
                log.Debug("Untrusted mode: dropped a {0} for [{1}].", message.GetType(), recipient);
                break;
            case ISystemMessage systemMessage:
                recipient.SendSystemMessage(systemMessage);
                break;
            default:
                recipient.Tell(message, sender);
                break;
        }
    }

    private object? Deserialize(ReadOnlySpan<byte> bytes, int serializerId, string manifest)
    {
        // Needs no copy for a serializer.
        if (serializerId == PrimitiveSerializerId && manifest is ("S" or "System.String, System.Private.CoreLib"))
            return Encoding.UTF8.GetString(bytes);
        return system.Serialization.Deserialize(bytes.ToArray(), serializerId, manifest);
    }

    private IInternalActorRef? Recipient(ReadOnlySpan<byte> path)
    {
        if (_recipients.TryGet(path, out var known))
        {
            if (!known.IsTerminated)
                return known;
            _recipients.Remove(path);
        }

        var text = Encoding.UTF8.GetString(path);
        if (!ActorPath.TryParseAddress(text, out var address) || address is null || !provider.HasAddress(address))
            return null;
        var found = (IInternalActorRef)provider.ResolveActorRef(text);
        if (found is ActorRefWithCell && !IsTemporary(path))
            _recipients.Set(path, found);
        return found;
    }

    private IActorRef Sender(ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty)
            return system.DeadLetters;
        if (_senders.TryGet(path, out var known) && !known.IsTerminated)
            return known;
        var found = (IInternalActorRef)provider.ResolveActorRef(Encoding.UTF8.GetString(path));
        if (found is RemoteActorRef && !IsTemporary(path))
            _senders.Set(path, found);
        return found;
    }

    private string Manifest(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return "";
        if (_manifests.TryGet(bytes, out var known))
            return known;
        var manifest = Encoding.UTF8.GetString(bytes);
        _manifests.Set(bytes, manifest);
        return manifest;
    }

    /// <summary>Names of asks, used once.</summary>
    private static bool IsTemporary(ReadOnlySpan<byte> path) => path.IndexOf("/temp/"u8) >= 0;

    private bool IsTrusted(ActorSelectionMessage selection, IInternalActorRef recipient)
        => selection.Message is not IPossiblyHarmful && recipient.Equals(provider.RootGuardian) && settings.TrustedSelectionPaths.Contains(PathOf(selection));

    private static string PathOf(ActorSelectionMessage selection) => "/" + string.Join('/', (IEnumerable<object>)selection.Elements);
}

/// <summary>A message that has arrived.</summary>
internal readonly record struct Inbound(IInternalActorRef Recipient, object Message, IActorRef Sender);
