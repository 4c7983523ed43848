using Akka.Actor;
using Akka.Remote;

namespace Akka.Conformance.Tests.Remote;

/// <summary>Death watch, loss and return of nodes, quarantine.</summary>
public sealed class RemoteLifecycleSpec : IAsyncLifetime
{
    private readonly RemoteNode _a = RemoteNode.Start("a");

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _a.DisposeAsync();

    private static async Task<IActorRef> Find(RemoteNode from, Address address, string path)
    {
        // A gated address refuses for a while: whoever looks for a node that comes back must ask again.
        var deadline = DateTime.UtcNow + RemoteProbe.Deadline;
        while (true)
        {
            try
            {
                return await from.System.ActorSelection(address + path).ResolveOne(TimeSpan.FromMilliseconds(500));
            }
            catch (ActorNotFoundException) when (DateTime.UtcNow < deadline)
            {
            }
        }
    }

    /// <summary>Watches travel in order: once a later one, of nobody, has been answered, the earlier ones have arrived.</summary>
    private static void AwaitWatches(RemoteNode from, Address address)
    {
        var marker = from.Probe();
        marker.Watch(from.Resolve(address, "/user/marker"));
        marker.Expect<Terminated>();
    }

    [Fact]
    public async Task A_watched_actor_that_stops_is_reported_with_existence_confirmed()
    {
        await using var b = RemoteNode.Start("b");
        var echo = b.Echo("echo");
        var remote = await Find(_a, b.Address, "/user/echo");
        var probe = _a.Probe();
        probe.Watch(remote);
        AwaitWatches(_a, b.Address);
        b.System.Stop(echo);
        var terminated = probe.Expect<Terminated>();
        Assert.Equal(remote, terminated.ActorRef);
        Assert.True(terminated.ExistenceConfirmed);
        Assert.False(terminated.AddressTerminated);
    }

    [Fact]
    public async Task What_an_actor_sends_before_it_stops_comes_before_its_end()
    {
        await using var b = RemoteNode.Start("b");
        for (var i = 0; i < 20; i++)
        {
            b.Echo("echo" + i);
            var remote = await Find(_a, b.Address, "/user/echo" + i);
            var probe = _a.Probe();
            probe.Watch(remote);
            remote.Tell("last words", probe.Ref);
            probe.Expect("I said");
            probe.Expect<Terminated>();
        }
    }

    [Fact]
    public async Task Watching_nobody_ends_at_once_without_confirmation()
    {
        await using var b = RemoteNode.Start("b");
        var probe = _a.Probe();
        probe.Watch(_a.Resolve(b.Address, "/user/nobody"));
        Assert.False(probe.Expect<Terminated>().ExistenceConfirmed);
    }

    [Fact]
    public async Task An_unwatched_actor_is_not_reported()
    {
        await using var b = RemoteNode.Start("b");
        b.Echo("one");
        b.Echo("two");
        var one = await Find(_a, b.Address, "/user/one");
        var two = await Find(_a, b.Address, "/user/two");
        var probe = _a.Probe();
        probe.Watch(one);
        probe.Watch(two);
        probe.Unwatch(one);
        one.Tell(PoisonPill.Instance);
        two.Tell(PoisonPill.Instance);
        Assert.Equal(two, probe.Expect<Terminated>().ActorRef);
    }

    [Fact]
    public async Task Two_systems_can_watch_each_other()
    {
        await using var b = RemoteNode.Start("b");
        var here = _a.Echo("here");
        var there = b.Echo("there");
        var watcherHere = _a.Probe();
        var watcherThere = b.Probe();
        watcherHere.Watch(await Find(_a, b.Address, "/user/there"));
        watcherThere.Watch(await Find(b, _a.Address, "/user/here"));
        _a.System.Stop(here);
        b.System.Stop(there);
        Assert.Equal("there", watcherHere.Expect<Terminated>().ActorRef.Path.Name);
        Assert.Equal("here", watcherThere.Expect<Terminated>().ActorRef.Path.Name);
    }

    [Fact]
    public async Task A_system_that_terminates_in_order_ends_its_watched_actors()
    {
        var b = RemoteNode.Start("b");
        b.Echo("echo");
        var probe = _a.Probe();
        probe.Watch(await Find(_a, b.Address, "/user/echo"));
        await b.DisposeAsync();
        Assert.Equal("echo", probe.Expect<Terminated>().ActorRef.Path.Name);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_node_that_vanishes_ends_all_its_watched_actors_and_is_quarantined(bool silently)
    {
        var port = Ports.Next();
        using var proxy = new TcpProxy(port);
        await using var b = RemoteNode.Start("b", port, $"akka.remote.dot-netty.tcp.public-port = {proxy.Port}");
        Assert.Equal(proxy.Port, b.Address.Port);
        b.Echo("one");
        b.Echo("two");
        var quarantined = _a.Listen<QuarantinedEvent>();
        var probe = _a.Probe();
        probe.Watch(await Find(_a, b.Address, "/user/one"));
        probe.Watch(await Find(_a, b.Address, "/user/two"));
        AwaitWatches(_a, b.Address);
        // The uid comes with the answer to a heartbeat, of which nothing tells: some heartbeats later it is there.
        await Task.Delay(1_000);
        if (silently)
            proxy.Freeze();
        else
            proxy.Dispose();
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < 2; i++)
        {
            var terminated = probe.Expect<Terminated>();
            Assert.True(terminated.AddressTerminated);
            names.Add(terminated.ActorRef.Path.Name);
        }

        Assert.Equal(2, names.Count);
        // When the end is noticed amid an attempt to connect again, the quarantine is settled without an event.
        if (!silently)
            return;
        var quarantine = quarantined.Expect<QuarantinedEvent>();
        Assert.Equal(b.Address, quarantine.Address);
        Assert.Equal(AddressUidExtension.Uid(b.System), quarantine.Uid);
    }

