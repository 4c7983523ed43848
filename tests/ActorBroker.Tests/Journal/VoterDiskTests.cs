using System.Collections.Immutable;
using ActorBroker.Journal;
using ActorBroker.Journal.Quorum;
using ActorBroker.Log;
using Akka.Actor;

namespace ActorBroker.Tests.Journal;

/// <summary>
/// A voter's real disk beside the model of it that the schedules use, under seeded requests: appends, other histories,
/// deletions, logs begun anew; and now and then a fault of the disk or a loss of power in the middle of one. What was
/// answered is there; of what failed a beginning may be.
/// </summary>
public sealed class VoterDiskTests() : JournalSpec("actorbroker.journal.quorum", "", DefaultLogOptions with { SegmentBytes = 1024 * 1024 })
{
    private static readonly Member Self = new(new BrokerId(1), new DirectoryId(new Guid(1, 2, 3, new byte[8])));

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void What_a_voter_answered_is_on_its_disk(bool faults, bool powerLoss)
    {
        var rebases = 0;
        for (var seed = 0; seed < 60; seed++)
            rebases += new Run(seed, (ExtendedActorSystem)Sys, faults, powerLoss).Play(25);
        Assert.True(rebases > 30);
    }

    private sealed class Run
    {
        private static readonly FileOperation[] Operations = [FileOperation.Flush, FileOperation.Write, FileOperation.Move, FileOperation.FlushDirectory, FileOperation.Delete];

        // So that not only the first file that a request touches fails.
        private static readonly string[] Places = ["", ".log", "quorum-state", "leader-epoch-checkpoint", "journal-checkpoint"];

        private readonly int _seed;
        private readonly Random _random;
        private readonly ExtendedActorSystem _system;
        private readonly SimulatedFileSystem _files;
        private readonly bool _faults;
        private readonly bool _powerLoss;
        private ScheduledVoter _model = new(Self);
        private LocalVoter _voter;
        private LeaderEpoch _epoch = new(0);
        private EntryId _committed = EntryId.Zero;
        private int _members;

        public Run(int seed, ExtendedActorSystem system, bool faults, bool powerLoss)
        {
            (_seed, _random, _system, _faults, _powerLoss) = (seed, new Random(seed), system, faults, powerLoss);
            _files = new SimulatedFileSystem(seed);
            _voter = Open();
        }

        public int Play(int steps)
        {
            var rebases = 0;
            for (var i = 0; i < steps; i++)
            {
                var request = Next();
                if (request is Rebase) rebases++;
                var fails = _faults && _random.Next(4) == 0;
                if (fails) _files.FailNext(Operations[_random.Next(Operations.Length)], Places[_random.Next(Places.Length)]);
                Try(request);
                _files.StopFailing();
                if (_random.Next(10) == 0) _voter = Reopened();
            }

            return rebases;
        }

        private void Try(VoterRequest request)
        {
            var effects = new List<VoterEffect>();
            _model.Core.Step(request, effects);
            try
            {
                Assert.Equal($"{effects[^1].Answer}", $"{_voter.Step(request)}");
                foreach (var effect in effects)
                    if (effect.Kind != VoterEffectKind.Reply) _model.Perform(effect);
                _model.Restart();
                if (request.Epoch > _epoch) _epoch = request.Epoch;
                Assert.True(Equals(_model), $"seed {_seed}: {request} left {Describe(_voter)} instead of {_model.Core.Log.Last}, start {_model.Core.LogStart}");
            }
            catch (IOException)
            {
                Assert.True(_faults);
                _files.StopFailing();
                _model.Restart(); // From what is on its disk: as if nothing had been asked for yet.
                if (_powerLoss)
                {
                    _files.Crash((CrashMode)_random.Next(3));
                    _voter = Open();
                }

                AdoptWhatIsLeft(effects);
            }
        }

        /// <summary>Some of the effects were performed, the last of them perhaps in part.</summary>
        private void AdoptWhatIsLeft(List<VoterEffect> effects)
        {
            var found = Describe(_voter);
            if (Equals(_model)) return;
            foreach (var effect in effects)
            {
                if (effect.Kind == VoterEffectKind.Reply) break;
                if (effect.Kind != VoterEffectKind.Append)
                {
                    _model.Perform(effect);
                    _model.Restart();
                    if (Equals(_model)) return;
                    continue;
                }

                foreach (var entry in effect.Entries)
                {
                    _model.Perform(effect with { Entries = [entry] });
                    _model.Restart();
                    if (Equals(_model)) return;
                }
            }

            Assert.Fail($"seed {_seed}: {string.Join(", ", effects.Select(e => e.Kind))} left {found}");
        }

