using System.Diagnostics;
using System.Net.Sockets;
using ActorBroker.Cli.Output;
using ActorBroker.Hosting;
using ActorBroker.Log;
using Akka.Actor;

namespace ActorBroker.Cli.Hosting;

/// <summary>Runs one node in this process, from its configuration to a clean stop.</summary>
internal static class NodeRunner
{
    /// <param name="cancellation">Ctrl-C or SIGTERM: stop cleanly.</param>
    public static async Task<int> RunAsync(StartSettings settings, bool json, TextWriter output, CancellationToken cancellation)
    {
        var stop = new TaskCompletionSource();
        await using var registration = cancellation.Register(stop.SetResult);
        var config = NodeConfig.Build(settings);
        var system = CreateSystem(config.GetString("actorbroker.system.name"), config);
        try
        {
            var broker = Broker.Get(system);
            var ready = await broker.Ready;
            Announce(ready, json, output);
            await Task.WhenAny(stop.Task, system.WhenTerminated);
            return stop.Task.IsCompleted ? ExitCode.Done : ExitCode.Failed;
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
            await CoordinatedShutdown.Get(system).Run(CoordinatedShutdown.ClrExitReason.Instance);
        }
    }

    private static ActorSystem CreateSystem(string name, Akka.Configuration.Config config)
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

    private static void Announce(BrokerInfo ready, bool json, TextWriter output)
    {
        var elapsed = DateTime.Now - Process.GetCurrentProcess().StartTime;
        if (json)
        {
            output.Write(System.Text.Encoding.UTF8.GetString(new JsonLine().Build(line =>
            {
                line.WriteString("event"u8, "ready"u8);
                line.WriteNumber("node"u8, ready.NodeId.Value);
                line.WriteString("address"u8, ready.Address.ToString());
                line.WriteString("data"u8, ready.DataDirectory);
                line.WriteString("cluster_id"u8, ready.ClusterId.Value);
            }).Span));
        }
        else
        {
            output.WriteLine($"ActorBroker node {ready.NodeId} is ready after {elapsed.TotalSeconds:0.00} s: clients at {ready.Address.Host}:{ready.Address.Port} ({ready.Address}), data in {ready.DataDirectory}, cluster {ready.ClusterId}. Ctrl-C stops it.");
        }

        output.Flush();
    }
}
