using Akka.Remote.Delivery;

namespace Akka.Embedded.Tests.Remote;

/// <summary>System messages arrive in order, each once, whatever the connection loses, repeats or reorders.</summary>
public class RemoteAckedDeliverySpec
{
    private static List<T> Receive<T>(SystemReceiveBuffer<T> buffer, long sequence, T message)
    {
        var delivered = new List<T>();
        Assert.True(buffer.Receive(sequence, message, delivered));
        return delivered;
    }

    [Fact]
    public void In_order_messages_pass_at_once_and_are_acknowledged()
    {
        var buffer = new SystemReceiveBuffer<string>(100);
        Assert.Equal(-1, buffer.CurrentAck().Cumulative);
        Assert.Equal(["a"], Receive(buffer, 0, "a"));
        Assert.Equal(["b"], Receive(buffer, 1, "b"));
        Assert.Equal(1, buffer.CurrentAck().Cumulative);
        Assert.Empty(buffer.CurrentAck().Nacks);
    }

    [Fact]
    public void A_gap_is_reported_and_what_follows_waits_for_it()
    {
        var buffer = new SystemReceiveBuffer<string>(100);
        Receive(buffer, 0, "a");
        Assert.Empty(Receive(buffer, 3, "d"));
        Assert.Empty(Receive(buffer, 5, "f"));
        Assert.Equal(5, buffer.CurrentAck().Cumulative);
        Assert.Equal([1L, 2L, 4L], buffer.CurrentAck().Nacks);
        Assert.Equal(["b"], Receive(buffer, 1, "b"));
        Assert.Equal(["c", "d"], Receive(buffer, 2, "c"));
        Assert.Equal([4L], buffer.CurrentAck().Nacks);
        Assert.Equal(["e", "f"], Receive(buffer, 4, "e"));
        Assert.Empty(buffer.CurrentAck().Nacks);
    }

    [Fact]
    public void A_repeated_message_is_dropped()
    {
        var buffer = new SystemReceiveBuffer<string>(100);
        Receive(buffer, 0, "a");
        Assert.Empty(Receive(buffer, 0, "a"));
        Assert.Empty(Receive(buffer, 2, "c"));
        Assert.Empty(Receive(buffer, 2, "c"));
        Assert.Equal(["b", "c"], Receive(buffer, 1, "b"));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    [InlineData(100)]
    [InlineData(long.MaxValue)]
    public void A_number_out_of_the_window_is_refused(long sequence)
    {
        var buffer = new SystemReceiveBuffer<string>(100);
        Assert.False(buffer.Receive(sequence, "x", []));
        Assert.Empty(buffer.CurrentAck().Nacks);
    }

    [Fact]
    public void The_send_buffer_resends_what_is_missing_and_forgets_the_rest()
    {
        var buffer = new SystemSendBuffer<string>(10);
        foreach (var message in (string[])["a", "b", "c", "d"])
            Assert.True(buffer.TryAdd(message, out _));
        var resend = new List<(long, string)>();
        Assert.Equal(AckOutcome.Accepted, buffer.Acknowledge(new Ack(2, [1]), resend));
        Assert.Equal([(1L, "b")], resend);
        var rest = new List<(long, string)>();
        buffer.CopyOldest(10, rest);
        Assert.Equal([(1L, "b"), (3L, "d")], rest);
        Assert.Equal(AckOutcome.Accepted, buffer.Acknowledge(new Ack(3, Ack.NoNacks), []));
        Assert.True(buffer.IsEmpty);
    }

    [Fact]
    public void An_acknowledgement_that_can_not_be_is_noticed()
    {
        var buffer = new SystemSendBuffer<string>(10);
        buffer.TryAdd("a", out _);
        Assert.Equal(AckOutcome.OutOfSync, buffer.Acknowledge(new Ack(1, Ack.NoNacks), []));
        buffer.TryAdd("b", out _);
        Assert.Equal(AckOutcome.Accepted, buffer.Acknowledge(new Ack(1, Ack.NoNacks), []));
        Assert.Equal(AckOutcome.OutOfSync, buffer.Acknowledge(new Ack(1, [0]), []));
    }

    [Fact]
    public void A_full_send_buffer_says_so_and_a_new_incarnation_starts_at_0()
    {
        var buffer = new SystemSendBuffer<string>(2);
        Assert.True(buffer.TryAdd("a", out _));
        Assert.True(buffer.TryAdd("b", out _));
        Assert.False(buffer.TryAdd("c", out _));
        Assert.Equal(["a", "b"], buffer.Reset());
        Assert.True(buffer.TryAdd("d", out var sequence));
        Assert.Equal(0, sequence);
    }

    [Fact]
    public void Over_a_connection_that_loses_repeats_and_reorders_everything_arrives_once_and_in_order()
    {
        for (var seed = 0; seed < 200; seed++)
            RunLossyConnection(new Random(seed));
    }

    private static void RunLossyConnection(Random random)
    {
        const int total = 200;
        var send = new SystemSendBuffer<int>(1000);
        var receive = new SystemReceiveBuffer<int>(1000);
        var arrived = new List<int>();
        var wire = new List<(long Sequence, int Message)>();
        for (var step = 0; step < 100_000 && (arrived.Count < total || !send.IsEmpty); step++)
        {
            if (send.LastSequence < total - 1 && random.Next(2) == 0 && send.TryAdd((int)send.LastSequence + 1, out var sequence))
                wire.Add((sequence, (int)sequence));
            if (random.Next(20) == 0)
                send.CopyOldest(10, wire);
            if (wire.Count > 0)
            {
                var at = random.Next(wire.Count);
                var (number, message) = wire[at];
                if (random.Next(10) != 0)
                    wire.RemoveAt(at);
                if (random.Next(4) != 0)
                    Assert.True(receive.Receive(number, message, arrived));
            }

            // Acknowledgements come in order: only the latest link is listened to.
            if (random.Next(3) == 0 && receive.CurrentAck() is { Cumulative: >= 0 } ack)
                Assert.Equal(AckOutcome.Accepted, send.Acknowledge(ack, wire));
        }

        Assert.Equal(Enumerable.Range(0, total), arrived);
        Assert.True(send.IsEmpty);
    }
}
