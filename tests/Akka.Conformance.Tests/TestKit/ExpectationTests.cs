using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.TestActors;
using Xunit.Sdk;

namespace Akka.Conformance.Tests;

// Scenario: a test sends itself messages and looks at them through the expectations that our tests use.
public sealed class ExpectationTests : Akka.TestKit.Xunit2.TestKit
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(50);

    [Fact]
    public void What_a_test_tells_carries_the_test_actor_as_sender()
    {
        ActorOf(SimpleEchoActor.Props()).Tell("hello");
        Assert.Equal("hello", ExpectMsg<string>());
    }

    [Fact]
    public async Task It_still_does_after_an_await()
    {
        await Task.Yield();
        var echo = ActorOf(SimpleEchoActor.Props());
        await Task.Delay(1);
        echo.Tell("hello");
        await ExpectMsgAsync("hello");
        Assert.Equal(echo, LastSender);
    }

    [Fact]
    public void Messages_come_in_order_and_are_checked()
    {
        for (var i = 0; i < 9; i++)
            TestActor.Tell(i);
        ExpectMsg(0);
        Assert.Equal(1, ExpectMsg<int>());
        ExpectMsg<int>(n => n == 2);
        ExpectMsg<int>(n => Assert.Equal(3, n));
        ExpectMsg<int>((n, sender) => n == 4 && sender.Equals(TestActor));
        ExpectMsgFrom(TestActor, 5);
        ExpectMsgAnyOf([7, 6]);
        ExpectMsgAllOf(8, 7);
        ExpectNoMsg(Short);
    }

    [Fact]
    public void A_wrong_message_fails()
    {
        TestActor.Tell("text");
        TestActor.Tell("text");
        TestActor.Tell("text");
        Assert.ThrowsAny<XunitException>(() => ExpectMsg<int>());
        Assert.ThrowsAny<XunitException>(() => ExpectMsg("other"));
        Assert.ThrowsAny<XunitException>(() => ExpectNoMsg(Short));
    }

    [Fact]
    public void No_message_fails()
    {
        Assert.ThrowsAny<XunitException>(() => ExpectMsg<int>(Short));
        Assert.ThrowsAny<XunitException>(() => ReceiveN(1, Short));
        Assert.ThrowsAny<XunitException>(() => FishForMessage(_ => true, Short));
        Assert.Null(ReceiveOne(Short));
    }

    [Fact]
    public void Fishing_drops_what_it_does_not_look_for()
    {
        TestActor.Tell("a");
        TestActor.Tell(1);
        TestActor.Tell("b");
        TestActor.Tell("c");
        Assert.Equal("b", FishForMessage(m => m is "b"));
        Assert.Equal("c", FishForMessage<string>(_ => true));
    }

    [Fact]
    public void Receiving_several()
    {
        foreach (var m in new object[] { "a", "b", 1, "c" })
            TestActor.Tell(m);
        Assert.Equal(["a", "b"], ReceiveWhile<string>(TimeSpan.FromSeconds(3), m => (m as string)!));
        Assert.Equal([1, "c"], ReceiveN(2));
        Assert.False(HasMessages);
    }

    [Fact]
    public void Watching()
    {
        var actor = Watch(ActorOf(BlackHoleActor.Props));
        Sys.Stop(actor);
        Assert.Equal(actor, ExpectTerminated(actor).ActorRef);

        var other = Watch(ActorOf(BlackHoleActor.Props));
        Unwatch(other);
        Sys.Stop(other);
        ExpectNoMsg(Short);
    }

    [Fact]
    public void Ignored_messages_do_not_arrive()
    {
        IgnoreMessages<string>(s => s.StartsWith('x'));
        TestActor.Tell("x1");
        TestActor.Tell("y");
        ExpectMsg("y");
        IgnoreNoMessages();
        TestActor.Tell("x2");
        ExpectMsg("x2");
    }

    [Fact]
    public async Task Awaiting_assertions_and_conditions()
    {
        var n = 0;
        AwaitAssert(() => Assert.True(++n >= 3), TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(1));
        Assert.Equal(3, n);
        await AwaitAssertAsync(() => Assert.True(++n >= 5));
        AwaitCondition(() => ++n >= 7);
        await AwaitConditionAsync(() => Task.FromResult(++n >= 9));
        Assert.Throws<InvalidOperationException>(() => AwaitAssert(() => throw new InvalidOperationException("last"), Short));
        Assert.ThrowsAny<XunitException>(() => AwaitCondition(() => false, Short));
    }

    [Fact]
    public async Task Within_bounds_a_block_and_the_waits_in_it()
    {
        Assert.Equal(3, Within(TimeSpan.FromSeconds(30), () => { Assert.True(Remaining > TimeSpan.Zero); return 3; }));
        Assert.ThrowsAny<XunitException>(() => Within(Short, () => ExpectMsg<int>()));
        Assert.ThrowsAny<XunitException>(() => Within(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(30), () => { }));
        await WithinAsync(TimeSpan.FromSeconds(30), async () => { TestActor.Tell(1); await ExpectMsgAsync(1); });
        Within(Short, () => ExpectNoMsg());
        Assert.ThrowsAny<InvalidOperationException>(() => Remaining);
    }

    [Fact]
    public void A_child_is_supervised_by_the_test_actor()
    {
        var child = ChildActorOf(BlackHoleActor.Props, "child");
        Assert.Equal(TestActor.Path / "child", child.Path);
    }
}

// Scenario: the time factor stretches waits.
public sealed class TimeFactorTests() : Akka.TestKit.Xunit2.TestKit("akka.test { timefactor = 2.5, single-expect-default = 4s }")
{
    [Fact]
    public void Waits_are_multiplied()
    {
        Assert.Equal(TimeSpan.FromSeconds(2.5), Dilated(TimeSpan.FromSeconds(1)));
        Assert.Equal(TimeSpan.FromSeconds(10), RemainingOrDefault);
    }
}
