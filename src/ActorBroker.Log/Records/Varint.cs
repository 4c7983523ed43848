namespace ActorBroker.Log;

/// <summary>Zig-zag variable-length integers as in records: 7 bits a byte, lowest first, at most 5 (int) or 10 (long) bytes.</summary>
public static class Varint
{
    public static int SizeOf(int value) => SizeOfUnsigned((uint)((value << 1) ^ (value >> 31)));

    public static int SizeOf(long value)
    {
        var v = (ulong)((value << 1) ^ (value >> 63));
        var bits = 64 - System.Numerics.BitOperations.LeadingZeroCount(v | 1);
        return (bits + 6) / 7;
    }

    private static int SizeOfUnsigned(uint v)
    {
        var bits = 32 - System.Numerics.BitOperations.LeadingZeroCount(v | 1);
        return (bits + 6) / 7;
    }

    /// <summary>Writes and returns the count of bytes written.</summary>
    public static int Write(Span<byte> target, int value)
    {
        var v = (uint)((value << 1) ^ (value >> 31));
        var n = 0;
        while (v >= 0x80)
        {
            target[n++] = (byte)(v | 0x80);
            v >>= 7;
        }

        target[n++] = (byte)v;
        return n;
    }

    /// <summary>Writes and returns the count of bytes written.</summary>
    public static int Write(Span<byte> target, long value)
    {
        var v = (ulong)((value << 1) ^ (value >> 63));
        var n = 0;
        while (v >= 0x80)
        {
            target[n++] = (byte)(v | 0x80);
            v >>= 7;
        }

        target[n++] = (byte)v;
        return n;
    }

    /// <summary>Reads at <paramref name="position"/> and moves it on; false when the bytes end early or the number is too long.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, ref int position, out int value)
    {
        value = 0;
        uint v = 0;
        var at = position;
        for (var shift = 0; shift < 35; shift += 7)
        {
            if ((uint)at >= (uint)source.Length)
                return false;
            var b = source[at++];
            if (shift == 28 && b > 0x0f)
                return false;
            v |= (uint)(b & 0x7f) << shift;
            if (b < 0x80)
            {
                position = at;
                value = (int)(v >> 1) ^ -(int)(v & 1);
                return true;
            }
        }

        return false;
    }

    /// <summary>Reads at <paramref name="position"/> and moves it on; false when the bytes end early or the number is too long.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, ref int position, out long value)
    {
        value = 0;
        ulong v = 0;
        var at = position;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if ((uint)at >= (uint)source.Length)
                return false;
            var b = source[at++];
            if (shift == 63 && b > 0x01)
                return false;
            v |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
            {
                position = at;
                value = (long)(v >> 1) ^ -(long)(v & 1);
                return true;
            }
        }

        return false;
    }
}
