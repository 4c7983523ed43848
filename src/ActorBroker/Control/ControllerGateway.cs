using System.Collections.Immutable;
using ActorBroker.Protocol;
using Akka.Actor;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>The controller's answer to a command, or why there is none.</summary>
/// <param name="Answer">Null exactly where there is an error.</param>
internal readonly record struct ControllerAnswer<T>(T? Answer, ErrorCode Error, string? Message)
    where T : class;

/// <summary>
/// How request handlers reach the controller. A controller that is away (being elected, its journal without a
/// majority) is an answer like any other: a retriable error for all that was asked about.
/// </summary>
internal sealed class ControllerGateway(IActorRef controller)
{
    /// <summary>Never more, whatever a client asks for: what waits here takes memory.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    /// <param name="timeoutMs">The client's; what it asked for may happen all the same when it runs out.</param>
    public async Task<ControllerAnswer<T>> AskAsync<T>(ICommand command, int timeoutMs)
        where T : class
    {
        var timeout = timeoutMs <= 0 ? TimeSpan.FromMilliseconds(1) : TimeSpan.FromMilliseconds(timeoutMs);
        try
        {
            return await controller.Ask<object>(command, timeout < Longest ? timeout : Longest) switch
            {
                T answer => new(answer, ErrorCode.None, null),
                ControllerUnavailable unavailable => new(null, ErrorCode.NotController, unavailable.Reason),
                var other => throw new InvariantException($"the controller answered {command.GetType().Name} with {other.GetType().Name}"),
            };
        }
        catch (AskTimeoutException)
        {
            return new(null, ErrorCode.RequestTimedOut, "The controller did not answer in time; the change may still happen.");
        }
    }

    /// <summary>For commands about topics: an error stands with each of them.</summary>
    public async Task<ImmutableArray<TopicResult>> AskAsync(ICommand command, IReadOnlyList<string?> names, int timeoutMs)
    {
        var (answer, error, message) = await AskAsync<TopicResults>(command, timeoutMs);
        return answer?.Results ?? [.. names.Select(name => TopicResult.Refused(name, error, message!))];
    }
}
