using Akka.Actor;

namespace ActorBroker.Pieces;

/// <summary>Puts messages together again: of each sender one at a time, whose pieces come in order or not at all.</summary>
internal sealed class PieceReader
{
    private const int MaxPartial = 16;

    private readonly Dictionary<IActorRef, (long Number, int End, byte[] Bytes)> _partial = [];

    /// <summary>The message that this piece completes, or null.</summary>
    public byte[]? On(Piece piece, IActorRef sender)
    {
        if (piece.At == 0)
        {
            if (piece.Bytes.Length == piece.Total) return piece.Bytes.ToArray();
            // Left behind by senders that are gone; one that is not sends again.
            if (_partial.Count >= MaxPartial) _partial.Clear();
            _partial[sender] = (piece.Number, 0, new byte[piece.Total]);
        }

        // A piece was lost: the whole will be sent again.
        if (!_partial.TryGetValue(sender, out var partial) || partial.Number != piece.Number || partial.End != piece.At || partial.Bytes.Length != piece.Total) return null;
        piece.Bytes.CopyTo(partial.Bytes.AsMemory(piece.At));
        var end = piece.At + piece.Bytes.Length;
        if (end < piece.Total)
        {
            _partial[sender] = partial with { End = end };
            return null;
        }

        _partial.Remove(sender);
        return partial.Bytes;
    }
}
