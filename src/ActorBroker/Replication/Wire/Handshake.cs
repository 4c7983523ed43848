using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Replication.Wire;

/// <summary>
/// The first frame on a connection between brokers, from the follower, and the leader's answer. Frames have an int32 length
/// before them; numbers are big endian, strings have an int16 length.
/// <code>
/// hello   uint32 magic "ABRP", int16 version (1), string cluster id, int32 follower, int64 follower's broker epoch, int32 leader meant
/// answer  uint32 magic "ABRP", int16 version (1), int16 error code (0: welcome), string reason ("" when welcome)
/// </code>
/// A later version may add fields behind these. After a welcome both speak Kafka's protocol: Fetch, version 16, only.
/// </summary>
internal sealed record Handshake(ClusterId Cluster, BrokerId Follower, long BrokerEpoch, BrokerId Leader)
{
    public const int MaxBytes = 4096;
    private const int Magic = 0x41425250;
    private const short Version = 1;

    public byte[] ToFrame()
    {
        var measure = ProtocolWriter.Measure();
        Write(ref measure);
        var frame = new byte[4 + measure.Length];
        var writer = new ProtocolWriter(frame);
        writer.WriteInt32(measure.Length);
        Write(ref writer);
        return frame;
    }

    /// <exception cref="ProtocolException">The bytes are no such frame.</exception>
    public static Handshake Read(ReadOnlyMemory<byte> frame)
    {
        var reader = new ProtocolReader(frame, MaxBytes);
        ReadPreamble(ref reader);
        return new Handshake(
            new ClusterId(reader.ReadString(flexible: false, "Handshake.ClusterId")),
            new BrokerId(reader.ReadInt32("Handshake.Follower")),
            reader.ReadInt64("Handshake.BrokerEpoch"),
            new BrokerId(reader.ReadInt32("Handshake.Leader")));
    }

    public static byte[] Answer(ErrorCode error, string reason)
    {
        var measure = ProtocolWriter.Measure();
        WriteAnswer(ref measure, error, reason);
        var frame = new byte[4 + measure.Length];
        var writer = new ProtocolWriter(frame);
        writer.WriteInt32(measure.Length);
        WriteAnswer(ref writer, error, reason);
        return frame;
    }

    /// <exception cref="ProtocolException">The bytes are no such frame.</exception>
    public static (ErrorCode Error, string Reason) ReadAnswer(ReadOnlyMemory<byte> frame)
    {
        var reader = new ProtocolReader(frame, MaxBytes);
        ReadPreamble(ref reader);
        return ((ErrorCode)reader.ReadInt16("Handshake.Error"), reader.ReadString(flexible: false, "Handshake.Reason"));
    }

    private void Write(ref ProtocolWriter writer)
    {
        writer.WriteInt32(Magic);
        writer.WriteInt16(Version);
        writer.WriteString(Cluster.Value, flexible: false, "Handshake.ClusterId");
        writer.WriteInt32(Follower.Value);
        writer.WriteInt64(BrokerEpoch);
        writer.WriteInt32(Leader.Value);
    }

    private static void WriteAnswer(ref ProtocolWriter writer, ErrorCode error, string reason)
    {
        writer.WriteInt32(Magic);
        writer.WriteInt16(Version);
        writer.WriteInt16((short)error);
        writer.WriteString(reason, flexible: false, "Handshake.Reason");
    }

    private static void ReadPreamble(ref ProtocolReader reader)
    {
        if (reader.ReadInt32("Handshake.Magic") != Magic)
            throw new ProtocolException(ProtocolFault.Malformed, "what came is not the handshake of a broker's replication listener");
        var version = reader.ReadInt16("Handshake.Version");
        if (version < Version) throw new ProtocolException(ProtocolFault.UnsupportedVersion, $"a handshake of version {version}; {Version} is known");
    }
}
