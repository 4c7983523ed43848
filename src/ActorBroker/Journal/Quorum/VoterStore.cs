using System.Buffers.Binary;
using System.Collections.Immutable;
using ActorBroker.Log;

namespace ActorBroker.Journal.Quorum;

/// <summary>
/// A voter's disk: its copy of the log, and beside it <c>quorum-state</c> (big endian):
/// <code>
/// "ABQS" | version i16 = 1 | promised epoch i32 | epoch before the log's start i32 | members before it (<see cref="MembersCodec"/>) | CRC-32C of all before
/// </code>
/// An entry is one record batch: its leader epoch is the entry's epoch, its next offset the entry's sequence.
/// </summary>
internal sealed class VoterStore(JournalLog log, IFileSystem files, Member self)
{
    private const string FileName = "quorum-state";
    private const int FixedSize = 14;
    private const short Version = 1;
    private const int ReadBytes = 1 << 20;

    private static readonly byte[] Magic = "ABQS"u8.ToArray();

    private State _state = new(LeaderEpoch.None, LeaderEpoch.None, default);

    public JournalLog Log { get; } = log;

    /// <exception cref="InvalidDataException">What is stored is damaged, or a newer release wrote it.</exception>
    public VoterCore Load()
    {
        _state = ReadState();
        return new VoterCore(self, _state.Promised, ReadIndex());
    }

    /// <summary>Durable on return. Any exception leaves what is stored unknown: the core must be loaded anew.</summary>
    public void Perform(in VoterEffect effect)
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
        }
    }

    /// <summary>Moves the log start; the index stays as it is.</summary>
    public void DeleteTo(long sequenceNr, LogIndexState index)
    {
        // First: without it the log would not say any more who counts.
        Write(_state with { BaseEpoch = index.EpochAt(sequenceNr), BaseMembers = index.Members });
        Log.Log.AdvanceLogStartOffset(new Offset(sequenceNr));
        Log.Log.DeleteOldSegments(new Offset(sequenceNr));
    }

    public LogIndexState ReadIndex()
    {
        var index = new LogIndexState();
        var at = Log.Log.LogStartOffset;
        var isFirst = true;
        while (at < Log.Log.LogEndOffset)
        {
            using var read = Log.Log.Read(at, ReadBytes, Offset.Max, minOneBatch: true);
            for (var rest = read.Batches; !rest.IsEmpty;)
            {
                var header = HeaderOf(rest.Span);
                if (isFirst && header.BaseOffset > Offset.Zero) index.ApplyBase(new EntryId(_state.BaseEpoch, header.BaseOffset.Value), _state.BaseMembers);
                isFirst = false;
                index.Apply(Entry(index.Last, header, rest[..(int)header.SizeInBytes], keep: false));
                rest = rest[(int)header.SizeInBytes..];
            }

            at = read.NextOffset;
        }

        if (isFirst && at > Offset.Zero) index.ApplyBase(new EntryId(_state.BaseEpoch, at.Value), _state.BaseMembers);
        return index;
    }

    /// <summary>Some of the entries that end behind this one, up to a sequence number; none where there are none.</summary>
    public ImmutableArray<QuorumEntry> Read(EntryId from, long through, int maxBytes, LogIndexState index)
    {
        if (from.Sequence < Log.Log.LogStartOffset.Value || from.Sequence >= Math.Min(through, Log.Log.LogEndOffset.Value)) return [];
        using var read = Log.Log.Read(new Offset(from.Sequence), maxBytes, new Offset(through), minOneBatch: true);
        if (read.Batches.IsEmpty) return [];
        // The batch that holds this offset may begin before it.
        var start = HeaderOf(read.Batches.Span).BaseOffset.Value;
        return Parse(start == 0 ? EntryId.Zero : new EntryId(index.EpochAt(start), start), read.Batches.ToArray());
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
        if (!files.FileExists(path)) return _state;
        var bytes = AtomicFile.ReadAll(files, path);
        if (bytes.Length < FixedSize + 4 || !bytes.AsSpan(0, 4).SequenceEqual(Magic)
            || BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(bytes.Length - 4)) != Crc32C.Compute(bytes.AsSpan(0, bytes.Length - 4)))
            throw new InvalidDataException($"{path} is damaged: without this voter's promise it must not vote.");
        var version = BinaryPrimitives.ReadInt16BigEndian(bytes.AsSpan(4));
        if (version != Version)
            throw new InvalidDataException($"{path} has version {version}; this release knows {Version}: a newer release wrote it.");
        var members = bytes.AsSpan(FixedSize..^4);
        return new State(
            new LeaderEpoch(BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(6))),
            new LeaderEpoch(BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(10))),
            members.IsEmpty ? default : MembersCodec.Decode(members));
    }

    private void Write(State state)
    {
        var members = state.BaseMembers.IsDefault ? [] : MembersCodec.Encode(state.BaseMembers);
        var bytes = new byte[FixedSize + members.Length + 4];
        Magic.CopyTo(bytes, 0);
        BinaryPrimitives.WriteInt16BigEndian(bytes.AsSpan(4), Version);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(6), state.Promised.Value);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(10), state.BaseEpoch.Value);
        members.CopyTo(bytes, FixedSize);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(bytes.Length - 4), Crc32C.Compute(bytes.AsSpan(0, bytes.Length - 4)));
        AtomicFile.Replace(files, Log.Log.Directory, FileName, bytes);
        _state = state;
    }

    private sealed record State(LeaderEpoch Promised, LeaderEpoch BaseEpoch, ImmutableArray<Member> BaseMembers);
}
