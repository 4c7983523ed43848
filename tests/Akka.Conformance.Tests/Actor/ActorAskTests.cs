using Akka.Actor;

namespace Akka.Conformance.Tests;

public class ActorAskTests : Akka.TestKit.Xunit2.TestKit
{
    private sealed class Answering : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case "fail":
                    Sender.Tell(new Status.Failure(new InvalidOperationException("failed on purpose")));
                    break;
                case "silence":
                    break;
                case "path":
                    Sender.Tell(Sender.Path.ToString());
                    break;
                default:
                    Sender.Tell(message);
                    break;
            }
        }
    }

    private IActorRef NewAnswering() => Sys.ActorOf(Props.Create(() => new Answering()));

    [Fact]
    public async Task The_reply_completes_the_task()
    {
        Assert.Equal(42, await NewAnswering().Ask<int>(42, TimeSpan.FromSeconds(5)));
        Assert.Equal("x", await NewAnswering().Ask("x"));
    }

    [Fact]
    public async Task No_reply_in_time_is_an_AskTimeoutException()
        => await Assert.ThrowsAsync<AskTimeoutException>(() => NewAnswering().Ask<string>("silence", TimeSpan.FromMilliseconds(50)));

    [Fact]
    public async Task A_failure_reply_fails_the_task_with_its_cause()
    {
        var cause = await Assert.ThrowsAsync<InvalidOperationException>(() => NewAnswering().Ask<string>("fail", TimeSpan.FromSeconds(5)));
        Assert.Equal("failed on purpose", cause.Message);
    }

    [Fact]
    public async Task A_failure_reply_is_a_reply_like_any_other_when_asked_for()
        => Assert.IsType<Status.Failure>(await NewAnswering().Ask<Status>("fail", TimeSpan.FromSeconds(5)));

    [Fact]
    public async Task A_reply_of_another_type_fails_the_task()
        => await Assert.ThrowsAsync<ArgumentException>(() => NewAnswering().Ask<string>(1, TimeSpan.FromSeconds(5)));

    [Fact]
    public async Task Cancellation_ends_the_wait()
    {
        using var cancel = new CancellationTokenSource();
        var asked = NewAnswering().Ask<string>("silence", cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
    }

    [Fact]
    public async Task The_asking_reference_lives_below_temp()
    {
        var path = await NewAnswering().Ask<string>("path", TimeSpan.FromSeconds(5));
        Assert.StartsWith("akka://" + Sys.Name + "/temp/", path, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_answer_can_go_to_a_reference_inside_the_message()
    {
        var target = Sys.ActorOf(Props.Create(() => new ReplyToInside()));
        Assert.Equal("inside", await target.Ask<string>(replyTo => replyTo, TimeSpan.FromSeconds(5), CancellationToken.None));
    }

    private sealed class ReplyToInside : UntypedActor
    {
        protected override void OnReceive(object message) => ((IActorRef)message).Tell("inside");
    }

    [Fact]
    public void PipeTo_sends_result_failure_and_what_they_are_mapped_to()
    {
        _ = Task.FromResult(1).PipeTo(TestActor);
        ExpectMsg(1);
        _ = Task.FromResult(2).PipeTo(TestActor, success: i => "mapped " + i);
        ExpectMsg("mapped 2");
        _ = Task.FromException<int>(new InvalidOperationException("bad")).PipeTo(TestActor);
        Assert.Equal("bad", ExpectMsg<Status.Failure>().Cause.Message);
        _ = Task.FromException<int>(new InvalidOperationException("worse")).PipeTo(TestActor, failure: e => "mapped " + e.Message);
        ExpectMsg("mapped worse");
        _ = Task.CompletedTask.PipeTo(TestActor, success: () => "done");
        ExpectMsg("done");
        _ = Task.FromException(new InvalidOperationException("plain")).PipeTo(TestActor);
        Assert.Equal("plain", ExpectMsg<Status.Failure>().Cause.Message);
    }

    [Fact]
    public void PipeTo_keeps_the_given_sender()
    {
        var probe = CreateTestProbe();
        _ = Task.FromResult("x").PipeTo(TestActor, probe.Ref);
        ExpectMsg("x");
        Assert.Equal(probe.Ref, LastSender);
    }

    // Messages wait while the handler awaits, and every piece of it runs in the actor's context.
    [Fact]
    public void An_async_handler_finishes_before_the_next_message()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Slow(TestActor)));
        for (var i = 0; i < 3; i++)
            actor.Tell(i, TestActor);
        for (var i = 0; i < 3; i++)
        {
            ExpectMsg("begin " + i);
            ExpectMsg("middle " + i);
            ExpectMsg("end " + i);
        }
    }

    private sealed class Slow : ReceiveActor
    {
        public Slow(IActorRef probe) => ReceiveAsync<int>(async i =>
        {
            probe.Tell("begin " + i, Self);
            await Task.Delay(10);
            Assert.Equal(probe, Sender);
            Assert.Equal(Self, Context.Self);
            probe.Tell("middle " + i, Self);
            await Task.Yield();
            Sender.Tell("end " + i);
        });
    }

    [Fact]
    public void A_failure_in_an_async_handler_is_a_failure_of_the_actor()
    {
        var actor = Sys.ActorOf(Props.Create(() => new FailingLater(TestActor)));
        ExpectMsg("started");
        actor.Tell("x");
        actor.Tell("y");
        ExpectMsg("restarting String");
        ExpectMsg("started");
        ExpectMsg("y handled");
    }

    private sealed class FailingLater : ReceiveActor
    {
        private readonly IActorRef _probe;

        public FailingLater(IActorRef probe)
        {
            _probe = probe;
            ReceiveAsync<string>(async s =>
            {
                await Task.Delay(5);
                if (s == "x")
                    throw new InvalidOperationException("later");
                probe.Tell(s + " handled");
            });
        }

        protected override void PreStart() => _probe.Tell("started");
        protected override void PreRestart(Exception reason, object message) => _probe.Tell("restarting " + message?.GetType().Name);
    }

    [Fact]
    public void An_actor_can_be_stopped_while_it_awaits()
    {
        var never = new TaskCompletionSource();
        var actor = Sys.ActorOf(Props.Create(() => new WaitingFor(never.Task, TestActor)));
        Watch(actor);
        actor.Tell("x");
        ExpectMsg("waiting");
        Sys.Stop(actor);
        ExpectTerminated(actor);
    }

    private sealed class WaitingFor : ReceiveActor
    {
        public WaitingFor(Task task, IActorRef probe) => ReceiveAnyAsync(async _ =>
        {
            probe.Tell("waiting");
            await task;
        });
    }
}
