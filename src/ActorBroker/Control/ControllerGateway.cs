using System.Collections.Immutable;
using ActorBroker.Protocol;
using Akka.Actor;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>
/// How request handlers reach the controller. A controller that is away (being elected, its journal without a
/// majority) is an answer like any other: a retriable error for every topic asked about.
/// </summary>
internal sealed class ControllerGateway(IActorRef controller)
{
    /// <summary>Never more, whatever a client asks for: what waits here takes memory.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    /// <param name="timeoutMs">The client's; its topics may exist all the same when it runs out.</param>
    public async Task<ImmutableArray<TopicResult>> AskAsync(ICommand command, IReadOnlyList<string?> names, int timeoutMs)
    {
        var timeout = timeoutMs <= 0 ? TimeSpan.FromMilliseconds(1) : TimeSpan.FromMilliseconds(timeoutMs);
        try
        {
            return await controller.Ask<object>(command, timeout < Longest ? timeout : Longest) switch
            {
                TopicResults results => results.Results,
                ControllerUnavailable unavailable => Everywhere(names, ErrorCode.NotController, unavailable.Reason),
                var other => throw new InvariantException($"the controller answered {other.GetType().Name}"),
            };
        }
        catch (AskTimeoutException)
        {
            return Everywhere(names, ErrorCode.RequestTimedOut, "The controller did not answer in time; the change may still happen.");
        }
    }

    private static ImmutableArray<TopicResult> Everywhere(IReadOnlyList<string?> names, ErrorCode error, string message) =>
        [.. names.Select(name => TopicResult.Refused(name, error, message))];
}
