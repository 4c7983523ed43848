using System.Collections.Concurrent;
using Akka.Actor;

namespace ActorBroker.Client.Tests.Actors;

/// <summary>An actor whose messages a test takes out one by one.</summary>
internal sealed class TestInbox
{
    private readonly BlockingCollection<object> _messages = [];

    public TestInbox(ActorSystem system, IActorRef? watched = null)
    {
        var messages = _messages;
        Receiver = system.ActorOf(Props.Create(() => new Collector(messages, watched)));
    }

    public IActorRef Receiver { get; }

    public object Receive() =>
        _messages.TryTake(out var message, ActorRig.Deadline) ? message : throw new TimeoutException("No message came.");

    private sealed class Collector : UntypedActor
    {
        private readonly BlockingCollection<object> _messages;

        public Collector(BlockingCollection<object> messages, IActorRef? watched)
        {
            _messages = messages;
            if (watched is not null)
                Context.Watch(watched);
        }

        protected override void OnReceive(object message) => _messages.Add(message);
    }
}
