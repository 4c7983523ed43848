using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Groups;

/// <summary>One time on two clocks.</summary>
/// <param name="Ms">Milliseconds of a clock that never steps back: what timeouts count in.</param>
/// <param name="UnixMs">Milliseconds since 1970: what is stored.</param>
internal readonly record struct Moment(long Ms, long UnixMs);

/// <summary>Events to store in order, and what follows once they are committed or refused.</summary>
/// <param name="onDone">None: committed and applied. Otherwise nothing of it counts, or it is unknown whether it does.</param>
internal sealed class GroupWrite(IReadOnlyList<GroupEvent> events, Action<ErrorCode, GroupStep> onDone)
{
    public IReadOnlyList<GroupEvent> Events => events;

    /// <summary>Of the part that failed first; a write may travel in several batches.</summary>
    public ErrorCode Error { get; private set; }

    public void Fail(ErrorCode error)
    {
        if (Error == ErrorCode.None) Error = error;
    }

    internal void Finish(GroupStep step) => onDone(Error, step);
}

/// <summary>An answer to whoever asked.</summary>
internal readonly record struct GroupReply(RequestKey Key, object Answer);

/// <summary>One input's time, and what its handling leads to. Writes and replies may be performed in any order.</summary>
internal sealed class GroupStep
{
    public Moment Now { get; set; }

    public List<GroupReply> Replies { get; } = [];

    public List<GroupWrite> Writes { get; } = [];

    public void Reply(in RequestKey key, object answer) => Replies.Add(new GroupReply(key, answer));

    public void Write(IReadOnlyList<GroupEvent> events, Action<ErrorCode, GroupStep> onDone) => Writes.Add(new GroupWrite(events, onDone));

    public void Clear()
    {
        Replies.Clear();
        Writes.Clear();
    }
}
