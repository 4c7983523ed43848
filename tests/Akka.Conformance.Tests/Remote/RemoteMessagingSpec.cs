using System.Net.Sockets;
using Akka.Actor;
using Akka.Remote;

namespace Akka.Conformance.Tests.Remote;

/// <summary>Messages between two systems over real TCP.</summary>
public sealed class RemoteMessagingSpec : IAsyncLifetime
{
    private readonly RemoteNode _a = RemoteNode.Start("a");
    private readonly RemoteNode _b = RemoteNode.Start("b");

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    private IActorRef RemoteEcho(string name = "echo")
    {
        _b.Echo(name);
        return _a.Resolve(_b.Address, "/user/" + name);
    }

    [Fact]
    public void Messages_and_replies_keep_their_order()
    {
        var echo = RemoteEcho();
        var probe = _a.Probe();
        for (var i = 0; i < 5_000; i++)
            echo.Tell(i, probe.Ref);
        for (var i = 0; i < 5_000; i++)
            probe.Expect(i);
        Assert.Equal("/user/echo", probe.LastSender.Path.ToStringWithoutAddress());
        Assert.Equal(_b.Address, probe.LastSender.Path.Address);
    }

    [Fact]
    public async Task Built_in_types_arrive_as_they_were()
    {
        var echo = RemoteEcho();
        Assert.Equal("grüße €", await echo.Ask<string>("grüße €", RemoteProbe.Deadline));
        Assert.Equal("", await echo.Ask<string>("", RemoteProbe.Deadline));
        Assert.Equal(int.MinValue, await echo.Ask<int>(int.MinValue, RemoteProbe.Deadline));
        Assert.Equal(long.MaxValue, await echo.Ask<long>(long.MaxValue, RemoteProbe.Deadline));
        Assert.Equal([1, 2, 3], await echo.Ask<byte[]>(new byte[] { 1, 2, 3 }, RemoteProbe.Deadline));
        Assert.Equal("ok", (await echo.Ask<Status.Success>(new Status.Success("ok"), RemoteProbe.Deadline)).Status);
    }

    [Fact]
    public async Task An_actor_reference_leads_back_to_its_actor()
    {
        var echo = RemoteEcho();
        var probe = _a.Probe();
        Assert.Equal(probe.Ref, await echo.Ask<IActorRef>(probe.Ref, RemoteProbe.Deadline));
        var itself = await echo.Ask<IActorRef>(echo, RemoteProbe.Deadline);
        itself.Tell("through it", probe.Ref);
        probe.Expect("through it");
    }

