using System.Text;
using Akka.Configuration;

namespace Akka.Embedded.Tests.Configuration;

// Scenario: arbitrary text, and sound text with some characters changed. It parses, or a ConfigurationException says why not;
// what parses can be written, read again, walked and queried.
public sealed class HoconFuzzTests
{
    private const string Alphabet = "ab.{}[]=:+,\"\\$?#/ \n\t1e-\r\u00e9";

    private static readonly string[] Pieces =
        ["a", "b", "a.b", " = ", " : ", " += ", "{", "}", "[", "]", ",", "\n", "${a}", "${?b}", "${a.b}", "${?a.b}", "\"x\"", "\"\"\"y\"\"\"", "1", " ", "# c\n", "include ", "null"];

    private const string Sound = """"
        akka { loglevel = "INFO", actor { provider = remote
            deployment { "/a b/*" { router = x, nr = 5 } } } }
        list = [1, 2, {a = b}, "c d"] [3]
        base { x = 1, y = ${list} }
        derived = ${base} { y = 2 }, derived.z += 3
        p = a${?HOME}"b" # comment
        p = ${p}c
        text = """raw \ text"""
        """";

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Random_characters(int seed) => Run(seed, 20_000, random => Text(random, 60, r => Alphabet[r.Next(Alphabet.Length)].ToString()));

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Random_pieces(int seed) => Run(seed, 20_000, random => Text(random, 40, r => Pieces[r.Next(Pieces.Length)]));

    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    public void Mutated_sound_text(int seed) => Run(seed, 10_000, random =>
    {
        var text = new StringBuilder(Sound);
        for (var i = random.Next(1, 5); i > 0; i--)
        {
            var at = random.Next(text.Length);
            switch (random.Next(3))
            {
                case 0: text.Remove(at, Math.Min(random.Next(1, 4), text.Length - at)); break;
                case 1: text[at] = Alphabet[random.Next(Alphabet.Length)]; break;
                default: text.Insert(at, Pieces[random.Next(Pieces.Length)]); break;
            }
        }
        return text.ToString();
    });

    [Fact]
    public void The_sound_text_is_sound() => Assert.Equal(3, ConfigurationFactory.ParseString(Sound).GetIntList("derived.z").Single());

    private static string Text(Random random, int most, Func<Random, string> next)
    {
        var text = new StringBuilder();
        for (var n = random.Next(most); n > 0; n--)
            text.Append(next(random));
        return text.ToString();
    }

    private static void Run(int seed, int rounds, Func<Random, string> make)
    {
        var random = new Random(seed);
        var parsed = 0;
        for (var i = 0; i < rounds; i++)
        {
            var text = make(random);
            try
            {
                var config = ConfigurationFactory.ParseString(text);
                var written = config.ToString();
                Assert.Equal(written, ConfigurationFactory.ParseString(written).ToString());
                _ = config.WithFallback(ConfigurationFactory.ParseString("a { b { c = 1 } }")).GetStringList("a.b.c");
                parsed++;
            }
            catch (ConfigurationException)
            {
                // The other allowed outcome.
            }
            catch (Exception e)
            {
                Assert.Fail($"Seed {seed}, round {i}: {e}\n{text}");
            }
        }
        Assert.True(parsed > rounds / 100, $"Only {parsed} of {rounds} parsed: the generator tests nothing but errors.");
    }
}
