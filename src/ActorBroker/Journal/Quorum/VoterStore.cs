using System.Buffers.Binary;
using System.Collections.Immutable;
using ActorBroker.Log;

namespace ActorBroker.Journal.Quorum;

/// <summary>
/// A voter's disk: its copy of the log, and beside it <c>quorum-state</c> (big endian):
/// <code>
/// "ABQS" | version i16 = 2 | promised epoch i32 | base's epoch i32 | base's sequence i64 | log start i64 | is rebasing u8
///        | members at the base (<see cref="MembersCodec"/>; none without a base) | CRC-32C of all before
/// </code>
/// Version 1 had neither of what stands between the base's epoch and the members. An entry is one record batch: its leader
/// epoch is the entry's epoch, its next offset the entry's sequence.
/// </summary>
internal sealed class VoterStore(JournalLog log, IFileSystem files, Member self)
{
    private const string FileName = "quorum-state";
    private const int FixedSize1 = 14;
    private const int FixedSize = 31;
    private const short Version = 2;
    private const int ReadBytes = 1 << 20;

    private static readonly byte[] Magic = "ABQS"u8.ToArray();

    private State _state = new(LeaderEpoch.None, EntryId.Zero, 0, IsRebasing: false, default);

    public JournalLog Log { get; } = log;

    /// <exception cref="InvalidDataException">What is stored is damaged, or a newer release wrote it.</exception>
    public VoterCore Load()
    {
        _state = ReadState();
        if (_state.IsRebasing) StartAnew(_state);
        var index = ReadIndex();
        // A deletion is noted before it is done.
        if (_state.LogStart > Log.Log.LogStartOffset.Value) Delete(_state.LogStart);
        return new VoterCore(self, _state.Promised, index, Log.Log.LogStartOffset.Value);
    }

    /// <summary>Durable on return. Any exception leaves what is stored unknown: the core must be loaded anew.</summary>
    public void Perform(in VoterEffect effect, VoterCore core)
    {
        switch (effect.Kind)
        {
            case VoterEffectKind.Promise:
                Write(_state with { Promised = effect.Epoch });
                break;
            case VoterEffectKind.Cut:
                new CheckpointFiles(files, Log.Log.Directory).DeleteBeyond(effect.End);
                Log.Log.TruncateTo(new Offset(effect.End));
                break;
            case VoterEffectKind.Append:
                Append(effect.Entries);
                break;
            case VoterEffectKind.Trim:
                core.OnTrimmed(Trim(effect.End, core.Log));
                break;
            case VoterEffectKind.Rebase:
                var rebasing = _state with { Base = effect.Base, BaseMembers = effect.Members, LogStart = effect.Base.Sequence, IsRebasing = true };
                Write(rebasing);
                StartAnew(rebasing);
                break;
        }
    }

    /// <summary>Behind which entry the log begins now: the last one that ends here or before.</summary>
    private EntryId Trim(long logStart, LogIndexState index)
    {
        var end = logStart;
        if (end < Log.Log.LogEndOffset.Value)
        {
            using var read = Log.Log.Read(new Offset(end), 1, Offset.Max, minOneBatch: true);
            end = HeaderOf(read.Batches.Span).BaseOffset.Value;
        }

        // First: without it the log would not say any more what stood there, nor who counts.
        var newBase = end == 0 ? EntryId.Zero : new EntryId(index.EpochAt(end), end);
        Write(_state with { Base = newBase, BaseMembers = index.MembersAt(end), LogStart = logStart });
        Delete(logStart);
        return newBase;
    }

    private void Delete(long logStart)
    {
        Log.Log.AdvanceLogStartOffset(new Offset(logStart));
        Log.Log.DeleteOldSegments(new Offset(logStart));
    }

    private void StartAnew(State state)
    {
        new CheckpointFiles(files, Log.Log.Directory).DeleteBeyond(0);
        Log.Log.TruncateFullyAndStartAt(new Offset(state.Base.Sequence));
        Write(state with { IsRebasing = false });
    }

    private LogIndexState ReadIndex()
    {
        var index = new LogIndexState();
        var at = new Offset(Math.Max(_state.Base.Sequence, Log.Log.LogStartOffset.Value));
        if (_state.Base != EntryId.Zero) index.ApplyBase(_state.Base, _state.BaseMembers);
        while (at < Log.Log.LogEndOffset)
        {
            using var read = Log.Log.Read(at, ReadBytes, Offset.Max, minOneBatch: true);
            for (var rest = read.Batches; !rest.IsEmpty;)
            {
                var header = HeaderOf(rest.Span);
                index.Apply(Entry(index.Last, header, rest[..(int)header.SizeInBytes], keep: false));
                rest = rest[(int)header.SizeInBytes..];
            }

            at = read.NextOffset;
        }

        return index;
    }

    /// <summary>Some of the entries that end behind this one, up to a sequence number; none where there are none.</summary>
    public ImmutableArray<QuorumEntry> Read(EntryId from, long through, int maxBytes, LogIndexState index)
    {
        if (from.Sequence >= Math.Min(through, Log.Log.LogEndOffset.Value)) return [];
        // The log may start within the batch behind its base.
        var at = Offset.MaxOf(new Offset(from.Sequence), Log.Log.LogStartOffset);
        using var read = Log.Log.Read(at, maxBytes, new Offset(through), minOneBatch: true);
        if (read.Batches.IsEmpty) return [];
        // The batch that holds this offset may begin before it.
        var start = HeaderOf(read.Batches.Span).BaseOffset.Value;
        return Parse(start == index.Base.Sequence ? index.Base : new EntryId(index.EpochAt(start), start), read.Batches.ToArray());
    }

