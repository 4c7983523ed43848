using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>The half about the cluster: metadata, requests, answers, retries, time running out.</summary>
internal sealed partial class ProducerCore
{
    /// <summary>
    /// How large a request may get by second and further batches of its partitions: enough that a request's cost is shared
    /// by several batches of the default size, little enough that its bytes stay off the large object heap on both sides.
    /// </summary>
    private const int FillBytes = 80_000;

    private readonly List<ProducerTopic> _pendingTopics = [];

    public void OnMetadata(ClusterImage image, TimeSpan now)
    {
        _image = image;
        foreach (var topic in _topics.Values)
        {
            if (image.Topics.TryGetValue(topic.Name, out var view))
                OnTopic(topic, view, now);
        }

        Advance(now);
    }

    /// <summary>No broker answers. Records of topics already known go on trying until their time is over.</summary>
    public void OnUnreachable(string message, TimeSpan now)
    {
        foreach (var topic in _pendingTopics.ToArray())
        {
            if (!topic.IsKnown)
                FailPending(topic, DeliveryFailure.Unreachable, ErrorCode.None, message);
        }

        Advance(now);
    }

    public void OnProduced(long requestId, ProduceResponse response, TimeSpan now)
    {
        if (!_inFlight.Remove(requestId, out var sent))
            return;
        sent.Lane.RequestsInFlight--;
        foreach (var topic in response.Responses)
        {
            foreach (var partition in topic.PartitionResponses)
            {
                if (Take(sent.Batches, topic.Name, partition.Index) is { } batch)
                    Settle(batch, partition, now);
            }
        }

        foreach (var batch in sent.Batches)
            Reject(batch, ErrorCode.UnknownServerError, "the broker's answer says nothing about the batch");
        Advance(now);
    }

    /// <summary>With acks=0: the request left, which is all that is ever known of its records. Its slot stays taken.</summary>
    public void OnSent(long requestId, TimeSpan now)
    {
        if (!_inFlight.TryGetValue(requestId, out var sent))
            return;
        foreach (var batch in sent.Batches)
            Acknowledge(batch, Offset.None, -1);
        sent.Batches.Clear();
        Advance(now);
    }

    /// <summary>A request without an answer to read. With acks=0: the window's slot is free again, whatever became of it.</summary>
    /// <param name="requestId">The request.</param>
    /// <param name="failure">None if it was answered.</param>
    /// <param name="error">The refusal of the request as a whole, or None.</param>
    /// <param name="message">The same in words.</param>
    /// <param name="now">Monotonic.</param>
    public void OnRequestEnded(long requestId, RequestFailure failure, ErrorCode error, string message, TimeSpan now)
    {
        if (!_inFlight.Remove(requestId, out var sent))
            return;
        sent.Lane.RequestsInFlight--;
        if (failure != RequestFailure.None)
            Doubt(sent.Lane);
        var left = failure is not (RequestFailure.NotSent or RequestFailure.Unreachable);
        foreach (var batch in sent.Batches)
        {
            batch.MayBeWritten |= left && failure != RequestFailure.Rejected;
            if (error != ErrorCode.None && !error.IsRetriable())
                Reject(batch, error, message);
            else
                Retry(batch, error, message, now, left);
        }

        Advance(now);
    }

    /// <summary>
    /// A lost request seldom comes alone: the others out to that broker are about to be lost too. If their partitions sent
    /// on meanwhile, what they send would overtake what has to be repeated.
    /// </summary>
    private void Doubt(BrokerLane lane)
    {
        foreach (var (other, batches) in _inFlight.Values)
        {
            if (other != lane)
                continue;
            foreach (var batch in batches)
                batch.Queue.Doubt();
        }
    }

    private void OnTopic(ProducerTopic topic, TopicView view, TimeSpan now)
    {
        if (view.Error == ErrorCode.None && !view.Partitions.IsEmpty)
        {
            topic.Update(view, _image);
            foreach (var queue in topic.Queues)
            {
                if (queue.Head is not null)
                    List(queue);
            }
        }
        else if (view.Error == ErrorCode.UnknownTopicOrPartition)
        {
            topic.MissingSince ??= now;
        }
        else if (!view.Error.IsRetriable() && view.Error != ErrorCode.None)
        {
            FailPending(topic, DeliveryFailure.InvalidTopicOrPartition, view.Error, $"topic {topic.Name}: {view.Error.Describe()}");
        }
    }

