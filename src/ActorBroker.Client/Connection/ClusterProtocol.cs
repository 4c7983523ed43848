using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>Why a request has no response.</summary>
internal enum RequestFailure
{
    None,

    /// <summary>It never left: no connection to that broker in time, or the broker is unknown. Safe to send elsewhere.</summary>
    NotSent,

    /// <summary>Sent, then the broker was lost: it may or may not have been carried out.</summary>
    Disconnected,

    /// <summary>Sent, and no answer in time: as above.</summary>
    TimedOut,

    /// <summary>No broker of the cluster could be reached at all.</summary>
    Unreachable,

    /// <summary>The broker refused it as a whole, before any API handled it.</summary>
    Rejected,
}

/// <summary>Which broker gets a request.</summary>
internal readonly record struct RequestTarget(BrokerId Broker, bool Controller)
{
    public static RequestTarget Any => new(BrokerId.None, Controller: false);

    /// <summary>The controller's broker where known, else any: every broker passes on what only the controller can do.</summary>
    public static RequestTarget TheController => new(BrokerId.None, Controller: true);

    public static RequestTarget To(BrokerId broker) => new(broker, Controller: false);
}

/// <summary>The conversation between a producer, consumer or admin and its connection to the cluster.</summary>
internal static class ClusterProtocol
{
    public interface ICommand
    {
    }

    public interface IEvent
    {
    }

    /// <summary>
    /// Sends a request; the sender gets <see cref="Completed"/> with the same token, exactly once. Requests to one broker
    /// leave in the order they were given.
    /// </summary>
    /// <param name="Answered">False for a request that has no response (acks=0): completed once sent.</param>
    public sealed record Submit(long Token, RequestTarget Target, IRequest Request, TimeSpan Timeout, bool Answered = true) : ICommand;

    /// <summary>Keep these topics in the metadata from now on.</summary>
    public sealed record WantTopics(IReadOnlyCollection<string> Topics) : ICommand;

    /// <summary>Keep every topic there is in the metadata from now on.</summary>
    public sealed record WantAllTopics : ICommand
    {
        public static readonly WantAllTopics Instance = new();
    }

    public sealed record ForgetTopic(string Topic) : ICommand;

    /// <summary>What is known proved wrong: ask again, no more often than the back-off allows.</summary>
    public sealed record Refresh : ICommand
    {
        public static readonly Refresh Instance = new();
    }

    /// <summary>What is known now; to the owner after every metadata answer.</summary>
    public sealed record Updated(ClusterImage Image) : IEvent;

    /// <summary>No broker answered for bootstrap.timeout.ms; trying goes on. To the owner.</summary>
    public sealed record Unreachable(string Message) : IEvent;

    /// <param name="Token">Of the <see cref="Submit"/>.</param>
    /// <param name="Response">Null exactly if there was a failure, or no response is due.</param>
    /// <param name="Failure">None if it succeeded.</param>
    /// <param name="Error">The broker's reason for refusing it as a whole, else None.</param>
    /// <param name="Message">The failure in words, else empty.</param>
    public sealed record Completed(long Token, IResponse? Response, RequestFailure Failure, ErrorCode Error, string Message) : IEvent;
}

/// <summary>What <see cref="ClusterCore"/> wants done, in order.</summary>
internal abstract record ClusterEffect
{
    private ClusterEffect()
    {
    }

    /// <summary>Ask whether a broker's endpoint is at this address.</summary>
    public sealed record Probe(NodeAddress Address) : ClusterEffect;

    /// <summary>Find out by what address the node there knows itself.</summary>
    public sealed record AskName(NodeAddress Address) : ClusterEffect;

    /// <summary>Forget the endpoint found there.</summary>
    public sealed record Release(NodeAddress Address) : ClusterEffect;

    public sealed record Send(NodeAddress Address, int Correlation, IRequest Request) : ClusterEffect;

    /// <summary>Answer whoever submitted the token.</summary>
    public sealed record Complete(long Token, IResponse? Response, RequestFailure Failure, ErrorCode Error, string Message) : ClusterEffect;

    public sealed record Publish(ClusterImage Image) : ClusterEffect;

    public sealed record ReportUnreachable(string Message) : ClusterEffect;
}
