using ActorBroker.Log;
using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.TestKit;

namespace ActorBroker.Client.Tests.Actors;

/// <summary>The producer's timers on a clock that only the test moves: a broker refuses or stays silent for minutes.</summary>
public sealed class VirtualTimeTests() : Akka.TestKit.Xunit2.TestKit("""
    akka.scheduler.implementation = "Akka.TestKit.TestScheduler, Akka.TestKit"
    akka.loglevel = OFF
    akka.stdout-loglevel = OFF
    """)
{
    private readonly FakeLog _log = new();
    private IActorRef _producer = ActorRefs.Nobody;

    private TestScheduler Scheduler => (TestScheduler)Sys.Scheduler;

    [Fact]
    public void A_record_that_is_never_acknowledged_fails_when_delivery_timeout_is_over()
    {
        var producer = Start(request => request is ProduceRequest ? ErrorCode.NotEnoughReplicas : ErrorCode.None);
        producer.Tell(new Produce("t", null, "v"u8.ToArray()) { Correlation = 7 }, TestActor);
        Pass(seconds: 119);
        ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        Pass(seconds: 2);
        var failed = ExpectMsg<DeliveryFailed>(ActorRig.Deadline);
        Assert.Equal((7, DeliveryFailure.TimedOut, ErrorCode.NotEnoughReplicas), (failed.Correlation, failed.Reason, failed.Error));
        Assert.InRange(_log.Seen.Count(request => request is ProduceRequest), 60, 160);
    }

    [Fact]
    public void A_request_without_answer_is_repeated_after_request_timeout()
    {
        var silent = true;
        var producer = Start(request => request is ProduceRequest && Volatile.Read(ref silent) ? null : ErrorCode.None);
        producer.Tell(new Produce("t", null, "v"u8.ToArray()), TestActor);
        Pass(seconds: 29);
        Assert.Equal(1, _log.Seen.Count(request => request is ProduceRequest));
        Volatile.Write(ref silent, false);
        Pass(seconds: 4);
        Assert.Equal(Offset.Zero, ExpectMsg<Delivered>(ActorRig.Deadline).Offset);
    }

    private IActorRef Start(Func<IRequest, ErrorCode?> judge)
    {
        _log.Topics["t"] = 1;
        _log.Judge = judge;
        ApiMessages.Register(Sys);
        var log = _log;
        Sys.ActorOf(Props.Create(() => new FakeBroker(log, 1)), "actorbroker");
        var scheduler = Scheduler;
        var start = scheduler.Now;
        var settings = TestClusters.Producer().WithBootstrap("local");
        _producer = Sys.ActorOf(Producer.Props(settings, new ProducerIntake(settings.BufferMemory), seed: 1, () => scheduler.Now - start));
        return _producer;
    }

    /// <summary>In steps, each of which lets the actors come to rest: a round trip to the broker and back stands behind everything before it.</summary>
    private void Pass(int seconds)
    {
        for (var i = 0; i < seconds * 10; i++)
        {
            Settle();
            Scheduler.Advance(TimeSpan.FromMilliseconds(100));
        }

        Settle();
    }

    /// <summary>Along the way of a request and its answer, several times: what each has handled stands in the mailbox of the next.</summary>
    private void Settle()
    {
        var probe = CreateTestProbe();
        for (var i = 0; i < 3; i++)
        {
            foreach (var path in (string[])[$"{_producer.Path}", $"{_producer.Path}/cluster", "/user/actorbroker", $"{_producer.Path}/cluster"])
            {
                Sys.ActorSelection(path).Tell(new Identify(path), probe);
                Assert.NotNull(probe.ExpectMsg<ActorIdentity>(ActorRig.Deadline).Subject);
            }
        }

        Sys.Stop(probe);
    }
}
