using Akka.Remote;
using Akka.Remote.Transport;

namespace Akka.Embedded.Tests.Remote;

/// <summary>The simulated network, driven by a queue that the test empties: same seed, same history.</summary>
public class RemoteInMemoryNetworkSpec
{
    private readonly PriorityQueue<Action, (TimeSpan At, int Order)> _due = new();
    private readonly InMemoryNetwork _network;
    private readonly List<string> _log = [];
    private TimeSpan _now;
    private int _order;

    public RemoteInMemoryNetworkSpec() => _network = new InMemoryNetwork(7, (delay, action) => _due.Enqueue(action, (_now + delay, _order++)));

    private void Run()
    {
        while (_due.TryDequeue(out var action, out var priority))
        {
            _now = priority.At;
            action();
        }
    }

    private sealed class Recorder(string name, List<string> log) : IConnectionHandler
    {
        public int OnReceived(ReadOnlySpan<byte> bytes, out int wanted)
        {
            wanted = 0;
            foreach (var b in bytes)
                log.Add($"{name}:{b}");
            return bytes.Length;
        }

        public void OnClosed(Exception? cause) => log.Add($"{name}:{cause?.Message ?? "end"}");
    }

    private ITransportConnection Connect()
    {
        var b = _network.CreateTransport("b", 1);
        _ = b.Listen("b");
        b.Accept(c => c.Start(new Recorder("b", _log)));
        var a = _network.CreateTransport("a", 1);
        _ = a.Listen("a");
        var connecting = a.Connect(new Akka.Actor.Address("akka.tcp", "b", "b", 1));
        Run();
        connecting.Result.Start(new Recorder("a", _log));
        return connecting.Result;
    }

    [Fact]
    public void Bytes_arrive_in_order_and_then_the_end()
    {
        var connection = Connect();
        for (byte i = 0; i < 5; i++)
            _ = connection.Send(new[] { i });
        connection.Close();
        Run();
        Assert.Equal(["b:0", "b:1", "b:2", "b:3", "b:4", "b:end"], _log.Where(static l => l[0] == 'b'));
    }

    [Fact]
    public void A_cut_holds_bytes_back_and_its_end_lets_them_through()
    {
        var connection = Connect();
        _network.Cut("a:1", "b:1");
        _ = connection.Send(new byte[] { 1 });
        Run();
        Assert.Empty(_log);
        _network.Heal("a:1", "b:1");
        Run();
        Assert.Equal(["b:1"], _log);
    }

    [Fact]
    public void A_crash_breaks_the_connections_of_its_peers_and_frees_its_name()
    {
        Connect();
        _network.Crash("b:1");
        Run();
        Assert.Contains("a:connection reset", _log);
        Assert.True(_network.CreateTransport("b", 1).Listen("b").IsCompletedSuccessfully);
    }

    [Fact]
    public void Nobody_listening_is_an_error()
    {
        var connecting = _network.CreateTransport("a", 0).Connect(new Akka.Actor.Address("akka.tcp", "x", "x", 9));
        Run();
        Assert.IsType<RemoteTransportException>(connecting.Exception!.InnerException);
    }
}