    /// <summary>Keeps a record until its topic's partitions are known; false if there is no memory for it.</summary>
    private bool TryPend(ProducerTopic topic, in OutgoingRecord record, FlushGroup group, TimeSpan now)
    {
        if (!_accumulator.FitsAtAll(record, out var fault))
        {
            FailRecord(record, group, DeliveryFailure.RecordTooLarge, ErrorCode.MessageTooLarge, fault);
            return true;
        }

        var bytes = record.SizeInBytes;
        if (!_accumulator.TryReserve(bytes))
            return false;
        if (topic.Pending.Count == 0)
        {
            _pendingTopics.Add(topic);
            if (!topic.IsKnown)
                _effects.Add(new ProducerEffect.WantTopic(topic.Name));
            if (_image.Topics.TryGetValue(topic.Name, out var view))
                OnTopic(topic, view, now);
        }

        topic.Pending.Enqueue((record, group, bytes));
        return true;
    }

    /// <summary>Moves records into batches whose topics have become known.</summary>
    private void AdmitPending(TimeSpan now)
    {
        for (var i = _pendingTopics.Count - 1; i >= 0; i--)
        {
            var topic = _pendingTopics[i];
            if (topic.IsKnown && AdmitPending(topic, now))
                _pendingTopics.RemoveAt(i);
        }
    }

    private bool AdmitPending(ProducerTopic topic, TimeSpan now)
    {
        while (topic.Pending.TryPeek(out var pending))
        {
            _accumulator.Release(pending.Reserved);
            if (Append(topic, pending.Record, pending.Group, now) == Acceptance.Full)
            {
                _accumulator.CloseAll();
                if (Append(topic, pending.Record, pending.Group, now) == Acceptance.Full)
                {
                    _accumulator.Recharge(pending.Reserved);
                    return false;
                }
            }

            topic.Pending.Dequeue();
        }

        return true;
    }

    private TimeSpan PendingDeadline(ProducerTopic topic)
    {
        var deadline = topic.Pending.Peek().Record.Taken + _settings.MaxBlock;
        return topic.MissingSince is { } since && !topic.IsKnown && since + _settings.Client.UnknownTopicTimeout < deadline
            ? since + _settings.Client.UnknownTopicTimeout
            : deadline;
    }

    private void ExpirePending(TimeSpan now)
    {
        for (var i = _pendingTopics.Count - 1; i >= 0; i--)
        {
            var topic = _pendingTopics[i];
            if (topic.MissingSince + _settings.Client.UnknownTopicTimeout <= now && !topic.IsKnown)
            {
                FailPending(topic, DeliveryFailure.InvalidTopicOrPartition, ErrorCode.UnknownTopicOrPartition, $"topic {topic.Name} does not exist");
                continue;
            }

            while (topic.Pending.TryPeek(out var pending) && pending.Record.Taken + _settings.MaxBlock <= now)
            {
                topic.Pending.Dequeue();
                _accumulator.Release(pending.Reserved);
                FailRecord(
                    pending.Record, pending.Group, DeliveryFailure.TimedOut, ErrorCode.None,
                    $"nothing was learned of topic {topic.Name} within max.block.ms = {_settings.MaxBlock.TotalMilliseconds:0}");
            }

            if (topic.Pending.Count == 0)
                _pendingTopics.RemoveAt(i);
        }
    }

    private void FailPending(ProducerTopic topic, DeliveryFailure reason, ErrorCode error, string message)
    {
        while (topic.Pending.TryDequeue(out var pending))
        {
            _accumulator.Release(pending.Reserved);
            FailRecord(pending.Record, pending.Group, reason, error, message);
        }

        _pendingTopics.Remove(topic);
        topic.MissingSince = null;
        if (!topic.IsKnown)
            _effects.Add(new ProducerEffect.ForgetTopic(topic.Name));
    }

    private void Drain(BrokerLane lane, TimeSpan now)
    {
        // With one request out at a time nothing may be overtaken: so none of a request's batches either, unless their numbers exclude it.
        var fillBytes = _settings.MaxInFlightRequestsPerConnection > 1 || _identity is not null ? FillBytes : 0;
        while (lane.HasReady && lane.RequestsInFlight < _settings.MaxInFlightRequestsPerConnection)
        {
            if (lane.Take(now, Math.Min(_frame.PayloadBytes, _settings.MaxRequestSize), fillBytes) is not { } batches)
                break;
            var id = ++_lastRequest;
            lane.RequestsInFlight++;
            _counters.Requests++;
            _counters.Batches += batches.Count;
            foreach (var batch in batches)
            {
                batch.TimesSent++;
                batch.SentUnder = batch.Queue.LeaderEpoch;
                _counters.Bytes += batch.Bytes.Length;
            }

            _effects.Add(new ProducerEffect.Send(id, lane.Broker, batches.ToArray()));
            _inFlight.Add(id, (lane, batches));
            lane.FullSince = null;
        }

        lane.FullSince = lane.HasReady ? lane.FullSince ?? now : null;
    }

