using Akka.Actor;
using Akka.Dispatch.SysMsg;

namespace Akka.Remote;

/// <summary>Marks messages that must reach the peer ahead of everything that waits, such as heartbeats.</summary>
internal interface IPriorityMessage;

/// <summary>A message waiting for its connection.</summary>
internal readonly record struct Outbound(object Message, IActorRef? Sender, RemoteActorRef Recipient)
{
    public bool IsSystem => Message is ISystemMessage;

    /// <summary>
    /// System messages overtake user messages, as they do in a mailbox, but for the notice of an actor's end: what that actor
    /// sent before must arrive before it.
    /// </summary>
    public static Lane LaneOf(object message) => message switch
    {
        IPriorityMessage => Lane.Urgent,
        DeathWatchNotification => Lane.Normal,
        ISystemMessage => Lane.System,
        ActorSelectionMessage { Message: IPriorityMessage } => Lane.Urgent,
        _ => Lane.Normal,
    };
}

internal enum Lane
{
    Urgent,
    System,
    Normal,
}
