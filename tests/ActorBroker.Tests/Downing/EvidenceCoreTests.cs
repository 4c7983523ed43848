using ActorBroker.Downing;

namespace ActorBroker.Tests.Downing;

/// <summary>A member's process dies: what its peers find out, tell each other, and do; and what they must not do.</summary>
public class EvidenceCoreTests
{
    private static readonly NodeIncarnation A = new("a:1", 1);
    private static readonly NodeIncarnation B = new("b:1", 2);
    private static readonly NodeIncarnation C = new("c:1", 3);
    private static readonly TimeSpan Start = TimeSpan.FromSeconds(100);

    [Fact]
    public void A_refused_probe_is_reported_and_told_and_a_majority_downs()
    {
        var core = Core(A, B, C);
        core.OnTrouble(C.Address, Start);
        Assert.Equal([new EvidenceEffect.Probe(C)], Take(core));
        core.OnProbed(C, ProbeOutcome.Refused, Start);
        Assert.Equal([new EvidenceEffect.Report(C), new EvidenceEffect.Tell(B, C)], Take(core));
        core.OnWitness(B, C, Start);
        Assert.Equal([new EvidenceEffect.Down(C, 2, 3)], Take(core));
        core.OnWitness(B, C, Start);
        Assert.Empty(Take(core));
    }

    [Fact]
    public void One_of_three_alone_downs_nobody_however_often_it_finds_them_dead()
    {
        var core = Core(A, B, C);
        for (var i = 0; i < 100; i++)
        {
            var now = Start + TimeSpan.FromMilliseconds(100 * i);
            core.OnTrouble(B.Address, now);
            core.OnTrouble(C.Address, now);
            core.OnProbed(B, ProbeOutcome.Refused, now);
            core.OnProbed(C, ProbeOutcome.Refused, now);
            core.OnTick(now);
        }

        Assert.DoesNotContain(Take(core), effect => effect is EvidenceEffect.Down);
    }

    [Fact]
    public void One_of_two_downs_nobody()
    {
        var core = Core(A, B);
        core.OnTrouble(B.Address, Start);
        core.OnProbed(B, ProbeOutcome.Refused, Start);
        Assert.DoesNotContain(Take(core), effect => effect is EvidenceEffect.Down);
    }

    [Fact]
    public void Who_answers_is_asked_again_for_a_while_and_then_left_alone()
    {
        var core = Core(A, B, C);
        core.OnTrouble(C.Address, Start);
        var probes = 0;
        for (var now = Start; now < Start + TimeSpan.FromSeconds(4); now += TimeSpan.FromMilliseconds(10))
        {
            foreach (var effect in Take(core))
            {
                Assert.Equal(new EvidenceEffect.Probe(C), effect);
                probes++;
                core.OnProbed(C, ProbeOutcome.Answered, now);
            }

            core.OnTick(now);
        }

        Assert.InRange(probes, 5, 10);
    }

    [Fact]
    public void A_process_that_answers_only_until_its_listener_is_closed_is_found_dead_by_the_next_probe()
    {
        var core = Core(A, B, C);
        core.OnTrouble(C.Address, Start);
        Take(core);
        core.OnProbed(C, ProbeOutcome.Answered, Start);
        core.OnTick(Start + TimeSpan.FromMilliseconds(30));
        Assert.Equal([new EvidenceEffect.Probe(C)], Take(core));
        core.OnProbed(C, ProbeOutcome.Refused, Start + TimeSpan.FromMilliseconds(31));
        Assert.Contains(new EvidenceEffect.Report(C), Take(core));
    }

    [Fact]
    public void Silence_is_no_evidence()
    {
        var core = Core(A, B, C);
        core.OnTrouble(C.Address, Start);
        Take(core);
        core.OnProbed(C, ProbeOutcome.Silent, Start);
        core.OnTick(Start + TimeSpan.FromSeconds(2));
        Assert.Empty(Take(core));
        core.OnTick(Start + TimeSpan.FromSeconds(6));
        Assert.False(core.IsBusy);
    }

    [Fact]
    public void Another_members_word_makes_this_one_look_for_itself()
    {
        var core = Core(A, B, C);
        core.OnWitness(B, C, Start);
        Assert.Equal([new EvidenceEffect.Probe(C)], Take(core));
    }

    [Fact]
    public void The_word_of_strangers_and_about_them_counts_for_nothing()
    {
        var core = Core(A, B, C);
        core.OnWitness(new NodeIncarnation(B.Address, 99), C, Start);
        core.OnWitness(B, new NodeIncarnation(C.Address, 99), Start);
        core.OnWitness(B, A, Start);
        core.OnTrouble("elsewhere:1", Start);
        Assert.Empty(Take(core));
    }

    [Fact]
    public void Words_that_are_old_do_not_add_up()
    {
        var five = new NodeIncarnation[] { A, B, C, new("d:1", 4), new("e:1", 5) };
        var core = Core(five);
        core.OnWitness(B, C, Start);
        core.OnWitness(five[3], C, Start + EvidenceCore.Stands);
        core.OnProbed(C, ProbeOutcome.Refused, Start + EvidenceCore.Stands);
        Assert.DoesNotContain(Take(core), effect => effect is EvidenceEffect.Down);
        core.OnWitness(B, C, Start + EvidenceCore.Stands);
        Assert.Contains(new EvidenceEffect.Down(C, 3, 5), Take(core));
    }

    [Fact]
    public void One_that_leaves_in_order_is_not_looked_into()
    {
        var core = Core(A, B, C);
        core.OnTrouble(C.Address, Start);
        core.OnGone(C);
        Take(core);
        core.OnProbed(C, ProbeOutcome.Refused, Start);
        core.OnTrouble(C.Address, Start);
        Assert.Empty(Take(core));
    }

    private static EvidenceCore Core(params NodeIncarnation[] members)
    {
        var core = new EvidenceCore(members[0]);
        foreach (var member in members) core.OnMember(member);
        return core;
    }

    private static EvidenceEffect[] Take(EvidenceCore core)
    {
        EvidenceEffect[] effects = [.. core.Effects];
        core.Effects.Clear();
        return effects;
    }
}
