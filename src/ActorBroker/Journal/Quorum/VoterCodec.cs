using System.Collections.Immutable;
using System.Text;
using ActorBroker.Log;

namespace ActorBroker.Journal.Quorum;

/// <summary>What a node sends to another one's voter, and what that answers.</summary>
internal sealed record VoterMessage(string PersistenceId, object Content);

/// <summary>Asks a voter for entries of its log behind <paramref name="From"/>, to be passed on to the voter <paramref name="To"/>.</summary>
internal sealed record ReadEntries(LeaderEpoch Epoch, BrokerId To, EntryId From, long Through);

/// <param name="Start">Behind which entry the log begins, where that is later than what was asked for: then there are no entries. Else zero.</param>
/// <param name="Members">Who counts there.</param>
internal sealed record EntriesRead(
    LeaderEpoch Epoch, BrokerId To, EntryId From, ImmutableArray<QuorumEntry> Entries, EntryId Start, ImmutableArray<Member> Members);

/// <summary>Asks a voter what its log's entries are.</summary>
internal sealed record ReadIndex(LeaderEpoch Epoch);

internal sealed record IndexRead(LeaderEpoch Epoch, LogIndexState Index);

/// <summary>Asks a node, which need not be a voter, whether it knows who votes. One that does not gives no answer.</summary>
internal sealed record AskVoters(LeaderEpoch Epoch);

/// <param name="Addresses">Of those of them whose system the node knows; empty text for the others.</param>
internal sealed record VotersKnown(LeaderEpoch Epoch, ImmutableArray<Member> Members, ImmutableArray<string> Addresses);

/// <summary>
/// A <see cref="VoterMessage"/> as bytes (little endian): version u8 = 2, kind u8, persistence id (7-bit coded length, UTF-8),
/// epoch i32, then what the kind has. Entry id: epoch i32, sequence i64. Member: broker id i32, disk 16 bytes. Members and
/// entries: length i32 (members: -1 is none), then bytes (<see cref="MembersCodec"/>; record batches one after the other).
/// </summary>
internal static class VoterCodec
{
    private const byte Version = 2;

    private enum Kind : byte
    {
        Bid = 1,
        Append = 2,
        ReadEntries = 3,
        ReadIndex = 4,
        Rebase = 5,
        AskVoters = 6,
        Granted = 11,
        Refused = 12,
        Appended = 13,
        Mismatched = 14,
        EntriesRead = 15,
        IndexRead = 16,
        VotersKnown = 17,
    }

    public static byte[] Encode(VoterMessage message)
    {
        using var bytes = new MemoryStream();
        using var to = new BinaryWriter(bytes, Encoding.UTF8);
        to.Write(Version);
        switch (message.Content)
        {
            case Bid m:
                Begin(to, Kind.Bid, message, m.Epoch);
                to.Write(m.Bidder);
                break;
            case AppendEntries m:
                Begin(to, Kind.Append, message, m.Epoch);
                to.Write(m.LogStart);
                Write(to, m.Previous);
                Write(to, m.Entries);
                break;
            case Rebase m:
                Begin(to, Kind.Rebase, message, m.Epoch);
                Write(to, m.Base);
                Write(to, m.Members);
                break;
            case AskVoters m:
                Begin(to, Kind.AskVoters, message, m.Epoch);
                break;
            case VotersKnown m:
                Begin(to, Kind.VotersKnown, message, m.Epoch);
                Write(to, m.Members);
                foreach (var address in m.Addresses) to.Write(address);
                break;
            case ReadEntries m:
                Begin(to, Kind.ReadEntries, message, m.Epoch);
                to.Write(m.To.Value);
                Write(to, m.From);
                to.Write(m.Through);
                break;
            case ReadIndex m:
                Begin(to, Kind.ReadIndex, message, m.Epoch);
                break;
            case EntriesRead m:
                Begin(to, Kind.EntriesRead, message, m.Epoch);
                to.Write(m.To.Value);
                Write(to, m.From);
                Write(to, m.Start);
                Write(to, m.Members);
                Write(to, m.Entries.IsEmpty ? m.From : m.Entries[0].Previous);
                Write(to, m.Entries);
                break;
            case IndexRead m:
                Begin(to, Kind.IndexRead, message, m.Epoch);
                m.Index.Write(to);
                break;
            case VoterReply m:
                EncodeReply(to, message, m);
                break;
            default:
                throw new ArgumentException($"{message.Content.GetType().Name} is no voter's message");
        }

        to.Flush();
        return bytes.ToArray();
    }

    /// <exception cref="IOException">It is damaged, or a newer release sent it.</exception>
    public static VoterMessage Decode(byte[] bytes)
    {
        using var from = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        try
        {
            var version = from.ReadByte();
            if (version != Version) throw new IOException($"A voter's message has version {version}; this release knows {Version}: a newer release sent it.");
            var kind = (Kind)from.ReadByte();
            var persistenceId = from.ReadString();
            var epoch = new LeaderEpoch(from.ReadInt32());
            return new VoterMessage(persistenceId, DecodeContent(from, kind, epoch));
        }
        catch (Exception damage) when (damage is InvalidDataException or FormatException)
        {
            throw new IOException("A voter's message is damaged.", damage);
        }
    }

