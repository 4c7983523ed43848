using FsCheck.Xunit;

namespace ActorBroker.Log.Tests;

/// <summary>
/// Random batches of a few producers through a table that is stored to, dropped from, restarted from snapshots and cut, against a
/// model that keeps every batch ever stored and works everything out anew each time.
/// </summary>
public sealed class ProducerTablePropertyTests
{
    [Property(MaxTest = 100, EndSize = 150)]
    public void The_table_agrees_with_the_naive_model(byte[] inputs)
    {
        var run = new Run();
        foreach (var input in inputs) run.Step(input);
    }

    private sealed record Stored(ProducerStamp Stamp, long BaseOffset, long LastOffset);

    private sealed class Run
    {
        private static readonly int[] FirstSequences = [0, int.MaxValue - 6];

        private readonly List<Stored> _log = [];
        private readonly List<(ProducerStamp Stamp, long Ticket)> _admitted = [];
        private readonly Dictionary<ProducerId, ProducerStamp> _awaited = [];
        private readonly List<(int Batches, byte[] Bytes)> _snapshots = [(0, ProducerSnapshotFile.Encode([]))];
        private ProducerTable _table = new();
        private long _tickets;

        public void Step(byte input)
        {
            var argument = input >> 4;
            switch (input & 15)
            {
                case < 8: Send(Candidate(new ProducerId(argument & 1), argument >> 1, input & 7)); break;
                case < 12: Store(); break;
                case 12: _snapshots.Add((_log.Count, ProducerSnapshotFile.Encode(_table.Snapshot()))); break;
                case 13: Drop(); break;
                case 14: Restart(Math.Max(0, _log.Count - argument)); break;
                default: Restart(_log.Count); break;
            }

            Compare();
        }

        /// <summary>What may come from this producer: usually what is next, sometimes anything else.</summary>
        private ProducerStamp Candidate(ProducerId id, int argument, int kind)
        {
            var (epoch, next) = Standing(id) ?? (0, FirstSequences[(int)id.Value]);
            var size = argument % 3;
            return kind switch
            {
                0 => Stamp(id, epoch, next + 1L, size),
                1 => Stamp(id, epoch + 1, argument < 6 ? 0 : next, size),
                2 => Stamp(id, epoch - 1, next, size),
                3 when Known(id) is [.., _] known => known[Math.Max(0, known.Count - 1 - argument)],
                _ => Stamp(id, epoch, next, size),
            };
        }

        private void Send(ProducerStamp stamp)
        {
            if (stamp.Epoch.Value < 0 || _table.Judge(stamp).Judgement != ProducerJudgement.Next) return;
            _admitted.Add((stamp, _tickets));
            _table.Admit(stamp, _tickets++, 0);
        }

        private void Store()
        {
            if (_admitted.Count == 0) return;
            var stamp = _admitted[0].Stamp;
            _admitted.RemoveAt(0);
            _awaited.Remove(stamp.Id);
            var first = _log.Count == 0 ? 0 : _log[^1].LastOffset + 1;
            _log.Add(new Stored(stamp, first, first + Delta(stamp)));
            Apply(_log[^1]);
        }

        private void Drop()
        {
            foreach (var (stamp, _) in _admitted)
                if (_log.All(stored => stored.Stamp.Id != stamp.Id)) _awaited.TryAdd(stamp.Id, stamp);
            _admitted.Clear();
            _table.DropAdmitted();
        }

        /// <summary>The log is cut to so many batches; a new table begins with the newest snapshot that they reach to.</summary>
        private void Restart(int batches)
        {
            _log.RemoveRange(batches, _log.Count - batches);
            _snapshots.RemoveAll(snapshot => snapshot.Batches > batches);
            _admitted.Clear();
            _awaited.Clear();
            _table = new ProducerTable();
            Assert.True(ProducerSnapshotFile.TryDecode(_snapshots[^1].Bytes, out var entries, out var reason), reason);
            foreach (var entry in entries) _table.Load(entry, 0);
            foreach (var stored in _log.Skip(_snapshots[^1].Batches)) Apply(stored);
        }

        private void Apply(Stored stored) => _table.Apply(
            new RecordBatchHeader
            {
                BaseOffset = new Offset(stored.BaseOffset),
                LastOffsetDelta = (int)(stored.LastOffset - stored.BaseOffset),
                MaxTimestamp = 7,
                ProducerId = stored.Stamp.Id,
                ProducerEpoch = stored.Stamp.Epoch,
                BaseSequence = stored.Stamp.BaseSequence,
            },
            0);

        /// <summary>Everything that may be asked is asked, of both.</summary>
        private void Compare()
        {
            for (var id = 0; id < 2; id++)
            {
                for (var kind = 0; kind < 5; kind++)
                {
                    for (var argument = 0; argument < 8; argument++)
                    {
                        var stamp = Candidate(new ProducerId(id), argument, kind);
                        if (stamp.Epoch.Value >= 0) Assert.Equal(Judge(stamp), _table.Judge(stamp));
                    }
                }
            }
        }

        private ProducerVerdict Judge(ProducerStamp stamp)
        {
            var mine = _log.Where(stored => stored.Stamp.Id == stamp.Id).ToList();
            var coming = _admitted.Where(admitted => admitted.Stamp.Id == stamp.Id).ToList();
            if (Standing(stamp.Id) is not var (epoch, next)) return new(ProducerJudgement.Next);
            if (stamp.Epoch.Value < epoch) return new(ProducerJudgement.StaleEpoch);
            if (stamp.Epoch.Value > epoch) return new(stamp.BaseSequence == 0 ? ProducerJudgement.Next : ProducerJudgement.OutOfOrder);
            foreach (var (admitted, ticket) in coming)
                if (admitted == stamp) return new(ProducerJudgement.DuplicateInFlight, Ticket: ticket);
            // Epochs only grow, so those of one epoch stand together.
            foreach (var stored in mine.Where(stored => stored.Stamp.Epoch == mine[^1].Stamp.Epoch).TakeLast(5))
                if (stored.Stamp == stamp) return new(ProducerJudgement.Duplicate, new Offset(stored.BaseOffset), new Offset(stored.LastOffset), 7);
            return new(stamp.BaseSequence == next ? ProducerJudgement.Next : ProducerJudgement.OutOfOrder);
        }

        /// <summary>The producer's epoch, and what comes next in it; null while nothing is known of it.</summary>
        private (int Epoch, int Next)? Standing(ProducerId id) => Known(id) switch
        {
            [.., var newest] => (newest.Epoch.Value, RecordBatchHeader.AddSequence(newest.LastSequence, 1)),
            _ => _awaited.TryGetValue(id, out var awaited) ? (awaited.Epoch.Value, awaited.BaseSequence) : null,
        };

        private List<ProducerStamp> Known(ProducerId id) =>
            [.. _log.Select(stored => stored.Stamp).Concat(_admitted.Select(admitted => admitted.Stamp)).Where(stamp => stamp.Id == id)];

        private static int Delta(ProducerStamp stamp) => (int)((stamp.LastSequence - (long)stamp.BaseSequence + int.MaxValue + 1) % (int.MaxValue + 1L));

        private static ProducerStamp Stamp(ProducerId id, int epoch, long first, int delta)
        {
            var sequence = RecordBatchHeader.AddSequence((int)(first % (int.MaxValue + 1L)), 0);
            return new ProducerStamp(id, new ProducerEpoch((short)epoch), sequence, RecordBatchHeader.AddSequence(sequence, delta));
        }
    }
}
