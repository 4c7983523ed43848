using Akka.Actor;

namespace Akka.TestKit.TestActors;

/// <summary>Sends every message to the test actor and, unless told otherwise, back to its sender.</summary>
public class EchoActor : ReceiveActor
{
    public EchoActor(TestKitBase testkit, bool echoBackToSenderAsWell = true) => ReceiveAny(message =>
    {
        testkit.TestActor.Tell(message, Sender);
        if (echoBackToSenderAsWell && !Equals(Sender, testkit.TestActor))
            Sender.Tell(message);
    });

    public static Props Props(TestKitBase testkit, bool echoBackToSenderAsWell = true) =>
        Akka.Actor.Props.Create(() => new EchoActor(testkit, echoBackToSenderAsWell));
}

/// <summary>Answers every message with itself.</summary>
public class SimpleEchoActor : ReceiveActor
{
    public SimpleEchoActor() => ReceiveAny(message => Sender.Tell(message));

    public static Props Props() => Akka.Actor.Props.Create(() => new SimpleEchoActor());
}

/// <summary>Takes every message and does nothing.</summary>
public class BlackHoleActor : ActorBase
{
    public static Props Props => Akka.Actor.Props.Create(() => new BlackHoleActor());

    protected override bool Receive(object message) => true;
}

/// <summary>Forwards every message.</summary>
public class ForwardActor : ReceiveActor
{
    public ForwardActor(IActorRef target) => ReceiveAny(target.Forward);

    public static Props Props(IActorRef target) => Akka.Actor.Props.Create(() => new ForwardActor(target));
}
