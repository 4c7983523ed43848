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
/// majority) is an answer like any other: a retriable error for all that was asked about. One that died with a command is
/// known by its silence: a client that asks again meets its successor, and may find that what it asked for was done.
/// </summary>
/// <param name="silence">
/// Nobody who lives is silent for so long: a decision is stored, or has failed, and its replicas are waited for, well before.
/// Long enough for a successor to have begun, so that who asks again is not refused by the dead one's node.
/// </param>
internal sealed class ControllerGateway(IActorRef controller, TimeSpan silence)
{
    /// <summary>Never more, whatever a client asks for: what waits here takes memory.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    /// <summary>A question is asked again so often before it counts as unanswered: it changes nothing.</summary>
    private const int TimesAsked = 4;

    /// <param name="timeoutMs">The client's; what it asked for may happen all the same when it runs out.</param>
    public async Task<ControllerAnswer<T>> AskAsync<T>(ICommand command, int timeoutMs)
        where T : class
    {
        var timeout = timeoutMs <= 0 ? TimeSpan.FromMilliseconds(1) : TimeSpan.FromMilliseconds(timeoutMs);
        if (timeout > Longest) timeout = Longest;
        // How long a disk takes to catch up nobody knows.
        var patience = command is AlterVoters || timeout < silence ? timeout : silence;
        var times = command is DescribeQuorum ? TimesAsked : 1;
        for (var asked = 0; asked < times; asked++)
        {
            if (await TryAskAsync<T>(command, patience / times) is { } answer) return answer;
        }

        return patience < timeout
            ? new(null, ErrorCode.NotController, "The controller did not answer, as if it had died with the request; the change may have been made all the same.")
            : new(null, ErrorCode.RequestTimedOut, "The controller did not answer in time; the change may still happen.");
    }

    private async Task<ControllerAnswer<T>?> TryAskAsync<T>(ICommand command, TimeSpan patience)
        where T : class
    {
        try
        {
            return await controller.Ask<object>(command, patience) switch
            {
                T answer => new(answer, ErrorCode.None, null),
                ControllerUnavailable unavailable => new(null, ErrorCode.NotController, unavailable.Reason),
                var other => throw new InvariantException($"the controller answered {command.GetType().Name} with {other.GetType().Name}"),
            };
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }

    /// <summary>For commands about topics: an error stands with each of them.</summary>
    public async Task<ImmutableArray<TopicResult>> AskAsync(ICommand command, IReadOnlyList<string?> names, int timeoutMs)
    {
        var (answer, error, message) = await AskAsync<TopicResults>(command, timeoutMs);
        return answer?.Results ?? [.. names.Select(name => TopicResult.Refused(name, error, message!))];
    }
}
