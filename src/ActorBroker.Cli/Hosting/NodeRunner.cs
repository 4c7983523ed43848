using System.Diagnostics;
using System.Net.Sockets;
using ActorBroker.Hosting;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Cli.Hosting;

/// <summary>
/// Runs one node in this process, from its configuration to a clean stop. A node that its cluster has given up (it was
/// paused, or cut off) can only come back with a new ActorSystem: it gets one here, with the same data folder and port.
/// </summary>
internal static class NodeRunner
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <summary>A run that lasted so long was not given up for a lasting reason.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(30);

    /// <param name="cancellation">Ctrl-C or SIGTERM: stop cleanly.</param>
    public static async Task<int> RunAsync(StartSettings settings, bool json, TextWriter output, CancellationToken cancellation)
    {
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellation.Register(() => stop.TrySetResult());
        if (settings.StopsWithInput) _ = Task.Run(() => StopAtEndOfInput(stop), CancellationToken.None);
        var config = NodeConfig.Build(settings);
        var announcement = new Announcement(json, output);
        var pause = FirstPause;
        while (true)
        {
            var began = Stopwatch.StartNew();
            var (outcome, port) = await RunSystemAsync(config, announcement, stop.Task);
            if (outcome != Outcome.GivenUp) return outcome == Outcome.Stopped ? ExitCode.Done : ExitCode.Failed;

            // Others know the node by its port, also where any was asked for. A configured one stays: what others use may be another (public-port).
            if (config.GetInt("akka.remote.dot-netty.tcp.port") == 0)
                config = ConfigurationFactory.ParseString($"akka.remote.dot-netty.tcp.port = {port}").WithFallback(config);
            pause = began.Elapsed > Settled ? FirstPause : pause * 2 < LongestPause ? pause * 2 : LongestPause;
            await Console.Error.WriteLineAsync($"actorbroker: this node's cluster has given it up; it joins again under a new incarnation in {pause.TotalSeconds:0.0} s");
            if (await Task.WhenAny(stop.Task, Task.Delay(pause, CancellationToken.None)) == stop.Task) return ExitCode.Done;
        }
    }

    private static void StopAtEndOfInput(TaskCompletionSource stop)
    {
        Console.OpenStandardInput().CopyTo(Stream.Null);
        stop.TrySetResult();
    }

    private enum Outcome
    {
        Stopped,
        Failed,

        /// <summary>Downed or quarantined by its cluster.</summary>
        GivenUp,
    }

    private static async Task<(Outcome Outcome, int Port)> RunSystemAsync(Config config, Announcement announcement, Task stop)
    {
        var system = CreateSystem(config.GetString("actorbroker.system.name"), config);
        var port = ((ExtendedActorSystem)system).Provider.DefaultAddress.Port ?? 0;
        var shutdown = CoordinatedShutdown.Get(system);
        try
        {
            var broker = Broker.Get(system);
            await Task.WhenAny(broker.Ready, stop, system.WhenTerminated);
            if (broker.Ready.IsCompleted) announcement.Write(await broker.Ready);
            await Task.WhenAny(stop, system.WhenTerminated);
            return (stop.IsCompleted ? Outcome.Stopped : shutdown.ShutdownReason is CoordinatedShutdown.ClusterDowningReason ? Outcome.GivenUp : Outcome.Failed, port);
        }
        catch (BrokerConfigurationException e)
        {
            throw CliException.Usage(e.Message);
        }
        catch (LogDirectoryException e)
        {
            throw CliException.Failed(e.Message);
        }
        catch (BrokerStartException e)
        {
            throw CliException.Failed(e.Message);
        }
        finally
        {
            await shutdown.Run(CoordinatedShutdown.ClrExitReason.Instance);
            await system.WhenTerminated;
        }
    }

    private static ActorSystem CreateSystem(string name, Config config)
    {
        try
        {
            return ActorSystem.Create(name, config);
        }
        catch (Exception e) when (Find<SocketException>(e) is { } socket)
        {
            var tcp = config.GetConfig("akka.remote.dot-netty.tcp");
            var address = $"{tcp.GetString("hostname")}:{tcp.GetString("port")}";
            throw CliException.Failed(socket.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => $"{address} is in use: another node or program listens there. Stop it, or choose another --port.",
                SocketError.AddressNotAvailable => $"{address} can't be bound: this machine has no such address. Choose another --host (and --advertised-host for what others use).",
                SocketError.AccessDenied => $"{address} can't be bound: not allowed. Choose a --port above 1023.",
                _ => $"{address} can't be bound: {socket.Message}",
            });
        }
    }

    private static TException? Find<TException>(Exception? e)
        where TException : Exception
    {
        for (; e is not null; e = e.InnerException)
            if (e is TException found)
                return found;
        return null;
    }
}
