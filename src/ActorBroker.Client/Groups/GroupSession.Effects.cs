using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>The half about what the group's cores want done.</summary>
internal sealed partial class GroupSession
{
    private void Perform(TimeSpan now)
    {
        // Performing one may add others, behind it.
        for (var i = 0; i < _own.Count; i++)
            Perform(_own[i], now);
        _own.Clear();
    }

    private void Perform(GroupEffect effect, TimeSpan now)
    {
        switch (effect)
        {
            case GroupEffect.Send send:
                _effects.Add(new ConsumerEffect.Send(-send.RequestId, send.Broker, send.Request, send.Timeout));
                break;
            case GroupEffect.WantTopics want:
                _effects.Add(new ConsumerEffect.WantTopics(want.Topics));
                break;
            case GroupEffect.RefreshMetadata:
                _effects.Add(ConsumerEffect.RefreshMetadata.Instance);
                break;
            case GroupEffect.Assigned assigned:
                _reading.Assign(assigned.Added);
                // One that is closing hands over nothing any more.
                if (_closing is not null)
                    _reading.Hold(assigned.Added);
                _effects.Add(new ConsumerEffect.Notify(new PartitionsAssigned(assigned.All) { Added = assigned.Added }));
                break;
            case GroupEffect.Revoke revoke:
                _reading.Hold(revoke.Partitions);
                _revocation = new Revocation([.. revoke.Partitions], revoke.Deadline);
                break;
            case GroupEffect.Lost lost:
                _revocation = null;
                GiveUp(lost.Partitions);
                _effects.Add(new ConsumerEffect.Notify(new PartitionsLost(lost.Partitions, lost.Reason)));
                break;
            case GroupEffect.Failed failed:
                _effects.Add(new ConsumerEffect.Notify(new GroupFailed(_settings.GroupId, failed.Error, failed.Message, failed.IsFinal)));
                break;
            case GroupEffect.Left:
                _effects.Add(ConsumerEffect.Stop.Instance);
                break;
            case GroupEffect.Fetched fetched:
                OnFetched(fetched, now);
                break;
            case GroupEffect.CommitDone done:
                OnCommitDone(done, now);
                break;
        }
    }

    private void OnFetched(GroupEffect.Fetched fetched, TimeSpan now)
    {
        foreach (var (partition, offset) in fetched.Offsets)
        {
            if (offset.Offset != Offset.None)
                _committed[partition] = offset.Offset;
            _reading.Resolve(partition, offset);
        }

        _reading.Advance(now);
    }

    private void OnCommitDone(GroupEffect.CommitDone done, TimeSpan now)
    {
        if (done.Error == ErrorCode.None)
        {
            foreach (var (partition, offset) in done.Offsets)
            {
                if (_membership?.Owned.Contains(partition) != false)
                    _committed[partition] = offset.Offset;
            }
        }

        else if (done.Tokens.Count == 0 && done.Offsets.Count > 0)
        {
            // An automatic one: tried again, but not at once.
            if (_commitAt < now + _settings.Client.RetryBackoffMax)
                _commitAt = now + _settings.Client.RetryBackoffMax;
            _effects.Add(new ConsumerEffect.Notify(new OffsetsCommitted(null, done.Offsets, done.Error, done.Message)));
        }

        foreach (var token in done.Tokens)
        {
            var (asker, correlation) = ((object, object?))token;
            _effects.Add(new ConsumerEffect.Reply(asker, new OffsetsCommitted(correlation, done.Offsets, done.Error, done.Message)));
        }
    }
}