    private static void EncodeReply(BinaryWriter to, VoterMessage message, VoterReply reply)
    {
        var kind = reply switch
        {
            Granted => Kind.Granted,
            Refused => Kind.Refused,
            Appended => Kind.Appended,
            _ => Kind.Mismatched,
        };
        Begin(to, kind, message, reply.Epoch);
        to.Write(reply.From.Broker.Value);
        to.Write(reply.From.Disk.Value.ToByteArray());
        switch (reply)
        {
            case Granted m:
                Write(to, m.Last);
                Write(to, m.Members);
                to.Write(m.LogStart);
                break;
            case Refused m:
                to.Write(m.Promised.Value);
                break;
            case Appended m:
                Write(to, m.Through);
                to.Write(m.LogStart);
                break;
            case Mismatched m:
                Write(to, m.Floor);
                break;
        }
    }

    private static object DecodeContent(BinaryReader from, Kind kind, LeaderEpoch epoch)
    {
        switch (kind)
        {
            case Kind.Bid:
                return new Bid(epoch, from.ReadInt64());
            case Kind.Append:
                var logStart = from.ReadInt64();
                var previous = ReadId(from);
                return new AppendEntries(epoch, previous, ReadBatches(from, previous), logStart);
            case Kind.Rebase:
                return new Rebase(epoch, ReadId(from), ReadMembers(from));
            case Kind.AskVoters:
                return new AskVoters(epoch);
            case Kind.VotersKnown:
                var members = ReadMembers(from);
                if (members.IsDefault) throw new InvalidDataException("voters without members");
                return new VotersKnown(epoch, members, [.. members.Select(_ => from.ReadString())]);
            case Kind.ReadEntries:
                return new ReadEntries(epoch, new BrokerId(from.ReadInt32()), ReadId(from), from.ReadInt64());
            case Kind.ReadIndex:
                return new ReadIndex(epoch);
            case Kind.EntriesRead:
                var (to, behind, start, startMembers) = (new BrokerId(from.ReadInt32()), ReadId(from), ReadId(from), ReadMembers(from));
                return new EntriesRead(epoch, to, behind, ReadBatches(from, ReadId(from)), start, startMembers);
            case Kind.IndexRead:
                return new IndexRead(epoch, LogIndexState.Read(from));
        }

        var self = new Member(new BrokerId(from.ReadInt32()), new DirectoryId(new Guid(ReadBytes(from, 16))));
        return kind switch
        {
            Kind.Granted => new Granted(self, epoch, ReadId(from), ReadMembers(from), from.ReadInt64()),
            Kind.Refused => new Refused(self, epoch, new LeaderEpoch(from.ReadInt32())),
            Kind.Appended => new Appended(self, epoch, ReadId(from), from.ReadInt64()),
            Kind.Mismatched => new Mismatched(self, epoch, ReadId(from)),
            _ => throw new IOException($"A voter's message has the unknown kind {(byte)kind}: a newer release sent it."),
        };
    }

    private static void Begin(BinaryWriter to, Kind kind, VoterMessage message, LeaderEpoch epoch)
    {
        to.Write((byte)kind);
        to.Write(message.PersistenceId);
        to.Write(epoch.Value);
    }

    private static void Write(BinaryWriter to, EntryId id)
    {
        to.Write(id.Epoch.Value);
        to.Write(id.Sequence);
    }

    private static void Write(BinaryWriter to, ImmutableArray<QuorumEntry> entries)
    {
        to.Write(entries.Sum(entry => entry.Batch.Length));
        foreach (var entry in entries)
            to.Write(entry.Batch.Span);
    }

    private static void Write(BinaryWriter to, ImmutableArray<Member> members)
    {
        var bytes = members.IsDefault ? [] : MembersCodec.Encode(members);
        to.Write(members.IsDefault ? -1 : bytes.Length);
        to.Write(bytes);
    }

    private static EntryId ReadId(BinaryReader from) => new(new LeaderEpoch(from.ReadInt32()), from.ReadInt64());

    private static ImmutableArray<QuorumEntry> ReadBatches(BinaryReader from, EntryId previous) =>
        VoterStore.Parse(previous, ReadBytes(from, from.ReadInt32()));

    private static ImmutableArray<Member> ReadMembers(BinaryReader from)
    {
        var length = from.ReadInt32();
        return length == -1 ? default : MembersCodec.Decode(ReadBytes(from, length));
    }

    private static byte[] ReadBytes(BinaryReader from, int length)
    {
        var left = from.BaseStream.Length - from.BaseStream.Position;
        if (length < 0 || length > left) throw new InvalidDataException($"{length} bytes are announced, {left} are left");
        return from.ReadBytes(length);
    }
}
