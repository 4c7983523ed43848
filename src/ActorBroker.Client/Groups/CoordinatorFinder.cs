using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>
/// Finds the broker that coordinates a group: any broker is asked, again and again with growing pauses; an outage of a few
/// seconds is reported once.
/// <code>
/// unknown -> asking -> known -- it can't be reached, or is it no longer --> unknown
/// </code>
/// </summary>
internal sealed class CoordinatorFinder(ConsumerSettings settings, RequestIds ids, Random random, List<GroupEffect> effects)
{
    private readonly Backoff _backoff = new(settings.Client.RetryBackoff, settings.Client.RetryBackoffMax, random);
    private long _question;
    private int _failures;
    private TimeSpan _notBefore;
    private TimeSpan? _missingSince;
    private bool _isReported;
    private bool _isWanted;

    /// <summary>None while it is not known.</summary>
    public BrokerId Broker { get; private set; } = BrokerId.None;

    public bool IsKnown => Broker != BrokerId.None;

    /// <summary>When <see cref="Seek"/> would do something, if anybody wanted it to.</summary>
    public TimeSpan NextWakeup => !_isWanted || IsKnown || _question != 0 ? TimeSpan.MaxValue : _notBefore;

    /// <summary>Asks, if there is need to.</summary>
    public void Seek(TimeSpan now)
    {
        _isWanted = !IsKnown;
        if (IsKnown || _question != 0 || now < _notBefore)
            return;
        _question = ids.Next();
        var request = new FindCoordinatorRequest { KeyType = CoordinatorType.Group, CoordinatorKeys = [settings.GroupId] };
        effects.Add(new GroupEffect.Send(_question, BrokerId.None, request, settings.Client.RequestTimeout));
    }

    /// <summary>This broker, if it is still the one known, is the coordinator no more or can't be reached.</summary>
    public void Lose(BrokerId broker)
    {
        if (broker == Broker)
            Broker = BrokerId.None;
    }

    public bool TryTake(long requestId, FindCoordinatorResponse response, TimeSpan now)
    {
        if (!TryEnd(requestId))
            return false;
        if (response.Coordinators.Count != 1)
        {
            OnFailed(ErrorCode.UnknownServerError, "the broker's answer names no coordinator", now);
            return true;
        }

        var found = response.Coordinators[0];
        if (found.ErrorCode != ErrorCode.None)
        {
            OnFailed(found.ErrorCode, string.IsNullOrEmpty(found.ErrorMessage) ? found.ErrorCode.Describe() : found.ErrorMessage, now);
            return true;
        }

        Broker = new BrokerId(found.NodeId);
        (_failures, _missingSince, _isReported) = (0, null, false);
        return true;
    }

    public bool TryTakeFailure(long requestId, ErrorCode error, string message, TimeSpan now)
    {
        if (!TryEnd(requestId))
            return false;
        OnFailed(error == ErrorCode.None ? ErrorCode.CoordinatorNotAvailable : error, message, now);
        return true;
    }

    private bool TryEnd(long requestId)
    {
        if (requestId != _question)
            return false;
        _question = 0;
        return true;
    }

    private void OnFailed(ErrorCode error, string message, TimeSpan now)
    {
        _notBefore = now + _backoff.Delay(++_failures);
        // Not since it was asked for: the first question makes the offsets topic, which takes its time.
        _missingSince ??= now;
        effects.Add(GroupEffect.RefreshMetadata.Instance);
        var isFinal = !error.IsRetriable() && error != ErrorCode.UnknownServerError;
        if (_isReported || (!isFinal && now - _missingSince < settings.Client.BootstrapTimeout))
            return;
        _isReported = true;
        effects.Add(new GroupEffect.Failed(error, $"no coordinator of group {settings.GroupId} is found: {message}", isFinal));
    }
}
