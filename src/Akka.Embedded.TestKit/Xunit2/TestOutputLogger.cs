using Akka.Actor;
using Akka.Event;
using Xunit.Abstractions;

namespace Akka.TestKit.Xunit2;

/// <summary>Writes log events to the output of the running test.</summary>
internal sealed class TestOutputLogger : ReceiveActor
{
    public TestOutputLogger(ITestOutputHelper output)
    {
        Receive<LogEvent>(e => Write(output, e));
        Receive<InitializeLogger>(init =>
        {
            init.LoggingBus.Subscribe(Self, typeof(LogEvent));
            Sender.Tell(new LoggerInitialized());
        });
    }

    private static void Write(ITestOutputHelper output, LogEvent e)
    {
        try
        {
            output.WriteLine(e.ToString());
        }
        catch (InvalidOperationException)
        {
            // xunit takes no output once the test has ended; actors may still stop then.
        }
    }
}
