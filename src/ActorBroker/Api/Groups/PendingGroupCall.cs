using ActorBroker.Groups;
using ActorBroker.Protocol;
using ActorBroker.Replication;
using Akka.Actor;
using static ActorBroker.Groups.CoordinatorProtocol;

namespace ActorBroker.Api.Groups;

/// <summary>A call that asks coordinators of this node, once per slot, and answers when all have.</summary>
/// <param name="respond">Makes the response of the slots' answers: each of the type that its question says, or an <see cref="ErrorCode"/>.</param>
internal sealed class PendingGroupCall(ApiCall call, int slots, Func<object[], IResponse> respond) : IPendingCall
{
    /// <summary>For those whose coordinator itself says when waiting is over.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromDays(1);

    private readonly object?[] _answers = new object?[slots];
    private int _open;

    public void Settle(int slot, object answer) => _answers[slot] = answer;

    public void Ask(CoordinatorDirectory coordinators, string group, int slot, Func<RequestKey, IQuestion> question)
    {
        if (coordinators.Find(group, out var error) is { } coordinator) Ask(coordinator, slot, question);
        else Settle(slot, error);
    }

    public void Ask(IActorRef coordinator, int slot, Func<RequestKey, IQuestion> question)
    {
        _open++;
        coordinator.Tell(question(new RequestKey(call.Session, call.Id, slot)), call.Session);
    }

    /// <summary>All has been asked.</summary>
    public void Begin(TimeSpan timeout)
    {
        if (_open == 0) Respond();
        else call.Await(this, timeout);
    }

    public void OnReply(ICallReply reply)
    {
        var answer = (Answer)reply;
        if (_answers[answer.Slot] is not null) return;
        _answers[answer.Slot] = answer.Value;
        if (--_open == 0) Respond();
    }

    /// <summary>What was to be stored may be stored all the same; the client may ask again.</summary>
    public void OnTimeout()
    {
        for (var slot = 0; slot < slots; slot++) _answers[slot] ??= ErrorCode.CoordinatorNotAvailable;
        Respond();
    }

    /// <summary>A member whose client is gone is out when its session is over; it may come back before.</summary>
    public void OnAbandoned()
    {
    }

    private void Respond() => call.Reply(respond(_answers!));
}
