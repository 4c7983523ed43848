using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>The half about brokers: requests and their answers.</summary>
internal sealed partial class ConsumerCore
{
    /// <summary>Times that a batch is fetched again before its damage counts as lasting.</summary>
    private const int TriesOfDamagedBatch = 3;

    private enum QuestionKind
    {
        /// <summary>Where a start position lies.</summary>
        Place,

        /// <summary>Where the epoch of what was read ends on a new leader.</summary>
        EpochEnd,

        Records,
    }

    /// <summary>A request out, and the readers it is for, each with the generation it had.</summary>
    private sealed record Question(BrokerId Broker, List<(PartitionReader Reader, int Generation)> Readers);

    public void OnResponse(long requestId, IResponse response, TimeSpan now)
    {
        if (!TryEnd(requestId, out var question))
            return;
        switch (response)
        {
            case FetchResponse { ErrorCode: not ErrorCode.None } fetch:
                foreach (var (reader, generation) in question.Readers)
                    OnError(reader, generation, fetch.ErrorCode, now);
                break;
            case FetchResponse fetch:
                OnFetched(question, fetch, now);
                break;
            case ListOffsetsResponse offsets:
                OnOffsets(question, offsets, now);
                break;
            case OffsetForLeaderEpochResponse ends:
                OnEpochEnds(question, ends, now);
                break;
        }

        Advance(now);
    }

    /// <summary>A request without an answer.</summary>
    /// <param name="requestId">The request.</param>
    /// <param name="error">The broker's refusal of it as a whole, or None.</param>
    /// <param name="message">The same in words.</param>
    /// <param name="now">Monotonic.</param>
    public void OnRequestFailed(long requestId, ErrorCode error, string message, TimeSpan now)
    {
        if (!TryEnd(requestId, out var question))
            return;
        if (error == ErrorCode.MessageTooLarge)
            OnTooLarge(question, message);
        else
            OnUnanswered(question, error, now);
        Advance(now);
    }

    /// <summary>A batch that fits into no answer to this client: which partition's, only asking one by one tells.</summary>
    private void OnTooLarge(Question question, string message)
    {
        foreach (var (reader, generation) in question.Readers)
        {
            if (reader.Generation != generation)
                continue;
            if (question.Readers.Count > 1)
                reader.IsAlone = true;
            else
                Fail(reader, ErrorCode.MessageTooLarge, message);
        }
    }

    private void OnUnanswered(Question question, ErrorCode error, TimeSpan now)
    {
        var code = error == ErrorCode.None ? ErrorCode.NetworkException : error;
        foreach (var (reader, generation) in question.Readers)
        {
            // A broker of a release that does not know where epochs end: reading goes on unchecked, as it would there.
            if (error == ErrorCode.UnsupportedVersion && reader.Generation == generation && reader.NeedsValidation)
                OnSound(reader);
            else
                OnError(reader, generation, code, now);
        }
    }

    private bool TryEnd(long requestId, out Question question)
    {
        if (!_questions.Remove(requestId, out question!))
            return false;
        _requestsOut[question.Broker]--;
        foreach (var (reader, generation) in question.Readers)
        {
            if (reader.Generation == generation)
                reader.IsAsking = false;
        }

        return true;
    }

    /// <summary>Asks each leader for what its partitions want.</summary>
    private void Ask(TimeSpan now, QuestionKind kind)
    {
        Dictionary<BrokerId, List<PartitionReader>>? byLeader = null;
        foreach (var reader in _turns)
        {
            if (!May(reader, kind, now))
                continue;
            var leader = _image.LeaderOf(reader.Partition);
            if (leader == BrokerId.None)
            {
                reader.BackOff(now, _backoff);
                _effects.Add(ConsumerEffect.RefreshMetadata.Instance);
                continue;
            }

            if (_requestsOut.GetValueOrDefault(leader) >= RequestsPerBroker)
                continue;
            if (reader.IsAlone)
            {
                Ask(leader, [reader], kind);
                continue;
            }

            byLeader ??= [];
            if (!byLeader.TryGetValue(leader, out var readers))
                byLeader.Add(leader, readers = []);
            readers.Add(reader);
        }

        if (byLeader is null)
            return;
        foreach (var (leader, readers) in byLeader)
            Ask(leader, readers, kind);
    }

    private void Ask(BrokerId leader, List<PartitionReader> readers, QuestionKind kind)
    {
        var overhead = 0;
        var count = 0;
        while (count < readers.Count && (count == 0 || overhead < _frame.PayloadBytes / 2))
            overhead += FrameBudget.PartitionOverhead(readers[count++].Partition.Topic);
        if (count < readers.Count)
            readers.RemoveRange(count, readers.Count - count);

        var id = ++_lastRequest;
        var question = new Question(leader, []);
        var allSeen = true;
        foreach (var reader in readers)
        {
            allSeen &= reader.HighWatermark != Offset.None;
            reader.BecomeAsking();
            question.Readers.Add((reader, reader.Generation));
        }

        _questions.Add(id, question);
        _requestsOut[leader] = _requestsOut.GetValueOrDefault(leader) + 1;

        // Until a partition's end is known there may be nothing to wait for: its reader wants to hear so at once.
        var wait = allSeen ? _settings.FetchMaxWait : TimeSpan.Zero;
        var bytes = Math.Min(_settings.FetchMaxBytes, Math.Max(_frame.PayloadBytes - overhead, 1));
        IRequest request = kind switch
        {
            QuestionKind.Records => FetchRequests.Fetch(readers, _image, _settings, bytes, wait),
            QuestionKind.EpochEnd => FetchRequests.EpochEnds(readers),
            _ => FetchRequests.ListOffsets(readers, _image),
        };
        _effects.Add(new ConsumerEffect.Send(id, leader, request, _settings.Client.RequestTimeout + wait));
    }