    private static ProducerBatch? Take(List<ProducerBatch> batches, string topic, int partition)
    {
        for (var i = 0; i < batches.Count; i++)
        {
            var batch = batches[i];
            if (batch.Queue.Partition.Partition != partition || batch.Queue.Partition.Topic != topic)
                continue;
            batches.RemoveAt(i);
            return batch;
        }

        return null;
    }

    private void Settle(ProducerBatch batch, ProduceResponse.PartitionProduceResponse answer, TimeSpan now)
    {
        var message = answer.ErrorMessage ?? answer.ErrorCode.Describe();
        batch.MayBeWritten |= !ExcludesWriting(answer.ErrorCode);
        if (answer.ErrorCode is ErrorCode.None or ErrorCode.DuplicateSequenceNumber)
            Acknowledge(batch, answer.BaseOffset < 0 ? Offset.None : new Offset(answer.BaseOffset), answer.LogAppendTimeMs);
        else if (batch.IsStamped && SpeaksOfSequence(answer.ErrorCode))
            OnOutOfOrder(batch, answer.ErrorCode, message, now);
        else if (answer.ErrorCode.IsRetriable())
            Retry(batch, answer.ErrorCode, message, now, left: true);
        else
            Reject(batch, answer.ErrorCode, message);
    }

    private void Acknowledge(ProducerBatch batch, Offset baseOffset, long appendTimeMs)
    {
        if (!batch.Queue.OnAcknowledged(batch, baseOffset))
            _counters.Reordered++;
        List(batch.Queue);
        if (batch.IsDone)
            return;
        _counters.Delivered += batch.RecordCount;
        _effects.Add(new ProducerEffect.Succeed(batch, baseOffset, appendTimeMs));
        End(batch);
    }

    private void Reject(ProducerBatch batch, ErrorCode error, string message)
    {
        batch.Queue.OnFailed(batch);
        List(batch.Queue);
        var reason = error == ErrorCode.MessageTooLarge ? DeliveryFailure.RecordTooLarge : DeliveryFailure.Rejected;
        Fail(batch, reason, error, $"{batch.Queue.Partition}: {message}");
    }

    /// <param name="batch">A batch that came back.</param>
    /// <param name="error">The broker's reason, or None.</param>
    /// <param name="message">The same in words.</param>
    /// <param name="now">Monotonic.</param>
    /// <param name="left">False if it certainly never reached a broker: such a try doesn't count.</param>
    private void Retry(ProducerBatch batch, ErrorCode error, string message, TimeSpan now, bool left)
    {
        Return(batch);
        RetryLater(batch, error, message, now, left);
    }

    private void Return(ProducerBatch batch)
    {
        batch.Queue.OnFailed(batch);
        _effects.Add(ProducerEffect.RefreshMetadata.Instance);
    }

    private void RetryLater(ProducerBatch batch, ErrorCode error, string message, TimeSpan now, bool left)
    {
        var queue = batch.Queue;
        if (batch.IsDone)
        {
            List(queue);
            return;
        }

        if (!left)
            batch.TimesSent--;
        (batch.LastError, batch.LastMessage) = (error, message);
        if (batch.TimesSent > _settings.Retries)
        {
            List(queue);
            Fail(batch, DeliveryFailure.TimedOut, error, $"{queue.Partition}: retries = {_settings.Retries} used up; last: {message}");
            return;
        }

        if (left)
            _counters.Retried++;
        batch.Failures++;
        queue.Requeue(batch);
        if (batch.SentUnder != queue.LeaderEpoch && queue.Leader != BrokerId.None)
        {
            // While it was out another leader became known: what the old one said or did not say is no reason to wait.
            batch.EndBackoff();
            List(queue);
            return;
        }

        batch.BackOff(now, _backoff);
        _backingOff.Enqueue(queue, batch.NotBefore);
    }

    private void ExpireBatches(TimeSpan now)
    {
        while (_accumulator.Oldest is { } batch && batch.FirstTaken + _settings.DeliveryTimeout <= now)
        {
            var last = (batch.LastMessage ?? _identityFault) is { } message ? $"; last: {message}" : "";
            List(batch.Queue);
            Fail(
                batch, DeliveryFailure.TimedOut, batch.LastError,
                $"{batch.Queue.Partition}: not acknowledged within delivery.timeout.ms = {_settings.DeliveryTimeout.TotalMilliseconds:0}{last}");
        }
    }

    private void Fail(ProducerBatch batch, DeliveryFailure reason, ErrorCode error, string message)
    {
        if (batch.IsDone)
            return;
        batch.Queue.OnGivenUp(batch);
        CountFailed(batch.RecordCount);
        _effects.Add(new ProducerEffect.Fail(batch, reason, error, message));
        End(batch);
    }

    private void End(ProducerBatch batch)
    {
        _accumulator.Discard(batch);
        Finished(batch.Group, batch.RecordCount);
    }
}
