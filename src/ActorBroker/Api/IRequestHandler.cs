using ActorBroker.Protocol;

namespace ActorBroker.Api;

/// <summary>
/// Answers one kind of request, for both transports. <see cref="Handle"/> runs on the client's session, one call at a
/// time per client and in the order of arrival; it returns at once and answers through the call, then or later.
/// </summary>
internal interface IRequestHandler
{
    ApiKey ApiKey { get; }

    void Handle(ApiCall call);
}

/// <summary>A call that waits for answers of other actors. All methods run on the session's thread.</summary>
internal interface IPendingCall
{
    /// <summary>An answer that names this call arrived.</summary>
    void OnReply(ICallReply reply);

    /// <summary>The time given with <see cref="ApiCall.Await"/> ran out.</summary>
    void OnTimeout();

    /// <summary>The client is gone or the session ends: nobody waits any more. Takes back what was registered elsewhere.</summary>
    void OnAbandoned();
}

/// <summary>A message to a session that answers (part of) one of its calls.</summary>
internal interface ICallReply
{
    /// <summary><see cref="ApiCall.Id"/>.</summary>
    long Call { get; }
}

/// <summary>An answer to one of the questions of a <see cref="PendingSlots"/>.</summary>
internal interface ISlotReply : ICallReply
{
    int Slot { get; }

    object Value { get; }
}
