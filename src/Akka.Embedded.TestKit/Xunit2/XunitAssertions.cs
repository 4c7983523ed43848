using Xunit;

namespace Akka.TestKit.Xunit2;

/// <summary>Failures as xunit reports them.</summary>
public class XunitAssertions : ITestKitAssertions
{
    public void Fail(string format = "", params object[] args) => Xunit.Assert.Fail(Format(format, args));

    public void AssertTrue(bool condition, string format = "", params object[] args)
    {
        if (!condition)
            Fail(format, args);
    }

    public void AssertFalse(bool condition, string format = "", params object[] args)
    {
        if (condition)
            Fail(format, args);
    }

    public void AssertEqual<T>(T expected, T actual, string format = "", params object[] args) => Xunit.Assert.Equal(expected, actual);

    public void AssertEqual<T>(T expected, T actual, Func<T, T, bool> comparer, string format = "", params object[] args)
    {
        if (!comparer(expected, actual))
            Fail("Expected {0}, but received {1}. {2}", expected!, actual!, Format(format, args));
    }

    private static string Format(string format, object[] args) => args is { Length: > 0 } ? string.Format(format, args) : format;
}
