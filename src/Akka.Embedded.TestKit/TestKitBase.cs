// As in the official API, optional arguments are null and what is returned may be whatever was sent.
#nullable disable annotations
using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.TestKit.Internal;

namespace Akka.TestKit;

/// <summary>
/// An actor system, an actor in it that queues what it receives, and expectations about that queue. Timeouts are multiplied by
/// <c>akka.test.timefactor</c>; inside <see cref="Within(TimeSpan, Action, TimeSpan?, CancellationToken)"/> they default to what remains of it.
/// </summary>
public abstract partial class TestKitBase : IActorRefFactory
{
    private static int s_testActors;

    private readonly ITestKitAssertions _assertions;
    private readonly MessageQueue _queue = new();
    private MessageEnvelope _last = NullMessageEnvelope.Instance;
    // When the innermost Within ends.
    private TimeSpan? _end;
    // A Within that ends with a wait for silence takes its full time by design.
    private bool _lastWasSilence;

    protected TestKitBase(ITestKitAssertions assertions, ActorSystem system = null, string testActorName = null)
        : this(assertions, system, null, null, testActorName) { }

    protected TestKitBase(ITestKitAssertions assertions, Config config, string actorSystemName = null, string testActorName = null)
        : this(assertions, null, config, actorSystemName, testActorName) { }

    private TestKitBase(ITestKitAssertions assertions, ActorSystem system, Config config, string actorSystemName, string testActorName)
    {
        _assertions = assertions ?? throw new ArgumentNullException(nameof(assertions));
        Sys = system ?? ActorSystem.Create(actorSystemName ?? "test", config.SafeWithFallback(DefaultConfig));
        TestKitSettings = new TestKitSettings(Sys.Settings.Config.WithFallback(DefaultConfig));
        Log = Logging.GetLogger(Sys, GetType());
        EventFilter = new EventFilterFactory(this, Sys);
        TestActor = CreateTestActor(testActorName ?? "testActor" + Interlocked.Increment(ref s_testActors));
        // Once it answers it has a cell.
        AskTestActor(new InternalTestActor.UnwatchIt(ActorRefs.Nobody)).GetAwaiter().GetResult();
        if (this is not TestProbe)
            ImplicitSenderContext.Install(this is INoImplicitSender ? null : ((ActorRefWithCell)TestActor).Underlying as ActorCell);
    }

    /// <summary>The defaults of the TestKit.</summary>
    public static Config DefaultConfig { get; } = ConfigurationFactory.FromResource("testkit.conf", typeof(TestKitBase).Assembly);

    /// <summary>Logs everything the engine can log about actors.</summary>
    public static Config FullDebugConfig { get; } = ConfigurationFactory.ParseString(
        "akka { loglevel = DEBUG, actor.debug { receive = on, autoreceive = on, lifecycle = on, event-stream = on, unhandled = on, fsm = on } }");

    /// <summary>Time by a clock that never jumps.</summary>
    public static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    public ActorSystem Sys { get; }

    public TestKitSettings TestKitSettings { get; }

    public ILoggingAdapter Log { get; }

    public IActorRef TestActor { get; }

    public EventFilterFactory EventFilter { get; }

    public EventFilterFactory CreateEventFilter(ActorSystem system) => new(this, system);

    /// <summary>The message taken last.</summary>
    public object LastMessage => _last.Message;

    public IActorRef LastSender => _last.Sender;

    public bool HasMessages => _queue.HasMessages;

    internal ITestKitAssertions Assert => _assertions;

    /// <summary>From now on the test actor drops what the predicate accepts.</summary>
    public void IgnoreMessages(Func<object, bool> shouldIgnoreMessage) => TestActor.Tell(new InternalTestActor.SetIgnore(shouldIgnoreMessage), ActorRefs.NoSender);

    public void IgnoreMessages<TMsg>(Func<TMsg, bool> shouldIgnoreMessage) => IgnoreMessages(m => m is TMsg t && shouldIgnoreMessage(t));

    public void IgnoreMessages<TMsg>() => IgnoreMessages(static m => m is TMsg);

    public void IgnoreNoMessages() => TestActor.Tell(new InternalTestActor.SetIgnore(null), ActorRefs.NoSender);

    public void SetAutoPilot(AutoPilot pilot) => TestActor.Tell(new InternalTestActor.SetAutoPilot(pilot), ActorRefs.NoSender);

    /// <summary>The test actor watches from the moment this returns.</summary>
    public IActorRef Watch(IActorRef actorToWatch)
    {
        AskTestActor(new InternalTestActor.WatchIt(actorToWatch)).GetAwaiter().GetResult();
        return actorToWatch;
    }