    [Fact]
    public void An_actor_of_a_node_that_was_never_there_is_declared_dead_unconfirmed()
    {
        var probe = _a.Probe();
        probe.Watch(_a.Resolve(new Address(_a.Address.Protocol, "ghost", "127.0.0.1", Ports.Next()), "/user/x"));
        Assert.False(probe.Expect<Terminated>().ExistenceConfirmed);
    }

    [Fact]
    public async Task A_peer_restarted_on_its_port_is_reached_and_watched_again()
    {
        var port = Ports.Next();
        var first = RemoteNode.Start("b", port);
        first.Echo("echo");
        var uid = AddressUidExtension.Uid(first.System);
        var address = first.Address;
        var probe = _a.Probe();
        var old = await Find(_a, address, "/user/echo");
        probe.Watch(old);
        await first.DisposeAsync();
        probe.Expect<Terminated>();

        await using var second = RemoteNode.Start("b", port);
        second.Echo("echo");
        Assert.NotEqual(uid, AddressUidExtension.Uid(second.System));
        var found = await Find(_a, address, "/user/echo");
        Assert.NotEqual(old, found);
        probe.Watch(found);
        found.Tell("again", probe.Ref);
        probe.Expect("again");
        found.Tell(PoisonPill.Instance);
        Assert.Equal(found, probe.Expect<Terminated>().ActorRef);
    }

    [Fact]
    public async Task A_quarantined_peer_learns_so_and_only_its_restart_ends_it()
    {
        var port = Ports.Next();
        var b = RemoteNode.Start("b", port);
        b.Echo("echo");
        var address = b.Address;
        var echo = await Find(_a, address, "/user/echo");
        var uid = AddressUidExtension.Uid(b.System);
        var quarantined = _a.Listen<QuarantinedEvent>();
        var refused = b.Listen<ThisActorSystemQuarantinedEvent>();
        _a.Provider.Quarantine(address, uid);
        Assert.Equal(uid, quarantined.Expect<QuarantinedEvent>().Uid);

        // The peer, when it tries to talk, is told.
        var deadline = DateTime.UtcNow + RemoteProbe.Deadline;
        var told = Task.Run(() => refused.FishFor<ThisActorSystemQuarantinedEvent>());
        while (!told.IsCompleted && DateTime.UtcNow < deadline)
        {
            b.Resolve(_a.Address, "/user/x").Tell("let me in");
            await Task.WhenAny(told, Task.Delay(100));
        }

        Assert.Equal(_a.Address, (await told).RemoteAddress);
        await Assert.ThrowsAnyAsync<Exception>(() => echo.Ask<string>("still there?", TimeSpan.FromMilliseconds(500)));

        await b.DisposeAsync();
        await using var restarted = RemoteNode.Start("b", port);
        restarted.Echo("echo");
        var found = await Find(_a, address, "/user/echo");
        Assert.Equal("welcome", await found.Ask<string>("welcome", RemoteProbe.Deadline));
    }

    [Fact]
    public async Task Connections_are_announced()
    {
        var opened = _a.Listen<AssociatedEvent>();
        var closed = _a.Listen<DisassociatedEvent>();
        var b = RemoteNode.Start("b");
        b.Echo("echo");
        await Find(_a, b.Address, "/user/echo");
        Assert.Equal(b.Address, opened.Expect<AssociatedEvent>().RemoteAddress);
        await b.DisposeAsync();
        Assert.Equal(b.Address, closed.Expect<DisassociatedEvent>().RemoteAddress);
    }

    [Fact]
    public async Task What_was_sent_just_before_a_system_ends_still_arrives()
    {
        var target = _a.Probe();
        await using (var b = RemoteNode.Start("b"))
        {
            // The connection is open: what is queued on it is flushed.
            Assert.NotNull(await b.System.ActorSelection(_a.Address + target.Ref.Path.ToStringWithoutAddress()).ResolveOne(RemoteProbe.Deadline));
            for (var i = 0; i < 1_000; i++)
                b.Resolve(_a.Address, target.Ref.Path.ToStringWithoutAddress()).Tell(i);
        }

        for (var i = 0; i < 1_000; i++)
            target.Expect(i);
    }
}
