import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.coordinator.group.generated.GroupMetadataKey;
import org.apache.kafka.coordinator.group.generated.GroupMetadataValue;
import org.apache.kafka.coordinator.group.generated.OffsetCommitKey;
import org.apache.kafka.coordinator.group.generated.OffsetCommitValue;

// Prints what Kafka's own classes (4.3.1) write to __consumer_offsets; kafka-group-records.txt beside it is its output. Not part of
// any build. To run it again, with KAFKA the folder of Kafka's jars:
//   javac -cp "KAFKA/*" -d /tmp/records KafkaGroupRecords.java && java -cp "KAFKA/*:/tmp/records" KafkaGroupRecords
// A line: what it is, the version of the value, the key in hex, the value in hex.
public class KafkaGroupRecords {
    private static final byte[] SUBSCRIPTION = {0, 3, 1, 2, 3};
    private static final byte[] ASSIGNMENT = {9, 8, 7};

    public static void main(String[] args) {
        for (short version = 0; version <= 4; version++) {
            var value = new OffsetCommitValue().setOffset(123456789012L).setMetadata("rem\u00e4rk").setCommitTimestamp(1767225600000L);
            if (version == 1) value.setExpireTimestamp(1767225660000L);
            if (version >= 3) value.setLeaderEpoch(7);
            var key = new OffsetCommitKey().setGroup("delays").setTopic("flights").setPartition(42);
            print("offset", version, 1, key, value);
        }

        for (short version = 0; version <= 4; version++) print("group", version, 2, new GroupMetadataKey().setGroup("delays"), group(version));
        var empty = new GroupMetadataValue().setProtocolType("consumer").setGeneration(6).setProtocol(null).setLeader(null).setCurrentStateTimestamp(1767225600000L);
        print("empty", (short) 3, 2, new GroupMetadataKey().setGroup("delays"), empty);
    }

    private static GroupMetadataValue group(short version) {
        var member = new GroupMetadataValue.MemberMetadata().setMemberId("m-1").setClientId("cl").setClientHost("/10.0.0.1")
            .setSessionTimeout(45000).setSubscription(SUBSCRIPTION).setAssignment(ASSIGNMENT);
        if (version >= 1) member.setRebalanceTimeout(300000);
        if (version >= 3) member.setGroupInstanceId("inst");
        var other = member.duplicate().setMemberId("m-2").setGroupInstanceId(null);
        var value = new GroupMetadataValue().setProtocolType("consumer").setGeneration(5).setProtocol("range").setLeader("m-1").setMembers(List.of(member, other));
        if (version >= 2) value.setCurrentStateTimestamp(1767225600000L);
        return value;
    }

    private static void print(String what, short version, int keyType, ApiMessage key, ApiMessage value) {
        System.out.println(what + " " + version + " " + hex((short) keyType, (short) 0, key) + " " + hex(version, version, value));
    }

    private static String hex(short prefix, short version, ApiMessage message) {
        var body = MessageUtil.toByteBufferAccessor(message, version).buffer();
        var all = ByteBuffer.allocate(2 + body.remaining()).putShort(prefix).put(body);
        return HexFormat.of().formatHex(all.array());
    }
}
