using Akka.Actor;
using Akka.Conformance.Tests.Remote;
using Akka.Remote;

namespace Akka.Interop.Tests;

/// <summary>"Here" is the embedded engine, "there" the official one.</summary>
public sealed class InteropSpec : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = RemoteProbe.Deadline;

    private readonly RemoteNode _here = RemoteNode.Start("here");
    private Peer _there = null!;

    public async Task InitializeAsync() => _there = await Peer.Start();

    public async Task DisposeAsync()
    {
        await _here.DisposeAsync();
        _there.Dispose();
    }

    private IActorRef There(string path) => _here.Resolve(_there.Address, path);

    private IActorRef Control => There("/user/control");

    [Fact]
    public async Task Values_come_back_as_they_were()
    {
        var echo = There("/user/echo");
        Assert.Equal("grüße €", await echo.Ask<string>("grüße €", Deadline));
        Assert.Equal("", await echo.Ask<string>("", Deadline));
        Assert.Equal(-1, await echo.Ask<int>(-1, Deadline));
        Assert.Equal(long.MinValue, await echo.Ask<long>(long.MinValue, Deadline));
        Assert.Equal([0, 255], await echo.Ask<byte[]>(new byte[] { 0, 255 }, Deadline));
        var self = _here.Probe().Ref;
        Assert.Equal(self, await echo.Ask<IActorRef>(self, Deadline));
        Assert.Equal("fine", (await echo.Ask<Status.Success>(new Status.Success("fine"), Deadline)).Status);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => echo.Ask<string>(new Status.Failure(new InvalidOperationException("bad")), Deadline));
        Assert.Contains("bad", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Bursts_keep_their_order_both_ways()
    {
        var probe = _here.Probe();
        var echo = There("/user/echo");
        for (var i = 0; i < 5_000; i++)
            echo.Tell(i, probe.Ref);
        for (var i = 0; i < 5_000; i++)
            probe.Expect(i);
        var target = _here.Probe();
        Control.Tell($"send 5000 {_here.Address}{target.Ref.Path.ToStringWithoutAddress()}");
        for (var i = 0; i < 5_000; i++)
            target.Expect(i);
    }

    [Fact]
    public async Task The_peer_can_open_the_conversation()
    {
        _here.Echo("echo");
        Assert.Equal("hi", await Control.Ask<string>($"ask {_here.Address}/user/echo hi", Deadline));
        Assert.Equal($"q {_here.Address}/user/echo", await Control.Ask<string>($"identify {_here.Address}/user/echo", Deadline));
        Assert.Equal("q ", await Control.Ask<string>($"identify {_here.Address}/user/nobody", Deadline));
        Assert.Equal("all", await Control.Ask<string>($"ask {_here.Address}/user/ec* all", Deadline));
    }

    [Fact]
    public async Task Selections_and_identify_reach_the_peer()
    {
        var found = await _here.System.ActorSelection($"{_there.Address}/user/echo").ResolveOne(Deadline);
        Assert.Equal("x", await found.Ask<string>("x", Deadline));
        Assert.Equal("y", await _here.System.ActorSelection($"{_there.Address}/user/e?ho").Ask<string>("y", Deadline));
        var missing = await _here.System.ActorSelection($"{_there.Address}/user/nobody").Ask<ActorIdentity>(new Identify("m"), Deadline);
        Assert.Null(missing.Subject);
        Assert.Equal("m", missing.MessageId);
    }

    [Fact]
    public async Task Here_watches_there()
    {
        var probe = _here.Probe();
        var one = await Control.Ask<IActorRef>("spawn one", Deadline);
        var two = await Control.Ask<IActorRef>("spawn two", Deadline);
        probe.Watch(one);
        probe.Watch(two);
        probe.Unwatch(one);
        var marker = _here.Probe();
        marker.Watch(There("/user/marker"));
        Assert.False(marker.Expect<Terminated>().ExistenceConfirmed);
        Control.Tell("stop one");
        Control.Tell("stop two");
        var terminated = probe.Expect<Terminated>();
        Assert.Equal(two, terminated.ActorRef);
        Assert.True(terminated.ExistenceConfirmed);
        Assert.False(terminated.AddressTerminated);
    }

    [Fact]
    public void There_watches_here()
    {
        var report = _here.Probe();
        var watched = _here.Echo("watched");
        var path = $"{_here.Address}/user/watched";
        Control.Tell($"watch {path}", report.Ref);
        report.Expect("watching");
        var forgetful = _here.Probe();
        Control.Tell($"watch {path}", forgetful.Ref);
        forgetful.Expect("watching");
        forgetful.LastSender.Tell("unwatch", forgetful.Ref);
        forgetful.Expect("unwatched");
        _here.System.Stop(watched);
        Assert.StartsWith($"terminated {path} ", report.Expect<string>(), StringComparison.Ordinal);
        // An answer that left after any report of the end would.
        There("/user/echo").Tell("later", forgetful.Ref);
        forgetful.Expect("later");
    }

    [Fact]
    public async Task A_peer_killed_is_reported_for_every_actor_watched_there()
    {
        var probe = _here.Probe();
        probe.Watch(await Control.Ask<IActorRef>("spawn one", Deadline));
        probe.Watch(await Control.Ask<IActorRef>("spawn two", Deadline));
        var marker = _here.Probe();
        marker.Watch(There("/user/marker"));
        marker.Expect<Terminated>();
        _there.Kill();
        Assert.True(probe.Expect<Terminated>().AddressTerminated);
        Assert.True(probe.Expect<Terminated>().AddressTerminated);
    }

    [Fact]
    public async Task This_side_vanishing_is_reported_there()
    {
        var port = Ports.Next();
        using var proxy = new TcpProxy(port);
        await using var lost = RemoteNode.Start("lost", port, $"akka.remote.dot-netty.tcp.public-port = {proxy.Port}");
        lost.Echo("echo");
        var report = _here.Probe();
        Control.Tell($"watch {lost.Address}/user/echo", report.Ref);
        report.Expect("watching");
        proxy.Freeze();
        Assert.EndsWith("address=True", report.Expect<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_peer_that_terminates_in_order_is_seen_to_end()
    {
        var probe = _here.Probe();
        probe.Watch(await Control.Ask<IActorRef>("spawn one", Deadline));
        var marker = _here.Probe();
        marker.Watch(There("/user/marker"));
        marker.Expect<Terminated>();
        Control.Tell("terminate");
        probe.Expect<Terminated>();
        await _there.WaitForExit();
    }

    [Fact]
    public async Task Payloads_near_the_frame_limit_pass_and_larger_ones_harm_nothing()
    {
        var echo = There("/user/echo");
        var probe = _here.Probe();
        for (var size = 127_000; size < 127_700; size += 50)
        {
            echo.Tell(new byte[size], probe.Ref);
            Assert.Equal(size, probe.Expect<byte[]>().Length);
        }

        echo.Tell(new byte[130_000], probe.Ref);
        Control.Tell("blob 130000", probe.Ref);
        echo.Tell("after", probe.Ref);
        probe.Expect("after");
        Assert.Equal("still here", await echo.Ask<string>("still here", Deadline));
    }

    [Fact]
    public async Task A_peer_that_we_quarantine_learns_so_and_its_restart_is_welcome()
    {
        var port = _there.Address.Port!.Value;
        var uid = int.Parse(await Control.Ask<string>("uid", Deadline));
        var events = _here.Probe();
        Control.Tell("events", events.Ref);
        events.Expect("listening");
        var quarantined = _here.Listen<QuarantinedEvent>();
        _here.Provider.Quarantine(_there.Address, uid);
        Assert.Equal(uid, quarantined.Expect<QuarantinedEvent>().Uid);
        await Assert.ThrowsAnyAsync<Exception>(() => There("/user/echo").Ask<string>("hello?", TimeSpan.FromSeconds(1)));
        _there.Kill();
        _there.Dispose();
        _there = await Peer.Start("peer", port);
        await Eventually(() => There("/user/echo").Ask<string>("welcome", TimeSpan.FromSeconds(1)), "welcome");
    }

    [Fact]
    public async Task A_peer_that_quarantines_us_is_heard()
    {
        var refused = _here.Listen<ThisActorSystemQuarantinedEvent>();
        Assert.Equal("hello", await There("/user/echo").Ask<string>("hello", Deadline));
        Control.Tell($"quarantine {_here.Address} {AddressUidExtension.Uid(_here.System)}");
        var told = Task.Run(() => refused.Expect<ThisActorSystemQuarantinedEvent>());
        var until = DateTime.UtcNow + Deadline;
        while (!told.IsCompleted && DateTime.UtcNow < until)
        {
            There("/user/echo").Tell("let me in");
            await Task.WhenAny(told, Task.Delay(200));
        }

        Assert.Equal(_there.Address, (await told).RemoteAddress);
    }

    [Fact]
    public async Task A_peer_killed_and_started_again_on_its_port_is_reached_and_watched()
    {
        var port = _there.Address.Port!.Value;
        var probe = _here.Probe();
        probe.Watch(await Control.Ask<IActorRef>("spawn one", Deadline));
        var marker = _here.Probe();
        marker.Watch(There("/user/marker"));
        marker.Expect<Terminated>();
        _there.Kill();
        probe.Expect<Terminated>();
        _there.Dispose();
        _there = await Peer.Start("peer", port);
        await Eventually(() => There("/user/echo").Ask<string>("again", TimeSpan.FromSeconds(1)), "again");
        probe.Watch(await Control.Ask<IActorRef>("spawn one", Deadline));
        marker = _here.Probe();
        marker.Watch(There("/user/marker"));
        marker.Expect<Terminated>();
        Control.Tell("stop one");
        Assert.True(probe.Expect<Terminated>().ExistenceConfirmed);
    }

    private static async Task Eventually(Func<Task<string>> ask, string expected)
    {
        var until = DateTime.UtcNow + Deadline;
        while (true)
        {
            try
            {
                Assert.Equal(expected, await ask());
                return;
            }
            catch (AskTimeoutException) when (DateTime.UtcNow < until)
            {
                // Gated still.
            }
        }
    }
}
