using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.TestActors;

namespace Akka.Conformance.Tests;

// Scenario: probes stand in for actors that the tested one talks to.
public sealed class TestProbeTests : Akka.TestKit.Xunit2.TestKit
{
    [Fact]
    public void A_probe_sends_replies_and_forwards()
    {
        var (a, b) = (CreateTestProbe("a"), CreateTestProbe());
        a.Send(b.Ref, "question");
        b.ExpectMsg("question");
        Assert.Equal(a.Ref, b.Sender);
        Assert.Equal(a.Ref, b.LastSender);
        b.Forward(TestActor);
        ExpectMsgFrom(a.Ref, "question");
        b.Reply("answer");
        a.ExpectMsgFrom(b.Ref, "answer");
        Assert.StartsWith("a", a.Ref.Path.Name, StringComparison.Ordinal);
    }

    [Fact]
    public void A_probe_stands_for_a_reference()
    {
        var probe = CreateTestProbe();
        var forwarder = ActorOf(ForwardActor.Props(probe));
        forwarder.Tell("x", TestActor);
        probe.ExpectMsgFrom(TestActor, "x");
        Watch(probe);
        Sys.Stop(probe);
        ExpectTerminated(probe.Ref);
    }

    [Fact]
    public void A_probe_watches()
    {
        var probe = CreateTestProbe();
        var actor = ActorOf(BlackHoleActor.Props);
        probe.Watch(actor);
        actor.Tell(PoisonPill.Instance);
        probe.ExpectTerminated(actor);
    }

    [Fact]
    public void An_auto_pilot_answers_by_itself()
    {
        var probe = CreateTestProbe();
        probe.SetAutoPilot(new DelegateAutoPilot((sender, message) =>
        {
            sender.Tell($"re: {message}");
            return message is "last" ? AutoPilot.NoAutoPilot : AutoPilot.KeepRunning;
        }));
        probe.Ref.Tell("first", TestActor);
        probe.Ref.Tell("last", TestActor);
        probe.Ref.Tell("ignored", TestActor);
        ExpectMsg("re: first");
        ExpectMsg("re: last");
        Assert.Equal(["first", "last", "ignored"], probe.ReceiveN(3));
        ExpectNoMsg(TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public async Task Asking_a_probe()
    {
        var probe = CreateTestProbe();
        var answer = probe.Ref.Ask<string>("question", TimeSpan.FromSeconds(10));
        await probe.ExpectMsgAsync("question");
        probe.Reply("answer");
        Assert.Equal("answer", await answer);
    }

    [Fact]
    public void Echo_actors()
    {
        var probe = CreateTestProbe();
        ActorOf(EchoActor.Props(this)).Tell("x", probe.Ref);
        ExpectMsg("x");
        probe.ExpectMsg("x");
    }
}
