using System.Buffers.Binary;
using Akka.Actor;
using Akka.Remote.Delivery;
using Akka.Remote.Wire;
using Envelope = Akka.Remote.Wire.Envelope;

namespace Akka.Embedded.Tests.Remote;

/// <summary>Frames written by the codec come back as they were; the bytes are those that protobuf prescribes; hostile bytes harm nothing.</summary>
public class RemoteWireSpec
{
    private static readonly Address Origin = new("akka.tcp", "sys", "127.0.0.1", 4053);

    private static ReadOnlySpan<byte> Body(OutputBuffer output)
    {
        var frame = output.WrittenSpan;
        Assert.Equal(frame.Length - 4, BinaryPrimitives.ReadInt32LittleEndian(frame));
        return frame[4..];
    }

    private static OutputBuffer Sample(ulong sequence = Envelope.NoSequence, Ack? ack = null, string? text = null, byte[]? bytes = null, byte[]? sender = null)
    {
        var output = new OutputBuffer(1);
        var payload = new OutPayload { SerializerId = 17, Manifest = "S", Text = text, Bytes = bytes };
        var size = PduEncoder.Message(output, "akka.tcp://sys@h:1/user/a#12"u8, sender ?? "akka.tcp://me@h:2/user/b"u8.ToArray(), payload, sequence, ack);
        Assert.Equal(output.Length, size);
        return output;
    }

    [Fact]
    public void A_handshake_survives_the_wire_with_a_negative_uid()
    {
        using var output = new OutputBuffer(1);
        PduEncoder.Associate(output, Origin, -5);
        var pdu = PduDecoder.Decode(Body(output));
        Assert.Equal(PduKind.Associate, pdu.Kind);
        Assert.Equal(Origin, pdu.Origin);
        Assert.Equal(-5, pdu.Uid);
    }

    [Fact]
    public void Control_frames_are_the_bytes_protobuf_prescribes()
    {
        Assert.Equal([4, 0, 0, 0, 0x12, 2, 8, 3], PduEncoder.Heartbeat.ToArray());
        Assert.Equal(PduKind.Heartbeat, PduDecoder.Decode(PduEncoder.Heartbeat[4..]).Kind);
        foreach (var reason in Enum.GetValues<DisassociateReason>())
        {
            var pdu = PduDecoder.Decode(PduEncoder.Disassociate(reason)[4..]);
            Assert.Equal(PduKind.Disassociate, pdu.Kind);
            Assert.Equal(reason, pdu.Reason);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("grüße €")]
    public void A_text_message_survives_the_wire(string text)
    {
        using var output = Sample(text: text);
        var envelope = PduDecoder.DecodeEnvelope(PduDecoder.Decode(Body(output)).Payload, 10);
        Assert.True(envelope.HasMessage);
        Assert.False(envelope.HasAck);
        Assert.False(envelope.IsSystem);
        Assert.Equal(text, System.Text.Encoding.UTF8.GetString(envelope.Message));
        Assert.Equal("akka.tcp://sys@h:1/user/a#12"u8, envelope.Recipient);
        Assert.Equal("akka.tcp://me@h:2/user/b"u8, envelope.Sender);
        Assert.Equal("S"u8, envelope.Manifest);
        Assert.Equal(17, envelope.SerializerId);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(16_383)]
    [InlineData(16_384)]
    [InlineData(3_000_000)]
    public void Sizes_are_right_at_every_width_of_a_length(int size)
    {
        using var output = Sample(7, new Ack(9, [3, 5]), bytes: new byte[size]);
        var envelope = PduDecoder.DecodeEnvelope(PduDecoder.Decode(Body(output)).Payload, 10);
        Assert.Equal(size, envelope.Message.Length);
        Assert.Equal(7ul, envelope.Sequence);
        Assert.True(envelope.IsSystem);
        Assert.True(envelope.HasAck);
        Assert.Equal(9, envelope.Ack.Cumulative);
        Assert.Equal([3L, 5L], envelope.Ack.Nacks);
    }

    [Fact]
    public void The_first_system_message_is_number_0_and_protobuf_leaves_that_out()
    {
        using var output = Sample(0, text: "x", sender: []);
        var envelope = PduDecoder.DecodeEnvelope(PduDecoder.Decode(Body(output)).Payload, 10);
        Assert.Equal(0ul, envelope.Sequence);
        Assert.True(envelope.IsSystem);
        Assert.True(envelope.Sender.IsEmpty);
    }

    [Fact]
    public void An_acknowledgement_of_nothing_yet_keeps_its_all_ones_number()
    {
        using var output = new OutputBuffer(1);
        PduEncoder.PureAck(output, new Ack(-1, Ack.NoNacks));
        var envelope = PduDecoder.DecodeEnvelope(PduDecoder.Decode(Body(output)).Payload, 10);
        Assert.False(envelope.HasMessage);
        Assert.Equal(-1, envelope.Ack.Cumulative);
    }

    [Fact]
    public void Unpacked_nacks_are_read_too_and_too_many_are_refused()
    {
        byte[] unpacked = [0x0A, 18, 0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x11, 2, 0, 0, 0, 0, 0, 0, 0];
        Assert.Equal([1L, 2L], PduDecoder.DecodeEnvelope(unpacked, 2).Ack.Nacks);
        Assert.Throws<WireFormatException>(() => PduDecoder.DecodeEnvelope(unpacked, 1).HasAck);
    }

    [Fact]
    public void A_buffer_grows_and_lets_go_of_what_one_large_message_took()
    {
        using var output = new OutputBuffer(16);
        output.Write(new byte[1_000_000]);
        Assert.Equal(1_000_000, output.Length);
        output.Clear();
        Assert.Equal(0, output.Length);
        output.Write("abc"u8);
        output.Truncate(1);
        Assert.Equal("a"u8, output.WrittenSpan);
    }

    [Fact]
    public void Random_bytes_are_read_or_refused_and_nothing_else()
    {
        var random = new Random(1);
        for (var i = 0; i < 200_000; i++)
        {
            var bytes = new byte[random.Next(64)];
            random.NextBytes(bytes);
            Feed(bytes);
        }
    }

    [Fact]
    public void Mutated_frames_are_read_or_refused_and_nothing_else()
    {
        var random = new Random(2);
        using var associate = new OutputBuffer();
        PduEncoder.Associate(associate, Origin, 77);
        using var message = Sample(3, new Ack(9, [3, 5]), text: "payload");
        byte[][] seeds = [Body(associate).ToArray(), Body(message).ToArray(), PduEncoder.Heartbeat[4..].ToArray()];
        for (var i = 0; i < 200_000; i++)
        {
            var bytes = (byte[])seeds[random.Next(seeds.Length)].Clone();
            for (var n = random.Next(1, 4); n > 0; n--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            Feed(bytes.AsSpan(0, random.Next(4) == 0 ? random.Next(bytes.Length) : bytes.Length));
        }
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        using var message = Sample(3, new Ack(9, [3]), text: "payload");
        var whole = Body(message).ToArray();
        for (var length = 0; length < whole.Length; length++)
            Assert.Throws<WireFormatException>(() => PduDecoder.Decode(whole.AsSpan(0, length)).Kind);
    }

    private static void Feed(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var pdu = PduDecoder.Decode(bytes);
            if (pdu.Kind == PduKind.Payload)
                PduDecoder.DecodeEnvelope(pdu.Payload, 100);
        }
        catch (WireFormatException)
        {
            // The one answer to bad bytes.
        }
    }
}