    /// <summary>The entries that these batches are. They share the memory.</summary>
    /// <exception cref="InvalidDataException">That is not what they are.</exception>
    public static ImmutableArray<QuorumEntry> Parse(EntryId previous, ReadOnlyMemory<byte> batches)
    {
        var entries = ImmutableArray.CreateBuilder<QuorumEntry>();
        for (var rest = batches; !rest.IsEmpty;)
        {
            var header = HeaderOf(rest.Span);
            if (header.BaseOffset.Value != previous.Sequence) throw new InvalidDataException("A quorum entry does not follow the one before.");
            var entry = Entry(previous, header, rest[..(int)header.SizeInBytes], keep: true);
            entries.Add(entry);
            previous = entry.Id;
            rest = rest[(int)header.SizeInBytes..];
        }

        return entries.ToImmutable();
    }

    private static RecordBatchHeader HeaderOf(ReadOnlySpan<byte> bytes) =>
        RecordBatchValidator.CheckFrame(bytes, out var header) == BatchFault.None ? header : throw new InvalidDataException("A voter's log ends within a batch.");

    private static QuorumEntry Entry(EntryId previous, in RecordBatchHeader header, ReadOnlyMemory<byte> batch, bool keep) => new(
        previous,
        new EntryId(header.PartitionLeaderEpoch, header.NextOffset.Value),
        keep ? batch : default,
        header.IsControl ? Members(batch.Span) : default);

    private static ImmutableArray<Member> Members(ReadOnlySpan<byte> batch)
    {
        using var records = new RecordEnumerator(batch);
        return records.MoveNext() ? MembersCodec.Decode(records.Current.Value) : throw new InvalidDataException("A quorum entry is empty.");
    }

    private void Append(ImmutableArray<QuorumEntry> entries)
    {
        var bytes = entries[0].Batch;
        if (entries.Length > 1)
        {
            var all = new byte[entries.Sum(entry => entry.Batch.Length)];
            var at = 0;
            foreach (var entry in entries)
            {
                entry.Batch.CopyTo(all.AsMemory(at));
                at += entry.Batch.Length;
            }

            bytes = all;
        }

        var result = Log.Log.AppendAsFollower(bytes);
        if (result.Status == AppendStatus.DiskFull) throw new DiskFullException(Log.Log.Directory);
        Invariant.Check(result.IsOk && result.LogEndOffset.Value == entries[^1].Id.Sequence, $"a voter's append was refused ({result.Status}, {result.Fault})");
        Log.Log.Flush();
    }

    private State ReadState()
    {
        var path = Path.Combine(Log.Log.Directory, FileName);
        if (AtomicFile.Read(files, path) is not { } bytes) return _state;
        if (bytes.Length < FixedSize1 + 4 || !bytes.AsSpan(0, 4).SequenceEqual(Magic)
            || BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(bytes.Length - 4)) != Crc32C.Compute(bytes.AsSpan(0, bytes.Length - 4)))
            throw new InvalidDataException($"{path} is damaged: without this voter's promise it must not vote.");
        var promised = new LeaderEpoch(BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(6)));
        var baseEpoch = new LeaderEpoch(BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(10)));
        switch (BinaryPrimitives.ReadInt16BigEndian(bytes.AsSpan(4)))
        {
            case 1:
                return new State(promised, FirstBase(baseEpoch), Log.Log.LogStartOffset.Value, IsRebasing: false, Members(bytes, FixedSize1));
            case Version when bytes.Length >= FixedSize + 4:
                var sequence = BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(14));
                var logStart = BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(22));
                return new State(promised, new EntryId(baseEpoch, sequence), logStart, bytes[30] != 0, Members(bytes, FixedSize));
            case var version:
                throw new InvalidDataException($"{path} has version {version}; this release knows {Version}: a newer release wrote it.");
        }

        static ImmutableArray<Member> Members(byte[] bytes, int at) => at + 4 == bytes.Length ? default : MembersCodec.Decode(bytes.AsSpan(at..^4));
    }

    /// <summary>Where the log begins; of version 1, which did not say.</summary>
    private EntryId FirstBase(LeaderEpoch epoch)
    {
        var start = Log.Log.LogStartOffset;
        if (start == Offset.Zero) return EntryId.Zero;
        if (start == Log.Log.LogEndOffset) return new EntryId(epoch, start.Value);
        using var read = Log.Log.Read(start, 1, Offset.Max, minOneBatch: true);
        var first = HeaderOf(read.Batches.Span).BaseOffset.Value;
        return first == 0 ? EntryId.Zero : new EntryId(epoch, first);
    }

    private void Write(State state)
    {
        var members = state.BaseMembers.IsDefault ? [] : MembersCodec.Encode(state.BaseMembers);
        var bytes = new byte[FixedSize + members.Length + 4];
        Magic.CopyTo(bytes, 0);
        BinaryPrimitives.WriteInt16BigEndian(bytes.AsSpan(4), Version);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(6), state.Promised.Value);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(10), state.Base.Epoch.Value);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(14), state.Base.Sequence);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(22), state.LogStart);
        bytes[30] = state.IsRebasing ? (byte)1 : (byte)0;
        members.CopyTo(bytes, FixedSize);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(bytes.Length - 4), Crc32C.Compute(bytes.AsSpan(0, bytes.Length - 4)));
        AtomicFile.Write(files, Path.Combine(Log.Log.Directory, FileName), bytes);
        _state = state;
    }

    /// <param name="LogStart">Events up to here are deleted, or are about to be.</param>
    /// <param name="IsRebasing">The log is being dropped; nothing in it counts any more.</param>
    private sealed record State(LeaderEpoch Promised, EntryId Base, long LogStart, bool IsRebasing, ImmutableArray<Member> BaseMembers);
}
