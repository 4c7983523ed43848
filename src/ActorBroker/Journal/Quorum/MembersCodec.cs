using System.Buffers.Binary;
using System.Collections.Immutable;
using ActorBroker.Log;

namespace ActorBroker.Journal.Quorum;

/// <summary>
/// Who counts, as bytes (big endian): version u8 = 1, count u8, then for each its broker id i32 and its disk's id, 16 bytes.
/// In the log it is the value of the only record of a control batch.
/// </summary>
internal static class MembersCodec
{
    private const byte Version = 1;
    private const int MemberSize = 20;

    public const int MaxSize = 2 + (byte.MaxValue * MemberSize);

    public static byte[] Encode(ImmutableArray<Member> members)
    {
        var bytes = new byte[2 + (members.Length * MemberSize)];
        (bytes[0], bytes[1]) = (Version, checked((byte)members.Length));
        for (var i = 0; i < members.Length; i++)
        {
            var at = bytes.AsSpan(2 + (i * MemberSize), MemberSize);
            BinaryPrimitives.WriteInt32BigEndian(at, members[i].Broker.Value);
            members[i].Disk.Value.TryWriteBytes(at[4..], bigEndian: true, out _);
        }

        return bytes;
    }

    /// <exception cref="InvalidDataException">It is damaged, or a newer release wrote it.</exception>
    public static ImmutableArray<Member> Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > 0 && bytes[0] != Version)
            throw new InvalidDataException($"A quorum entry has version {bytes[0]}; this release knows {Version}: a newer release wrote it.");
        if (bytes.Length < 2 || bytes.Length != 2 + (bytes[1] * MemberSize))
            throw new InvalidDataException("A quorum entry's length does not fit its count of members.");
        var members = ImmutableArray.CreateBuilder<Member>(bytes[1]);
        for (var at = bytes[2..]; !at.IsEmpty; at = at[MemberSize..])
            members.Add(new Member(new BrokerId(BinaryPrimitives.ReadInt32BigEndian(at)), new DirectoryId(new Guid(at[4..MemberSize], bigEndian: true))));
        return members.MoveToImmutable();
    }
}
