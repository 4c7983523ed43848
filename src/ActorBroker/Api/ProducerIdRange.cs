namespace ActorBroker.Api;

/// <summary>
/// The producer ids that a broker may still give out: what is left of one block, and perhaps the next block.
/// Invariant: each is taken once.
/// </summary>
internal sealed class ProducerIdRange
{
    private long _next;
    private long _end;
    private long _followingFirst;
    private long _followingEnd;
    private int _lowMark;

    /// <summary>No more than a tenth of the last block is left: the next should be on its way.</summary>
    public bool IsLow => _followingFirst == _followingEnd && _end - _next <= _lowMark;

    /// <summary>The controller's next block; only while <see cref="IsLow"/>.</summary>
    public void Add(long first, int count)
    {
        Invariant.Check(IsLow && count > 0, "a block of producer ids comes when it is wanted");
        (_followingFirst, _followingEnd) = (first, first + count);
        _lowMark = count / 10;
    }

    public bool TryTake(out long id)
    {
        if (_next == _end) (_next, _end, _followingFirst, _followingEnd) = (_followingFirst, _followingEnd, 0, 0);
        id = _next;
        if (_next == _end) return false;
        _next++;
        return true;
    }
}