    private static bool May(PartitionReader reader, QuestionKind kind, TimeSpan now) => kind switch
    {
        QuestionKind.Records => reader.MayFetch(now),
        QuestionKind.EpochEnd => reader.MayValidate(now),
        _ => reader.MayResolve(now),
    };

    private void OnFetched(Question question, FetchResponse response, TimeSpan now)
    {
        foreach (var topic in response.Responses)
        {
            var name = NameOf(topic.Topic, new TopicId(topic.TopicId));
            foreach (var data in topic.Partitions)
            {
                if (Take(question, name, data.PartitionIndex) is not { } reader)
                    continue;
                if (data.ErrorCode != ErrorCode.None)
                    OnError(reader, reader.Generation, data.ErrorCode, now);
                else
                    OnData(reader, data);
            }
        }

        foreach (var (reader, generation) in question.Readers)
            OnError(reader, generation, ErrorCode.UnknownServerError, now);
    }

    /// <summary>Later versions name topics by id only.</summary>
    private string NameOf(string name, TopicId id)
    {
        if (name.Length > 0)
            return name;
        foreach (var topic in _image.Topics.Values)
        {
            if (topic.Id == id)
                return topic.Name;
        }

        return "";
    }

    private void OnData(PartitionReader reader, FetchResponse.PartitionData data)
    {
        reader.MissingSince = null;
        reader.BecomeValidated();
        reader.HighWatermark = new Offset(data.HighWatermark);
        if (data.Records is not { IsEmpty: false } records)
        {
            reader.Succeeded();
            ReportEnd(reader);
            return;
        }

        reader.Buffered = new FetchedRecords(reader.Partition, records, reader.Position, reader.HighWatermark, _settings.CheckCrcs);
    }

    private void OnOffsets(Question question, ListOffsetsResponse response, TimeSpan now)
    {
        foreach (var topic in response.Topics)
        {
            foreach (var answer in topic.Partitions)
            {
                if (Take(question, topic.Name, answer.PartitionIndex) is not { } reader)
                    continue;
                if (answer.ErrorCode != ErrorCode.None)
                {
                    OnError(reader, reader.Generation, answer.ErrorCode, now);
                }
                else if (answer.Offset < 0)
                {
                    // No record is that late: what comes next is.
                    reader.Restart(StartPosition.End);
                }
                else
                {
                    reader.Succeeded();
                    reader.BecomeResolved(new Offset(answer.Offset), new LeaderEpoch(answer.LeaderEpoch));
                }
            }
        }

        foreach (var (reader, generation) in question.Readers)
            OnError(reader, generation, ErrorCode.UnknownServerError, now);
    }

    /// <summary>The reader an answer is for, unless it has moved elsewhere since.</summary>
    private static PartitionReader? Take(Question question, string topic, int partition)
    {
        for (var i = 0; i < question.Readers.Count; i++)
        {
            var (reader, generation) = question.Readers[i];
            if (reader.Partition.Partition != partition || reader.Partition.Topic != topic)
                continue;
            question.Readers.RemoveAt(i);
            return reader.Generation == generation ? reader : null;
        }

        return null;
    }

    private void OnError(PartitionReader reader, int generation, ErrorCode error, TimeSpan now)
    {
        if (reader.Generation != generation || reader.HasFailed)
            return;
        if (error == ErrorCode.OffsetOutOfRange)
        {
            OnOutOfRange(reader);
            return;
        }

        if (error is ErrorCode.UnknownTopicOrPartition or ErrorCode.UnknownTopicId)
            reader.MissingSince ??= now;
        else
            reader.MissingSince = null;
        if (reader.MissingSince + _settings.Client.UnknownTopicTimeout <= now)
        {
            Fail(reader, ErrorCode.UnknownTopicOrPartition, $"{reader.Partition} does not exist any more");
        }
        else if (error.IsRetriable() || error == ErrorCode.UnknownServerError)
        {
            reader.BackOff(now, _backoff);
            _effects.Add(ConsumerEffect.RefreshMetadata.Instance);
        }
        else
        {
            Fail(reader, error, error.Describe());
        }
    }

    private void OnOutOfRange(PartitionReader reader)
    {
        _moved.Add(reader.Partition);
        if (ResetPosition is { } position)
            reader.Restart(position);
        else
            Fail(reader, ErrorCode.OffsetOutOfRange, $"offset {reader.Position} does not exist (any more), and auto.offset.reset is none");
    }

    /// <summary>Damage on the way goes away when the batch is fetched again; damage that stays stops the partition rather than skip records.</summary>
    private void OnBadBatch(PartitionReader reader, BatchFault fault, TimeSpan now)
    {
        reader.Buffered = null;
        reader.BackOff(now, _backoff);
        if (++reader.Damages >= TriesOfDamagedBatch)
            Fail(reader, ErrorCode.CorruptMessage, $"the batch at offset {reader.Position} is damaged ({fault})");
    }
}