        private bool Equals(ScheduledVoter model)
        {
            var index = _voter.Index();
            var core = model.Core;
            if (index.Last != core.Log.Last || index.Base != core.Log.Base || Promised() != core.Promised || _voter.Log.Log.LogStartOffset.Value != core.LogStart) return false;
            if (index.Last != EntryId.Zero && !index.Members.SequenceEqual(core.Log.Members)) return false;
            var read = model.Base;
            foreach (var entry in model.Disk)
            {
                var found = _voter.Read(new ReadEntries(_epoch, Self.Broker, read, long.MaxValue)).Entries[0];
                if (found.Id != entry.Id || !found.Batch.Span.SequenceEqual(entry.Batch.Span)) return false;
                read = entry.Id;
            }

            return true;
        }

        private LeaderEpoch Promised() => ((Refused)_voter.Step(new Bid(LeaderEpoch.None, 1))).Promised;

        private string Describe(LocalVoter voter) =>
            $"{voter.Index().Base} to {voter.Index().Last}, start {voter.Log.Log.LogStartOffset}, promised {Promised()}";

        private VoterRequest Next()
        {
            var log = _model.Core.Log;
            if (_random.Next(3) == 0) _epoch = new LeaderEpoch(Math.Max(_epoch.Value, _model.Core.Promised.Value) + 1);
            var kind = _random.Next(10);
            if (kind == 0) return new Bid(new LeaderEpoch(_epoch.Value + 1), _random.Next());
            if (kind == 1 && log.Last != EntryId.Zero)
            {
                _epoch = new LeaderEpoch(_epoch.Value + 1);
                _committed = new EntryId(_epoch, log.End + 1 + _random.Next(5));
                return new Rebase(_epoch, _committed, Members());
            }

            // Behind the last, or in the place of what is not committed.
            var held = _model.Disk.Where(e => e.Id.Sequence >= _committed.Sequence).Select(e => e.Id).ToList();
            var previous = kind < 4 && held.Count > 0 ? held[_random.Next(held.Count)] : log.Last;
            if (previous != log.Last) _epoch = new LeaderEpoch(Math.Max(_epoch.Value, _model.Core.Promised.Value) + 1);
            var entries = ImmutableArray.CreateBuilder<QuorumEntry>();
            var last = previous;
            for (var i = _random.Next(4); i >= 0; i--)
            {
                entries.Add(Entry(last));
                last = entries[^1].Id;
            }

            if (_random.Next(3) == 0) _committed = entries[_random.Next(entries.Count)].Id;
            return new AppendEntries(_epoch, previous, entries.ToImmutable(), _random.Next(4) == 0 ? _random.NextInt64(_committed.Sequence + 1) : 0);
        }

        private QuorumEntry Entry(EntryId previous)
        {
            var setsMembers = previous == EntryId.Zero || _random.Next(5) == 0;
            var members = setsMembers ? Members() : default;
            using var builder = new RecordBatchBuilder(1024 * 1024) { IsControl = setsMembers, BaseOffset = new Offset(previous.Sequence), PartitionLeaderEpoch = _epoch };
            var count = setsMembers ? 1 : 1 + _random.Next(3);
            for (var i = 0; i < count; i++)
                builder.TryAppend(1000, key: null, setsMembers ? MembersCodec.Encode(members) : new byte[_random.Next(1000)]);
            return new QuorumEntry(previous, new EntryId(_epoch, previous.Sequence + count), builder.Build().ToArray(), members);
        }

        private ImmutableArray<Member> Members() => [Self, new Member(new BrokerId(2), new DirectoryId(new Guid(++_members, 0, 0, new byte[8])))];

        private LocalVoter Reopened()
        {
            _voter.Release();
            return Open();
        }

        private LocalVoter Open()
        {
            var logs = new JournalLogs(_system);
            logs.Configure(new JournalStorage(_files, "/data/journal", TimeProvider.System, DefaultLogOptions with { SegmentBytes = 1024 * 1024 }));
            return new LocalVoter(logs, Self, "controller");
        }
    }
}
