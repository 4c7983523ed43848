using System.Buffers.Binary;
using System.Numerics;

namespace ActorBroker.Log;

/// <summary>
/// SipHash-2-4 with 128 bits (Aumasson and Bernstein): whoever does not know the secret can't make two inputs collide, and by chance
/// it takes about 2^64 of them.
/// </summary>
internal readonly struct SipHash(ulong secret0, ulong secret1)
{
    /// <param name="secret">16 bytes that nobody outside can guess.</param>
    public static SipHash Of(Guid secret)
    {
        Span<byte> bytes = stackalloc byte[16];
        secret.TryWriteBytes(bytes);
        return new SipHash(BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));
    }

    public (ulong First, ulong Second) Hash(ReadOnlySpan<byte> input)
    {
        var state = new State(secret0, secret1);
        var rest = input;
        for (; rest.Length >= sizeof(ulong); rest = rest[sizeof(ulong)..])
            state.Take(BinaryPrimitives.ReadUInt64LittleEndian(rest));
        var last = (ulong)input.Length << 56;
        for (var i = 0; i < rest.Length; i++)
            last |= (ulong)rest[i] << (8 * i);
        state.Take(last);
        return (state.Finish(0, 0xee), state.Finish(0xdd, 0));
    }

    private ref struct State(ulong secret0, ulong secret1)
    {
        // "somepseudorandomlygeneratedbytes", and what tells the 128-bit form from the 64-bit one.
        private ulong _a = secret0 ^ 0x736f6d6570736575;
        private ulong _b = secret1 ^ 0x646f72616e646f6d ^ 0xee;
        private ulong _c = secret0 ^ 0x6c7967656e657261;
        private ulong _d = secret1 ^ 0x7465646279746573;

        public void Take(ulong word)
        {
            _d ^= word;
            Round();
            Round();
            _a ^= word;
        }

        public ulong Finish(ulong markB, ulong markC)
        {
            _b ^= markB;
            _c ^= markC;
            for (var i = 0; i < 4; i++)
                Round();
            return _a ^ _b ^ _c ^ _d;
        }

        private void Round()
        {
            _a += _b;
            _c += _d;
            _b = BitOperations.RotateLeft(_b, 13) ^ _a;
            _d = BitOperations.RotateLeft(_d, 16) ^ _c;
            _a = BitOperations.RotateLeft(_a, 32);
            _c += _b;
            _a += _d;
            _b = BitOperations.RotateLeft(_b, 17) ^ _c;
            _d = BitOperations.RotateLeft(_d, 21) ^ _a;
            _c = BitOperations.RotateLeft(_c, 32);
        }
    }
}
