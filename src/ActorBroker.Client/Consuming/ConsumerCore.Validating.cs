using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>The half about new leaders: whether what was read is still part of the log (KIP-320).</summary>
internal sealed partial class ConsumerCore
{
    private void OnEpochEnds(Question question, OffsetForLeaderEpochResponse response, TimeSpan now)
    {
        foreach (var topic in response.Topics)
        {
            foreach (var answer in topic.Partitions)
            {
                if (Take(question, topic.Topic, answer.Partition) is not { } reader)
                    continue;
                if (answer.ErrorCode != ErrorCode.None)
                    OnError(reader, reader.Generation, answer.ErrorCode, now);
                else if (answer.EndOffset < 0)
                    OnOutOfRange(reader); // nothing is left of that epoch, nor of any before it
                else if (answer.EndOffset < reader.Position.Value)
                    OnTruncated(reader, new Offset(answer.EndOffset), new LeaderEpoch(answer.LeaderEpoch));
                else
                    OnSound(reader);
            }
        }

        foreach (var (reader, generation) in question.Readers)
            OnError(reader, generation, ErrorCode.UnknownServerError, now);
    }

    private static void OnSound(PartitionReader reader)
    {
        reader.BecomeValidated();
        reader.Succeeded();
    }

    /// <summary>
    /// Records that were read are lost: whoever became leader did not have them. Reading goes on where the logs part, so that
    /// nothing that stands there now is missed; with auto.offset.reset = none that is the application's to decide.
    /// </summary>
    private void OnTruncated(PartitionReader reader, Offset end, LeaderEpoch epoch)
    {
        if (ResetPosition is null)
        {
            Fail(
                reader, ErrorCode.OffsetOutOfRange,
                $"{reader.Partition} was cut at offset {end} by an election of a leader that did not have all records, after those up to {reader.Position} had been read; auto.offset.reset is none");
            return;
        }

        _moved.Add(reader.Partition);
        reader.Restart(StartPosition.At(end));
        reader.BecomeResolved(end, epoch);
    }
}
