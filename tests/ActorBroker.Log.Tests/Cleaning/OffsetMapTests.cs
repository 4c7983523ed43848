using System.Globalization;

namespace ActorBroker.Log.Tests.Cleaning;

/// <summary>The map of keys is a dictionary that stops taking keys when its memory is used up, and its hash is SipHash.</summary>
public sealed class OffsetMapTests
{
    /// <summary>From the reference implementation's vectors: the secret is 00 01 .. 0f, the input 00 01 .. of this length.</summary>
    [Theory]
    [InlineData(0, "a3817f04ba25a8e66df67214c7550293")]
    [InlineData(1, "da87c1d86b99af44347659119b22fc45")]
    [InlineData(2, "8177228da4a45dc7fca38bdef60affe4")]
    public void The_hash_is_SipHash_2_4_of_128_bits(int length, string expected)
    {
        byte[] Count(int n) => [.. Enumerable.Range(0, n).Select(i => (byte)i)];
        var (first, second) = SipHash.Of(new Guid(Count(16))).Hash(Count(length));
        Assert.Equal(expected, Convert.ToHexStringLower([.. BitConverter.GetBytes(first), .. BitConverter.GetBytes(second)]));
    }

    [Fact]
    public void It_keeps_the_newest_offset_of_each_key_and_refuses_new_keys_when_it_is_full()
    {
        var random = new Random(1);
        var map = new OffsetMap(OffsetMap.BytesPerPlace * 1000, long.MaxValue, SipHash.Of(CleaningHarness.Secret));
        var model = new Dictionary<string, Offset>();
        Assert.Equal(24_000, map.SizeInBytes);
        for (var i = 0; i < 5000; i++)
        {
            var key = random.Next(1200).ToString(CultureInfo.InvariantCulture);
            var fits = model.ContainsKey(key) || model.Count < 900;
            Assert.Equal(fits, map.TryPut(Bytes(key), new Offset(i)));
            if (fits)
                model[key] = new Offset(i);
        }

        Assert.Equal((900, 900), (map.Keys, model.Count));
        for (var i = 0; i < 1200; i++)
        {
            var key = i.ToString(CultureInfo.InvariantCulture);
            Assert.Equal(model.GetValueOrDefault(key, Offset.None), map.NewestOf(Bytes(key)));
        }
    }

    [Theory]
    [InlineData(0, 1, 1)]
    [InlineData(long.MaxValue, 5, 5)]
    [InlineData(1 << 20, 1_000_000_000, 39_321)]
    public void It_takes_no_more_memory_than_its_keys_need_or_it_may_have(long maxBytes, long maxKeys, int fits)
    {
        var map = new OffsetMap(maxBytes, maxKeys, SipHash.Of(CleaningHarness.Secret));
        var taken = 0;
        while (taken < 100_000 && map.TryPut(BitConverter.GetBytes(taken), new Offset(taken)))
            taken++;
        Assert.Equal(fits, taken);
        Assert.True(map.SizeInBytes <= Math.Max(2 * OffsetMap.BytesPerPlace, maxBytes));
    }

    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);
}
