using ActorBroker.Hosting;

namespace ActorBroker.Tests.Hosting;

/// <summary>One broker's standing with the controller: registration, the way to serving, losing the controller, stopping.</summary>
public class NodeLifecycleCoreTests
{
    private static readonly NodeLifecycleOptions Options = new(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(10));
    private static readonly TimeSpan Start = TimeSpan.FromSeconds(50);

    [Fact]
    public void It_serves_once_its_metadata_shows_it_unfenced_and_its_replicas_are_as_that_says()
    {
        var core = new NodeLifecycleCore(Options);
        core.OnTick(Start);
        Assert.Empty(Take(core));
        core.OnJoined(Start);
        Assert.Equal([new NodeEffect.Register()], Take(core));
        core.OnAccepted(7, Start);
        Assert.Equal([new NodeEffect.Registered(7), new NodeEffect.Heartbeat(7, -1, WantsShutdown: false)], Take(core));
        core.OnMetadata(7, _ => false, othersAreActive: true, Start);
        core.OnReconciled(7, Start);
        Assert.Equal([new NodeEffect.Heartbeat(7, 7, WantsShutdown: false)], Take(core));
        core.OnMetadata(8, epoch => epoch == 7, othersAreActive: true, Start);
        Assert.Empty(Take(core));
        core.OnReconciled(8, Start);
        Assert.Equal([new NodeEffect.TellReconciled(7, 8), new NodeEffect.Serve()], Take(core));
    }

    [Fact]
    public void Unfenced_under_another_epoch_is_not_unfenced()
    {
        var core = new NodeLifecycleCore(Options);
        core.OnJoined(Start);
        core.OnAccepted(7, Start);
        core.OnMetadata(9, epoch => epoch == 9, othersAreActive: true, Start);
        core.OnReconciled(9, Start);
        Assert.DoesNotContain(new NodeEffect.Serve(), Take(core));
    }

    [Fact]
    public void A_registration_without_an_answer_is_sent_again_and_so_is_one_that_was_forgotten()
    {
        var core = new NodeLifecycleCore(Options);
        core.OnJoined(Start);
        Take(core);
        core.OnTick(Start + TimeSpan.FromMilliseconds(900));
        Assert.Empty(Take(core));
        core.OnTick(Start + TimeSpan.FromSeconds(1));
        Assert.Equal([new NodeEffect.Register()], Take(core));
        core.OnAccepted(7, Start + TimeSpan.FromSeconds(1));
        Take(core);
        core.OnUnknown(Start + TimeSpan.FromSeconds(2));
        Assert.Equal([new NodeEffect.Register()], Take(core));
        Assert.Null(core.Epoch);
    }

    [Fact]
    public void It_fences_itself_after_a_session_without_an_answer_and_serves_again_only_with_what_the_controller_knows()
    {
        var core = Serving();
        Run(core, Start, TimeSpan.FromMilliseconds(3_900));
        Assert.DoesNotContain(Take(core), effect => effect is NodeEffect.SelfFence);
        var lost = Start + TimeSpan.FromMilliseconds(4_100);
        core.OnTick(lost);
        Assert.Contains(new NodeEffect.SelfFence(IsFenced: true), Take(core));

        // The answer to a heartbeat of more than a session ago is no contact.
        Run(core, lost, TimeSpan.FromMilliseconds(500));
        lost += TimeSpan.FromMilliseconds(500);
        core.OnHeartbeatAnswered(7, 20, mayShutDown: false, lost);
        core.OnMetadata(20, _ => true, othersAreActive: true, lost);
        Assert.DoesNotContain(Take(core), effect => effect is NodeEffect.SelfFence);
        Run(core, lost, TimeSpan.FromMilliseconds(600));
        Take(core);

        // Contact, but what was decided meanwhile is missing here.
        core.OnHeartbeatAnswered(7, 21, mayShutDown: false, lost + TimeSpan.FromMilliseconds(600));
        Assert.Empty(Take(core));
        core.OnMetadata(21, _ => true, othersAreActive: true, lost + TimeSpan.FromMilliseconds(700));
        Assert.Equal([new NodeEffect.SelfFence(IsFenced: false)], Take(core));
    }

    [Fact]
    public void Answers_keep_the_session()
    {
        var core = Serving();
        for (var now = Start; now < Start + TimeSpan.FromSeconds(30); now += TimeSpan.FromMilliseconds(50))
        {
            core.OnTick(now);
            foreach (var effect in Take(core))
            {
                var heartbeat = Assert.IsType<NodeEffect.Heartbeat>(effect);
                core.OnHeartbeatAnswered(heartbeat.Epoch, 8, mayShutDown: false, now);
            }
        }
    }

    [Fact]
    public void A_stop_waits_until_others_lead_in_its_place()
    {
        var core = Serving();
        core.OnStop(mayWait: true, Start);
        Assert.Equal([new NodeEffect.Heartbeat(7, 8, WantsShutdown: true)], Take(core));
        core.OnHeartbeatAnswered(7, 9, mayShutDown: false, Start);
        Assert.Empty(Take(core));
        core.OnHeartbeatAnswered(7, 10, mayShutDown: true, Start);
        Assert.Equal([new NodeEffect.MayStop()], Take(core));
        Run(core, Start, TimeSpan.FromSeconds(20));
        Assert.Empty(Take(core));
    }

    [Fact]
    public void A_stop_waits_no_longer_than_its_patience()
    {
        var core = Serving();
        core.OnStop(mayWait: true, Start);
        for (var now = Start; now < Start + Options.ShutdownPatience; now += TimeSpan.FromMilliseconds(50))
        {
            core.OnTick(now);
            core.OnHeartbeatAnswered(7, 8, mayShutDown: false, now);
        }

        Assert.DoesNotContain(new NodeEffect.MayStop(), Take(core));
        core.OnTick(Start + Options.ShutdownPatience);
        Assert.Equal([new NodeEffect.MayStop()], Take(core));
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void Nobody_waits_where_nobody_could_take_over(bool mayWait, bool othersAreActive)
    {
        var core = Serving();
        core.OnMetadata(8, _ => true, othersAreActive, Start);
        core.OnStop(mayWait, Start);
        Assert.Equal([new NodeEffect.MayStop()], Take(core));
    }

    private static NodeLifecycleCore Serving()
    {
        var core = new NodeLifecycleCore(Options);
        core.OnJoined(Start);
        core.OnAccepted(7, Start);
        core.OnMetadata(8, _ => true, othersAreActive: true, Start);
        core.OnReconciled(8, Start);
        core.OnHeartbeatAnswered(7, 8, mayShutDown: false, Start);
        Take(core);
        return core;
    }

    private static void Run(NodeLifecycleCore core, TimeSpan from, TimeSpan time)
    {
        for (var now = from; now < from + time; now += TimeSpan.FromMilliseconds(50)) core.OnTick(now);
    }

    private static NodeEffect[] Take(NodeLifecycleCore core)
    {
        NodeEffect[] effects = [.. core.Effects];
        core.Effects.Clear();
        return effects;
    }
}
