using Akka.Configuration;

namespace Akka.TestKit;

/// <summary>The keys under <c>akka.test</c>.</summary>
public class TestKitSettings
{
    public TestKitSettings(Config config)
    {
        var test = config.GetConfig("akka.test") ?? throw new ConfigurationException("There is no configuration at 'akka.test'.");
        DefaultTimeout = test.GetTimeSpan("default-timeout", null, allowInfinite: false);
        SingleExpectDefault = test.GetTimeSpan("single-expect-default", null, allowInfinite: false);
        TestEventFilterLeeway = test.GetTimeSpan("filter-leeway", null, allowInfinite: false);
        TestTimeFactor = test.GetDouble("timefactor");
        if (TestTimeFactor <= 0)
            throw new ConfigurationException($"akka.test.timefactor must be positive, but is {TestTimeFactor}.");
    }

    public TimeSpan DefaultTimeout { get; }

    public TimeSpan SingleExpectDefault { get; }

    public TimeSpan TestEventFilterLeeway { get; }

    public double TestTimeFactor { get; }
}
