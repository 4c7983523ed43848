namespace ActorBroker.MultiNode.Tests.Histories;

/// <summary>Hand-made histories: a sound one passes, and each violation is found, and only that one.</summary>
public class HistoryCheckerTests
{
    private static readonly History Sound = new(
        Sends:
        [
            Sent(0, 0, offset: 0), Sent(1, 0, offset: 1), Sent(2, 0, offset: 4), Sent(3, 1, offset: 0),
            Sent(4, 0, offset: 5) with { IsDurable = false },
            Sent(5, 0, offset: -1) with { Outcome = SendOutcome.Unknown },
            Sent(6, 1, offset: -1) with { Outcome = SendOutcome.NeverSent },
        ],
        Seen: [Read(0, 0, 0, hw: 2), Read(0, 1, 1, hw: 2), Read(1, 0, 3, hw: 1), Read(0, 2, 0, hw: 5), Read(0, 3, 1, hw: 5)],
        Leaders: [new(0, 1, 1, "1"), new(0, 1, 1, "2"), new(0, 2, 2, "1"), new(0, 2, -1, "3")],
        Retries: [new("p", Seconds(0.5), Seconds(0.6))],
        Final: [There(0, 0, 0), There(0, 1, 1), There(0, 2, 0), There(0, 3, 1), There(0, 4, 2), There(0, 5, 4), There(1, 0, 3)],
        UnorderedProducers: new HashSet<string>(),
        ExactlyOnce: new HashSet<string>());

    [Fact]
    public void A_sound_history_has_no_faults() => Assert.Empty(HistoryChecker.Check(Sound));

    [Fact]
    public void A_record_without_an_outcome_may_be_there() =>
        Assert.Empty(HistoryChecker.Check(Sound with { Final = [.. Sound.Final, There(0, 6, 5)] }));

    [Fact]
    public void An_acknowledged_record_that_is_missing_is_lost() =>
        Only(Fault.Lost, Sound with { Sends = [.. Sound.Sends, Sent(7, 0, offset: 6)] });

    [Fact]
    public void An_acknowledged_record_whose_place_another_took_is_lost() =>
        Only(Fault.Lost, Sound with { Sends = [.. Sound.Sends, Sent(7, 1, offset: 0)] });

    [Fact]
    public void A_record_acknowledged_by_its_leader_alone_may_be_lost() =>
        Assert.Empty(HistoryChecker.Check(Sound with { Sends = [.. Sound.Sends, Sent(7, 0, offset: 6) with { IsDurable = false }] }));

    [Fact]
    public void What_a_reader_was_given_must_stay() =>
        Only(Fault.Unread, Sound with { Seen = [.. Sound.Seen, Read(1, 1, 7, hw: 2)] });

    [Fact]
    public void What_a_reader_was_given_must_not_become_another_record() =>
        Only(Fault.Unread, Sound with { Seen = [.. Sound.Seen, Read(0, 4, 5, hw: 5)] });

    [Fact]
    public void A_record_that_nobody_sent_is_invented() =>
        Only(Fault.Invented, Sound with { Final = [.. Sound.Final, There(1, 1, 99)] });

    [Fact]
    public void A_refused_record_is_invented() =>
        Only(Fault.Invented, Sound with { Final = [.. Sound.Final, There(1, 1, 6)] });

    [Fact]
    public void A_record_in_another_partition_is_invented() =>
        Only(Fault.Invented, Sound with { Final = [.. Sound.Final, There(1, 1, 5)] });

    [Fact]
    public void A_copy_of_what_was_not_sent_again_is_a_fault()
    {
        Only(Fault.Copied, Sound with { Retries = [] });
        Only(Fault.Copied, Sound with { Retries = [new("p", Seconds(1.1), Seconds(1.2))] });
        Only(Fault.Copied, Sound with { Retries = [new("other", Seconds(0.5), Seconds(0.6))] });
    }

    [Fact]
    public void No_copy_of_an_idempotent_producer_is_excused_nor_a_change_of_order()
    {
        Only(Fault.Copied, Sound with { ExactlyOnce = new HashSet<string> { "p" } });
        var turned = Sound with { Sends = [Sent(0, 0, 1), Sent(1, 0, 0)], Seen = [], Final = [There(0, 0, 1), There(0, 1, 0)] };
        Only(Fault.Order, turned with { UnorderedProducers = new HashSet<string> { "p" }, ExactlyOnce = new HashSet<string> { "p" } });
    }

    [Fact]
    public void A_hole_and_a_doubled_offset_are_faults()
    {
        Only(Fault.Offsets, Sound with { Final = [.. Sound.Final, There(0, 7, 5)] });
        Only(Fault.Offsets, Sound with { Final = [.. Sound.Final, There(0, 5, 4)] });
        Only(Fault.Offsets, Sound with { Sends = [], Seen = [], Final = [There(0, 1, 1)] }, also: Fault.Invented);
    }

    [Fact]
    public void Records_that_changed_places_are_a_fault_unless_the_producer_said_so()
    {
        var turned = Sound with { Sends = [Sent(0, 0, 1), Sent(1, 0, 0)], Seen = [], Final = [There(0, 0, 1), There(0, 1, 0)] };
        Only(Fault.Order, turned);
        Assert.Empty(HistoryChecker.Check(turned with { UnorderedProducers = new HashSet<string> { "p" } }));
    }

    [Fact]
    public void A_reader_that_goes_back_or_skips_is_a_fault()
    {
        Only(Fault.ReaderPosition, Sound with { Seen = [Read(0, 0, 0, hw: 5), Read(0, 2, 0, hw: 5)] });
        Only(Fault.ReaderPosition, Sound with { Seen = [Read(0, 1, 1, hw: 5), Read(0, 1, 1, hw: 5)] });
    }

    [Fact]
    public void A_high_watermark_that_steps_back_or_is_passed_is_a_fault()
    {
        Only(Fault.HighWatermark, Sound with { Seen = [Read(0, 0, 0, hw: 5), Read(0, 1, 1, hw: 4)] });
        Only(Fault.HighWatermark, Sound with { Seen = [Read(0, 0, 0, hw: 0)] });
    }

    [Fact]
    public void Two_leaders_in_one_epoch_are_a_fault() =>
        Only(Fault.Leaders, Sound with { Leaders = [.. Sound.Leaders, new(0, 1, 3, "3")] });

    private static void Only(Fault fault, History history, Fault? also = null)
    {
        var found = HistoryChecker.Check(history);
        Assert.Contains(found, violation => violation.Fault == fault);
        Assert.DoesNotContain(found, violation => violation.Fault != fault && violation.Fault != also);
    }

    private static Send Sent(long number, int partition, long offset) =>
        new("p", number, partition, true, Seconds(0), Seconds(1), SendOutcome.Acknowledged, offset);

    private static Seen There(int partition, long offset, long number) => new("final", partition, offset, "p", number, 100);

    private static Seen Read(int partition, long offset, long number, long hw) => new("r", partition, offset, "p", number, hw);

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