    public async Task<IActorRef> WatchAsync(IActorRef actorToWatch)
    {
        await AskTestActor(new InternalTestActor.WatchIt(actorToWatch)).ConfigureAwait(false);
        return actorToWatch;
    }

    public IActorRef Unwatch(IActorRef actorToUnwatch)
    {
        AskTestActor(new InternalTestActor.UnwatchIt(actorToUnwatch)).GetAwaiter().GetResult();
        return actorToUnwatch;
    }

    public async Task<IActorRef> UnwatchAsync(IActorRef actorToUnwatch)
    {
        await AskTestActor(new InternalTestActor.UnwatchIt(actorToUnwatch)).ConfigureAwait(false);
        return actorToUnwatch;
    }

    public IActorRef ActorOf(Props props) => Sys.ActorOf(props);

    public IActorRef ActorOf(Props props, string name) => Sys.ActorOf(props, name);

    public IActorRef ActorOf<TActor>() where TActor : ActorBase, new() => Sys.ActorOf<TActor>();

    public IActorRef ActorOf<TActor>(string name) where TActor : ActorBase, new() => Sys.ActorOf<TActor>(name);

    public ActorSelection ActorSelection(ActorPath actorPath) => Sys.ActorSelection(actorPath);

    public ActorSelection ActorSelection(string actorPath) => Sys.ActorSelection(actorPath);

    /// <summary>An actor whose parent, and so supervisor, is the test actor.</summary>
    public IActorRef ChildActorOf(Props props, CancellationToken cancellationToken = default) => ChildActorOf(props, null, cancellationToken);

    public IActorRef ChildActorOf(Props props, string name, CancellationToken cancellationToken = default) =>
        AskTestActor(new InternalTestActor.SpawnChild(props, name), cancellationToken).GetAwaiter().GetResult().Child;

    public IActorRef CreateTestActor(string name) =>
        ((ExtendedActorSystem)Sys).SystemActorOf(Props.Create(() => new InternalTestActor(_queue)), name);

    public virtual TestProbe CreateTestProbe(string name = null) => CreateTestProbe(Sys, name);

    public virtual TestProbe CreateTestProbe(ActorSystem system, string name = null) => new(system, _assertions, name);

    public TimeSpan RemainingOrDefault => _end is null ? Dilated(TestKitSettings.SingleExpectDefault) : Remaining;

    /// <summary>What is left of the innermost Within; never negative.</summary>
    public TimeSpan Remaining
    {
        get
        {
            var remaining = (_end ?? throw new InvalidOperationException("Remaining has a meaning inside of Within only.")) - Now;
            return remaining < TimeSpan.Zero ? TimeSpan.Zero : remaining;
        }
    }

    public TimeSpan RemainingOrDilated(TimeSpan? duration)
    {
        if (duration is null)
            return RemainingOrDefault;
        return duration >= TimeSpan.Zero ? Dilated(duration.Value) : throw new ArgumentException("A timeout can't be negative.", nameof(duration));
    }

    /// <summary>The duration times <c>akka.test.timefactor</c>.</summary>
    public TimeSpan Dilated(TimeSpan duration) => duration * TestKitSettings.TestTimeFactor;

    public TimeSpan GetTimeoutOrDefault(TimeSpan? timeout) => RemainingOrDilated(timeout);

    /// <summary>Terminates the test's system.</summary>
    /// <exception cref="TimeoutException">It did not stop in time and <paramref name="verifySystemShutdown"/> is set.</exception>
    public virtual void Shutdown(TimeSpan? duration = null, bool verifySystemShutdown = false) => Shutdown(Sys, duration, verifySystemShutdown);

    protected virtual void Shutdown(ActorSystem system, TimeSpan? duration = null, bool verifySystemShutdown = false)
    {
        var limit = duration ?? Dilated(TimeSpan.FromSeconds(10));
        if (!(system ?? Sys).Terminate().Wait(limit) && verifySystemShutdown)
            throw new TimeoutException($"The actor system {(system ?? Sys).Name} did not stop within {limit}.");
    }

    private Task<InternalTestActor.Done> AskTestActor(object message, CancellationToken cancellationToken = default) =>
        TestActor.Ask<InternalTestActor.Done>(message, Dilated(TestKitSettings.DefaultTimeout), cancellationToken);

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private void Fail(string message, string hint)
    {
        _assertions.Fail(string.IsNullOrEmpty(hint) ? "Failed: {0}" : "Failed: {0} ({1})", message, hint);
        throw new InvalidOperationException("ITestKitAssertions.Fail must throw.");
    }
}
