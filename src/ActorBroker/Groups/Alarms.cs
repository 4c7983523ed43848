namespace ActorBroker.Groups;

/// <summary>
/// One thing that is to happen at a time which may be put off again and again: a heartbeat moves <see cref="Due"/> and
/// touches no queue. Belongs to the group that made it.
/// </summary>
internal sealed class Alarm(GroupCore group, AlarmKind kind, string? member = null)
{
    public const long Never = long.MaxValue;

    public GroupCore Group => group;

    public AlarmKind Kind => kind;

    /// <summary>Whose; null where it is the group's.</summary>
    public string? Member => member;

    /// <summary>In milliseconds of the coordinator's clock; <see cref="Never"/> while it is off.</summary>
    public long Due { get; internal set; } = Never;

    /// <summary>The one place in the queue that counts; not after <see cref="Due"/>.</summary>
    internal long Queued { get; set; } = Never;
}

internal enum AlarmKind
{
    /// <summary>A member was not heard of for its session timeout.</summary>
    Session,

    /// <summary>A member that was given an id did not come back with it.</summary>
    Pending,

    /// <summary>Members have had their time to join.</summary>
    Join,

    /// <summary>Members have had their time to ask for their assignment.</summary>
    Sync,

    /// <summary>The assignment should have been stored by now.</summary>
    Store,
}

/// <summary>All alarms of a coordinator. Setting one that is put off costs nothing; one that is due comes out once.</summary>
internal sealed class AlarmQueue
{
    private readonly PriorityQueue<Alarm, long> _queue = new();

    /// <summary>When to look next: not after the first alarm that is due. <see cref="Alarm.Never"/> when there is none.</summary>
    public long Next => _queue.TryPeek(out _, out var at) ? at : Alarm.Never;

    public void Set(Alarm alarm, long due)
    {
        alarm.Due = due;
        if (due >= alarm.Queued) return;
        alarm.Queued = due;
        _queue.Enqueue(alarm, due);
    }

    public static void Clear(Alarm alarm) => alarm.Due = Alarm.Never;

    /// <summary>The next alarm that is due, which is off then; null when none is.</summary>
    public Alarm? Take(long now)
    {
        while (_queue.TryPeek(out var alarm, out var at) && at <= now)
        {
            _queue.Dequeue();
            if (at != alarm.Queued) continue;
            alarm.Queued = Alarm.Never;
            if (alarm.Due <= now)
            {
                alarm.Due = Alarm.Never;
                return alarm;
            }

            if (alarm.Due != Alarm.Never) Set(alarm, alarm.Due);
        }

        return null;
    }
}
