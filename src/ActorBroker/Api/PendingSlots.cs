using ActorBroker.Protocol;
using ActorBroker.Replication;
using Akka.Actor;

namespace ActorBroker.Api;

/// <summary>A call that asks actors of this node, once per slot, and answers when all have.</summary>
/// <param name="late">The answer of a slot that nothing came for in time. What was asked may be done all the same.</param>
/// <param name="respond">Makes the response of the slots' answers: each of the type that its question says, or an <see cref="ErrorCode"/>.</param>
internal sealed class PendingSlots(ApiCall call, int slots, ErrorCode late, Func<object[], IResponse> respond) : IPendingCall
{
    private readonly object?[] _answers = new object?[slots];
    private int _open;

    public void Settle(int slot, ErrorCode answer) => _answers[slot] = answer;

    /// <param name="question">Made of the key that the actor's <see cref="ISlotReply"/> is to name.</param>
    public void Ask(IActorRef actor, int slot, Func<RequestKey, object> question)
    {
        _open++;
        actor.Tell(question(new RequestKey(call.Session, call.Id, slot)), call.Session);
    }

    /// <summary>All has been asked.</summary>
    public void Begin(TimeSpan timeout)
    {
        if (_open == 0) Respond();
        else call.Await(this, timeout);
    }

    public void OnReply(ICallReply reply)
    {
        var answer = (ISlotReply)reply;
        if (_answers[answer.Slot] is not null) return;
        _answers[answer.Slot] = answer.Value;
        if (--_open == 0) Respond();
    }

    public void OnTimeout()
    {
        for (var slot = 0; slot < slots; slot++) _answers[slot] ??= late;
        Respond();
    }

    /// <summary>What was asked is done, or not, without it.</summary>
    public void OnAbandoned()
    {
    }

    private void Respond() => call.Reply(respond(_answers!));
}
