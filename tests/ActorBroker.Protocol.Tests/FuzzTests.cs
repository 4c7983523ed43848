using ActorBroker.Protocol.Tests.Golden;

namespace ActorBroker.Protocol.Tests;

/// <summary>
/// Scenario: bytes that no honest peer sends. The decoder either reads a message or throws ProtocolException, and what it
/// allocates is bounded by what it was given.
/// </summary>
public class FuzzTests
{
    /// <summary>A structure of three bytes on the wire takes about 60 in memory, and a string of one byte 32.</summary>
    private const int MaxAmplification = 32;

    /// <summary>An exception with its message and stack trace.</summary>
    private const int Fixed = 32 * 1024;

    private const int RandomRounds = 60;
    private const int MutationRounds = 60;

    public static TheoryData<string> Messages => [.. GoldenFile.MessageNames];

    [Theory]
    [MemberData(nameof(Messages))]
    public void Random_bytes_give_a_message_or_a_protocol_error(string message)
    {
        foreach (var line in GoldenFile.Of(message).Where(l => l.Variant == "full"))
        {
            for (var seed = 1; seed <= RandomRounds; seed++)
            {
                var random = new Random(seed);
                var bytes = new byte[seed == 1 ? 100_000 : random.Next(400)];
                if (seed % 3 == 0)
                    FillSmall(random, bytes);
                else
                    random.NextBytes(bytes);
                Decode(line, bytes, seed);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void Mutated_messages_give_a_message_or_a_protocol_error(string message)
    {
        foreach (var line in GoldenFile.Of(message).Where(l => l.Bytes.Length > 0))
        {
            for (var seed = 1; seed <= MutationRounds; seed++)
                Decode(line, Mutate(line.Bytes, new Random(seed)), seed);
        }
    }

    [Fact]
    public void Random_headers_give_a_header_or_a_protocol_error()
    {
        for (var seed = 1; seed <= 3000; seed++)
        {
            var random = new Random(seed);
            var bytes = new byte[random.Next(40)];
            random.NextBytes(bytes);
            if (seed % 2 == 0)
                bytes.AsSpan(0, Math.Min(3, bytes.Length)).Clear(); // a known key, an early version
            try
            {
                var reader = new ProtocolReader(bytes);
                RequestHeader.Read(ref reader);
            }
            catch (ProtocolException e)
            {
                Assert.Equal(ProtocolFault.Malformed, e.Fault);
            }
        }
    }

    private static void Decode(GoldenLine line, byte[] bytes, int seed)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            line.Read(bytes);
        }
        catch (ProtocolException)
        {
            // One of the two outcomes allowed.
        }
        catch (Exception e)
        {
            Assert.Fail($"{line}, seed {seed}: {e}");
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated <= ((long)bytes.Length * MaxAmplification) + Fixed, $"{line}, seed {seed}: {allocated} bytes for {bytes.Length}");
    }

    /// <summary>Small numbers are plausible lengths: they get further into the decoder than random ones.</summary>
    private static void FillSmall(Random random, byte[] bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)(random.Next(4) == 0 ? random.Next(6) : 0);
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        var bytes = original.ToArray();
        for (var edits = random.Next(1, 4); edits > 0 && bytes.Length > 0; edits--)
        {
            var at = random.Next(bytes.Length);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2: // a huge length
                    bytes.AsSpan(at, Math.Min(random.Next(1, 6), bytes.Length - at)).Fill(random.Next(2) == 0 ? (byte)0xff : (byte)0x7f);
                    break;
                case 3:
                    bytes = bytes[..at];
                    break;
                default: // one part twice
                    bytes = [.. bytes[..at], .. bytes[(at / 2)..]];
                    break;
            }
        }

        return bytes;
    }
}
