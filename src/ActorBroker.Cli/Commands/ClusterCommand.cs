using System.CommandLine;
using ActorBroker.Client;
using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Cli.Commands;

/// <summary><c>actorbroker cluster</c>: how the cluster stands, who votes, who is gone for good.</summary>
internal static class ClusterCommand
{
    /// <summary>Whoever asks how things stand wants to hear it also when something does not answer.</summary>
    private static readonly TimeSpan StatusPatience = TimeSpan.FromSeconds(5);

    private static readonly Argument<int> Broker = Number();

    public static Command Create() => new("cluster", "Shows the cluster, changes its voters, forgets brokers.")
    {
        Status(),
        new Command("voters", "Changes who votes on what the controller decides. Keep an odd number of voters: a majority of them must live.") { Add(), Remove() },
        Unregister(),
    };

    private static Command Status()
    {
        var command = new Command("status", "Shows brokers, controller, quorum, and partitions that lack replicas. Exit code 1 if a partition is offline or there is no controller.")
        {
            CommonOptions.Bootstrap, CommonOptions.Json,
        };
        command.SetAction((parsed, cancellation) => AdminRun.WithAdminAsync(
            parsed,
            async (admin, output) =>
            {
                var status = await ClusterStatus.GatherAsync(admin, cancellation);
                ClusterStatusWriter.Write(status, output);
                return status.IsServing ? ExitCode.Done : ExitCode.Failed;
            },
            StatusPatience));
        return command;
    }

    private static Command Add()
    {
        var command = new Command("add", "Lets a broker vote, once it has caught up.") { Broker, CommonOptions.Bootstrap, CommonOptions.Json };
        command.SetAction((parsed, cancellation) => AdminRun.WithAdminAsync(parsed, async (admin, output) =>
        {
            var broker = parsed.GetValue(Broker);
            try
            {
                await admin.AddVoterAsync(new BrokerId(broker), cancellation);
            }
            catch (AdminException e) when (e.Error == ErrorCode.DuplicateVoter)
            {
                output.Line($"Broker {broker} is a voter already.", ("broker", broker), ("voter", true), ("changed", false));
                return;
            }

            output.Line($"Broker {broker} votes now.", ("broker", broker), ("voter", true), ("changed", true));
        }));
        return command;
    }

    private static Command Remove()
    {
        var command = new Command("remove", "Takes a broker's vote away. It goes on as a broker.") { Broker, CommonOptions.Bootstrap, CommonOptions.Json };
        command.SetAction((parsed, cancellation) => AdminRun.WithAdminAsync(parsed, async (admin, output) =>
        {
            var broker = parsed.GetValue(Broker);
            await admin.RemoveVoterAsync(new BrokerId(broker), cancellation);
            output.Line($"Broker {broker} votes no more.", ("broker", broker), ("voter", false), ("changed", true));
        }));
        return command;
    }

    private static Command Unregister()
    {
        var command = new Command("unregister", "Forgets a broker that is gone for good and holds no replicas.") { Broker, CommonOptions.Bootstrap, CommonOptions.Json };
        command.SetAction((parsed, cancellation) => AdminRun.WithAdminAsync(parsed, async (admin, output) =>
        {
            var broker = parsed.GetValue(Broker);
            await admin.UnregisterBrokerAsync(new BrokerId(broker), cancellation);
            output.Line($"Broker {broker} is forgotten.", ("broker", broker), ("unregistered", true));
        }));
        return command;
    }

    private static Argument<int> Number()
    {
        var number = new Argument<int>("N") { Description = "The broker's number." };
        number.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && int.TryParse(token.Value, out var value) && value < 0) result.AddError("N must not be negative.");
        });
        return number;
    }
}