    [Fact]
    public async Task A_failure_faults_the_ask()
    {
        var echo = RemoteEcho();
        var failure = await Assert.ThrowsAnyAsync<Exception>(() => echo.Ask<string>("fail", RemoteProbe.Deadline));
        Assert.Contains("as asked", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_selection_reaches_by_name_and_by_pattern()
    {
        RemoteEcho("one");
        RemoteEcho("two");
        Assert.Equal("x", await _a.System.ActorSelection($"{_b.Address}/user/one").Ask<string>("x", RemoteProbe.Deadline));
        var probe = _a.Probe();
        _a.System.ActorSelection($"{_b.Address}/user/*").Tell("all", probe.Ref);
        probe.Expect("all");
        var first = probe.LastSender;
        probe.Expect("all");
        Assert.NotEqual(first, probe.LastSender);
    }

    [Fact]
    public async Task Identify_tells_who_is_there_and_who_is_not()
    {
        RemoteEcho();
        var found = await _a.System.ActorSelection($"{_b.Address}/user/echo").Ask<ActorIdentity>(new Identify("id"), RemoteProbe.Deadline);
        Assert.Equal("id", found.MessageId);
        Assert.Equal("hello", await found.Subject!.Ask<string>("hello", RemoteProbe.Deadline));
        var missing = await _a.System.ActorSelection($"{_b.Address}/user/nobody").Ask<ActorIdentity>(new Identify(7), RemoteProbe.Deadline);
        Assert.Equal(7, missing.MessageId);
        Assert.Null(missing.Subject);
        var resolved = await _a.System.ActorSelection($"{_b.Address}/user/echo").ResolveOne(RemoteProbe.Deadline);
        Assert.Equal(found.Subject, resolved);
    }

    [Fact]
    public void A_reference_to_an_ended_actor_does_not_reach_its_successor_of_the_same_name()
    {
        RemoteEcho();
        var probe = _a.Probe();
        _a.System.ActorSelection($"{_b.Address}/user/echo").Tell(new Identify(1), probe.Ref);
        var first = probe.Expect<ActorIdentity>().Subject!;
        probe.Watch(first);
        first.Tell(PoisonPill.Instance);
        probe.Expect<Terminated>();
        _b.Echo("echo");
        first.Tell("to the first", probe.Ref);
        _a.Resolve(_b.Address, "/user/echo").Tell("to the name", probe.Ref);
        probe.Expect("to the name");
    }

    [Fact]
    public async Task A_forwarded_message_is_answered_to_whoever_asked()
    {
        RemoteEcho();
        var local = _a.System.ActorOf(Props.Create(() => new Forwarder(_a.Resolve(_b.Address, "/user/echo"))));
        Assert.Equal("via", await local.Ask<string>("via", RemoteProbe.Deadline));
    }

    [Fact]
    public async Task A_message_to_an_alias_of_the_address_is_dropped()
    {
        var target = _b.Probe();
        var path = target.Ref.Path.ToStringWithoutAddress();
        await using var other = RemoteNode.Start("other");
        var connected = _b.Listen<AssociatedEvent>();
        other.Resolve(_b.Address.WithHost("localhost"), path).Tell("by alias");
        connected.Expect<AssociatedEvent>();
        _a.Resolve(_b.Address, path).Tell("by name");
        target.Expect("by name");
        await other.DisposeAsync();
        _a.Resolve(_b.Address, path).Tell("still the only one");
        target.Expect("still the only one");
    }

    [Fact]
    public void Between_every_pair_of_actors_messages_keep_their_order()
    {
        const int pairs = 8, count = 500;
        var probes = Enumerable.Range(0, pairs).Select(_ => _b.Probe()).ToArray();
        var senders = Enumerable.Range(0, pairs).Select(_ => _a.System.ActorOf(Props.Create(() => new Burst(count)))).ToArray();
        var targets = probes.Select(p => _a.Resolve(_b.Address, p.Ref.Path.ToStringWithoutAddress())).ToArray();
        foreach (var sender in senders)
            foreach (var target in targets)
                sender.Tell(target);
        foreach (var probe in probes)
        {
            var next = new Dictionary<ActorPath, int>();
            for (var i = 0; i < pairs * count; i++)
            {
                var number = probe.Expect<int>();
                var path = probe.LastSender.Path;
                Assert.Equal(next.GetValueOrDefault(path), number);
                next[path] = number + 1;
            }

            Assert.Equal(pairs, next.Count);
        }
    }

    [Fact]
    public void A_message_above_the_frame_limit_is_dropped_and_the_next_one_arrives()
    {
        var echo = RemoteEcho();
        var probe = _a.Probe();
        echo.Tell(new byte[100_000], probe.Ref);
        Assert.Equal(100_000, probe.Expect<byte[]>().Length);
        echo.Tell(new byte[200_000], probe.Ref);
        echo.Tell("after", probe.Ref);
        probe.Expect("after");
    }

    [Theory]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3 })]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0x7F, 1, 2, 3 })]
    [InlineData(new byte[] { 3, 0, 0, 0, 0xFF, 0xFF, 0xFF })]
    [InlineData(new byte[] { (byte)'G', (byte)'E', (byte)'T', (byte)' ', (byte)'/', (byte)'\r', (byte)'\n' })]
    public async Task Garbage_on_the_port_harms_nobody_else(byte[] garbage)
    {
        var echo = RemoteEcho();
        Assert.Equal("before", await echo.Ask<string>("before", RemoteProbe.Deadline));
        using var client = new TcpClient("127.0.0.1", _b.Address.Port!.Value);
        await client.GetStream().WriteAsync(garbage);
        await client.GetStream().WriteAsync(new byte[1000]);
        Assert.Equal("during", await echo.Ask<string>("during", RemoteProbe.Deadline));
        client.Close();
        Assert.Equal("after", await echo.Ask<string>("after", RemoteProbe.Deadline));
    }

    private sealed class Forwarder(IActorRef target) : UntypedActor
    {
        protected override void OnReceive(object message) => target.Forward(message);
    }

    private sealed class Burst(int count) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            for (var i = 0; i < count; i++)
                ((IActorRef)message).Tell(i);
        }
    }
}
