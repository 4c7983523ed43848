using System.Text;

namespace ActorBroker.Client.Tests.Producing;

/// <summary>Every key must go to the partition that Kafka's own client (4.3.1, <c>Utils.murmur2</c>) chooses; the figures are its.</summary>
public class Murmur2Tests
{
    [Theory]
    [InlineData("", 275646681, 1, 2, 681)]
    [InlineData("a", -1563381124, 0, 5, 524)]
    [InlineData("ab", 316155434, 2, 0, 434)]
    [InlineData("abc", 479470107, 3, 4, 107)]
    [InlineData("abcd", -1323649548, 0, 5, 100)]
    [InlineData("abcde", 461995741, 1, 4, 741)]
    [InlineData("21", -973932308, 0, 3, 340)]
    [InlineData("foobar", -790332482, 2, 0, 166)]
    [InlineData("a-little-bit-long-string", -985981536, 0, 1, 112)]
    [InlineData("a-little-bit-longer-string", -1486304829, 3, 0, 819)]
    [InlineData("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971, 1, 3, 677)]
    [InlineData("JFK", 531569365, 1, 5, 365)]
    [InlineData("ATL", -1647261917, 3, 2, 731)]
    [InlineData("ORD", 1930652851, 3, 1, 851)]
    [InlineData("Zürich", -1551140815, 1, 2, 833)]
    [InlineData("北京首都国际机场", 661154705, 1, 1, 705)]
    [InlineData("key-000001", -1661867451, 1, 3, 197)]
    public void Texts_hash_as_in_Kafka(string key, int hash, int of4, int of7, int of1000) =>
        Check(Encoding.UTF8.GetBytes(key), hash, of4, of7, of1000);

    [Theory]
    [InlineData("00", 375494588, 0, 0, 588)]
    [InlineData("FF", -311467685, 3, 5, 963)]
    [InlineData("80000000", -65415266, 2, 2, 382)]
    [InlineData("FFFEFDFCFB8081", 2012422948, 0, 4, 948)]
    [InlineData("0000000000000000", -522759933, 3, 6, 715)]
    public void Bytes_hash_as_in_Kafka(string hex, int hash, int of4, int of7, int of1000) =>
        Check(Convert.FromHexString(hex), hash, of4, of7, of1000);

    [Fact]
    public void Every_length_up_to_255_hashes_as_in_Kafka()
    {
        long sum = 0;
        for (var n = 0; n < 256; n++)
        {
            var key = new byte[n];
            for (var i = 0; i < n; i++)
                key[i] = (byte)((i * 31) + n);
            sum = unchecked((sum * 1000003) + Murmur2.Hash(key));
        }

        Assert.Equal(416495320802999877, sum);
    }

    private static void Check(byte[] key, int hash, int of4, int of7, int of1000)
    {
        Assert.Equal(hash, Murmur2.Hash(key));
        Assert.Equal(of4, Murmur2.Partition(key, 4));
        Assert.Equal(of7, Murmur2.Partition(key, 7));
        Assert.Equal(of1000, Murmur2.Partition(key, 1000));
    }
}
