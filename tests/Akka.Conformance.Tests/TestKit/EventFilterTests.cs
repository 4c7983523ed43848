using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.TestKit;
using Akka.TestKit.TestActors;
using Xunit.Sdk;

namespace Akka.Conformance.Tests;

// Scenario: a test waits for what the system under test logs.
public sealed class EventFilterTests() : Akka.TestKit.Xunit2.TestKit("akka.loglevel = DEBUG\nakka.test.filter-leeway = 2s\nakka.log-dead-letters = on")
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(200);

    [Fact]
    public void Every_level_has_a_filter()
    {
        EventFilter.Debug("d").ExpectOne(() => Log.Debug("d"));
        EventFilter.Info("i 1").ExpectOne(() => Log.Info("i {0}", 1));
        EventFilter.Warning("w").ExpectOne(() => Log.Warning("w"));
        EventFilter.Error("e").ExpectOne(() => Log.Error("e"));
    }

    [Fact]
    public void Texts_match_whole_by_start_by_part_or_by_pattern()
    {
        EventFilter.Info(start: "one").ExpectOne(() => Log.Info("one two three"));
        EventFilter.Info(contains: "two").ExpectOne(() => Log.Info("one two three"));
        EventFilter.Info(new System.Text.RegularExpressions.Regex("^one.*three$")).ExpectOne(() => Log.Info("one two three"));
        EventFilter.Info("one").Expect(0, Short, () => Log.Info("one two three"));
    }

    [Fact]
    public void Counts_must_be_exact()
    {
        EventFilter.Info("x").Expect(2, () => { Log.Info("x"); Log.Info("x"); });
        Assert.ThrowsAny<XunitException>(() => EventFilter.Info("x").ExpectOne(Short, () => { }));
        Assert.ThrowsAny<XunitException>(() => EventFilter.Info("x").Expect(0, Short, () => Log.Info("x")));
    }

    [Fact]
    public void Filters_combine() =>
        EventFilter.Info("x").And.Warning("y").Expect(2, () => { Log.Info("x"); Log.Warning("y"); });

    [Fact]
    public async Task Asynchronous_blocks()
    {
        await EventFilter.Info("x").ExpectOneAsync(async () => { await Task.Yield(); Log.Info("x"); });
        Assert.Equal(5, EventFilter.Info("x").ExpectOne(() => { Log.Info("x"); return 5; }));
    }

    [Fact]
    public void Exceptions_of_actors()
    {
        var actor = ActorOf(Props.Create(() => new Thrower()), "thrower");
        EventFilter.Exception<InvalidOperationException>("boom").ExpectOne(() => actor.Tell("boom"));
        EventFilter.Exception<ArgumentException>().Expect(0, Short, () => actor.Tell("boom"));
    }

    [Fact]
    public void Dead_letters()
    {
        var gone = Watch(ActorOf(BlackHoleActor.Props));
        Sys.Stop(gone);
        ExpectTerminated(gone);
        EventFilter.DeadLetter().ExpectOne(() => gone.Tell("x"));
        EventFilter.DeadLetter<string>(s => s == "y").ExpectOne(() => { gone.Tell("x"); gone.Tell("y"); });
    }

    [Fact]
    public void By_source()
    {
        var actor = ActorOf(Props.Create(() => new Talker()), "talker");
        EventFilter.Info("hello", source: actor.Path.ToString()).ExpectOne(() => actor.Tell("hello"));
    }

    private sealed class Thrower : ReceiveActor
    {
        public Thrower() => Receive<string>(s => throw new InvalidOperationException(s));
    }

    private sealed class Talker : ReceiveActor
    {
        public Talker() => Receive<string>(s => Context.GetLogger().Info(s));
    }
}
