using System.Collections.Immutable;
using ActorBroker.Journal.Quorum;
using ActorBroker.Log;
using ActorBroker.Pieces;
using Akka.Actor;

namespace ActorBroker.Tests.Journal;

/// <summary>What voters send each other, as bytes, whole and damaged.</summary>
public sealed class QuorumCodecTests
{
    private static readonly Member Self = new(new BrokerId(3), new DirectoryId(new Guid(1, 2, 3, new byte[8])));

    private static readonly EntryId Last = new(new LeaderEpoch(6), 42);

    private static object[] Contents =>
    [
        new Bid(new LeaderEpoch(7), 11),
        new AppendEntries(new LeaderEpoch(7), Last, [], 5),
        new ReadEntries(new LeaderEpoch(7), new BrokerId(2), Last, 99),
        new ReadIndex(new LeaderEpoch(7)),
        new AskVoters(new LeaderEpoch(7)),
        new Granted(Self, new LeaderEpoch(7), Last, default, 5),
        new Refused(Self, new LeaderEpoch(7), new LeaderEpoch(8)),
        new Appended(Self, new LeaderEpoch(7), Last, 5),
        new Mismatched(Self, new LeaderEpoch(7), Last),
    ];

    [Fact]
    public void Messages_come_back_as_they_were()
    {
        foreach (var content in Contents)
        {
            var back = VoterCodec.Decode(VoterCodec.Encode(new VoterMessage("é/controller", content)));
            Assert.Equal("é/controller", back.PersistenceId);
            if (content is AppendEntries append) Assert.Equal((append.Previous, append.LogStart), (Assert.IsType<AppendEntries>(back.Content).Previous, ((AppendEntries)back.Content).LogStart));
            else Assert.Equal(content, back.Content);
        }
    }

    [Fact]
    public void An_index_comes_back_with_its_epochs_and_members()
    {
        ImmutableArray<Member> members = [Self];
        var index = new LogIndexState();
        index.Apply(new QuorumEntry(EntryId.Zero, new EntryId(new LeaderEpoch(1), 2), default, members));
        index.Apply(new QuorumEntry(index.Last, Last, default, default));
        var back = Assert.IsType<IndexRead>(VoterCodec.Decode(VoterCodec.Encode(new VoterMessage("a", new IndexRead(new LeaderEpoch(7), index)))).Content).Index;
        Assert.Equal(Last, back.Last);
        Assert.True(back.Contains(new EntryId(new LeaderEpoch(1), 2)));
        Assert.Equal(Self, Assert.Single(back.Members));
    }

    // Cut anywhere, and with any one byte changed: an answer or a typed refusal.
    [Fact]
    public void Damage_is_refused()
    {
        foreach (var content in Contents)
        {
            var bytes = VoterCodec.Encode(new VoterMessage("controller", content));
            for (var end = 0; end < bytes.Length; end++)
                Assert.ThrowsAny<IOException>(() => VoterCodec.Decode(bytes[..end]));
            for (var at = 0; at < bytes.Length; at++)
            {
                var damaged = (byte[])bytes.Clone();
                damaged[at] ^= 0xFF;
                if (Xunit.Record.Exception(() => VoterCodec.Decode(damaged)) is { } refusal) Assert.IsAssignableFrom<IOException>(refusal);
            }
        }
    }

    // A message of three pieces: with one of them lost it does not arrive, sent again it does.
    [Fact]
    public void A_message_in_pieces_is_put_together_or_dropped()
    {
        var persistenceId = new string('p', (2 * Piece.MaxSize) + 1);
        var pieces = new List<VoterFrame>();
        for (var number = 1; number <= 2; number++)
            VoterFrame.Send(new VoterMessage(persistenceId, new Bid(new LeaderEpoch(1), 11)), new BrokerId(1), number, pieces.Add);
        Assert.Equal(6, pieces.Count);
        pieces.RemoveAt(1);
        var reader = new VoterFrameReader();
        var arrived = pieces.Select(piece => reader.OnFrame(piece, ActorRefs.Nobody)).Where(message => message is not null).ToArray();
        Assert.Equal(persistenceId, Assert.Single(arrived)!.PersistenceId);
    }
}
