import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Map;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;

// Writes the *.golden files beside it: what Kafka's own client classes (4.3.1) make of messages whose values this program
// invents. Not part of any build. To run it again, with KAFKA the folder of Kafka's jars:
//   javac -cp "KAFKA/*" -d /tmp/golden GoldenFixtures.java && java -cp "KAFKA/*:/tmp/golden" GoldenFixtures .
// A line of a golden file: version, variant, the body in hex, the values as JSON. Variants: full (everything set, two
// elements per array, every tagged field), nulls (null wherever allowed, one element, no tagged field), empty (empty arrays).
public class GoldenFixtures {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private static final Map<String, int[]> APIS = new java.util.TreeMap<>(Map.ofEntries(
        Map.entry("Produce", new int[] {3, 9}),
        Map.entry("Fetch", new int[] {4, 16}),
        Map.entry("ListOffsets", new int[] {1, 7}),
        Map.entry("Metadata", new int[] {0, 12}),
        Map.entry("ApiVersions", new int[] {0, 4}),
        Map.entry("CreateTopics", new int[] {2, 7}),
        Map.entry("DeleteTopics", new int[] {1, 6}),
        Map.entry("DescribeConfigs", new int[] {1, 4}),
        Map.entry("CreatePartitions", new int[] {0, 3}),
        Map.entry("IncrementalAlterConfigs", new int[] {0, 1}),
        Map.entry("AlterConfigs", new int[] {0, 2}),
        Map.entry("DeleteRecords", new int[] {0, 2}),
        Map.entry("DescribeLogDirs", new int[] {1, 4}),
        Map.entry("DescribeProducers", new int[] {0, 0}),
        Map.entry("DescribeTopicPartitions", new int[] {0, 0}),
        Map.entry("DescribeCluster", new int[] {0, 2}),
        Map.entry("DescribeQuorum", new int[] {0, 2}),
        Map.entry("ElectLeaders", new int[] {0, 2}),
        Map.entry("AlterPartitionReassignments", new int[] {0, 1}),
        Map.entry("ListPartitionReassignments", new int[] {0, 0}),
        Map.entry("AddRaftVoter", new int[] {0, 1}),
        Map.entry("RemoveRaftVoter", new int[] {0, 0}),
        Map.entry("OffsetForLeaderEpoch", new int[] {2, 4}),
        Map.entry("UnregisterBroker", new int[] {0, 0}),
        Map.entry("InitProducerId", new int[] {0, 5}),
        Map.entry("FindCoordinator", new int[] {0, 6}),
        Map.entry("JoinGroup", new int[] {0, 9}),
        Map.entry("SyncGroup", new int[] {0, 5}),
        Map.entry("Heartbeat", new int[] {0, 4}),
        Map.entry("LeaveGroup", new int[] {0, 5}),
        Map.entry("OffsetCommit", new int[] {2, 9}),
        Map.entry("OffsetFetch", new int[] {1, 9}),
        Map.entry("OffsetDelete", new int[] {0, 0}),
        Map.entry("ListGroups", new int[] {0, 5}),
        Map.entry("DescribeGroups", new int[] {0, 6}),
        Map.entry("DeleteGroups", new int[] {0, 2})));

    private final String variant;
    private int counter = 1;

    private GoldenFixtures(String variant) {
        this.variant = variant;
    }

    public static void main(String[] args) throws Exception {
        headers(args[0] + "/headers.txt");
        errors(args[0] + "/errors.txt");
        for (var api : APIS.entrySet()) {
            for (var kind : new String[] {"Request", "Response"}) {
                try (var out = new PrintWriter(args[0] + "/" + api.getKey() + kind + ".golden")) {
                    for (var version = api.getValue()[0]; version <= api.getValue()[1]; version++) {
                        for (var variant : new String[] {"full", "nulls", "empty"})
                            out.print(line(api.getKey() + kind, (short) version, variant));
                    }
                }
            }
        }
    }

    // A line: api key, version, the request header's version and bytes, the response header's version and bytes.
    private static void headers(String path) throws Exception {
        try (var out = new PrintWriter(path)) {
            for (var api : APIS.entrySet()) {
                var type = java.util.Arrays.stream(ApiMessageType.values()).filter(t -> t.name.equals(api.getKey())).findFirst().get();
                for (var version = (short) api.getValue()[0]; version <= api.getValue()[1]; version++) {
                    var request = new RequestHeaderData().setRequestApiKey(type.apiKey()).setRequestApiVersion(version)
                        .setCorrelationId(77 + version).setClientId(version % 2 == 0 ? null : "kl\u00efent");
                    var response = new ResponseHeaderData().setCorrelationId(77 + version);
                    out.println(type.apiKey() + " " + version + " "
                        + type.requestHeaderVersion(version) + " " + hex(request, type.requestHeaderVersion(version)) + " "
                        + type.responseHeaderVersion(version) + " " + hex(response, type.responseHeaderVersion(version)));
                }
            }
        }
    }

    // A line: code, name, whether it may be retried.
    private static void errors(String path) throws Exception {
        try (var out = new PrintWriter(path)) {
            for (var error : Errors.values())
                out.println(error.code() + " " + error.name() + " " + (error.exception() instanceof RetriableException));
        }
    }

    private static String hex(ApiMessage value, short version) {
        var cache = new ObjectSerializationCache();
        var buffer = ByteBuffer.allocate(value.size(cache, version));
        value.write(new ByteBufferAccessor(buffer), cache, version);
        return HexFormat.of().formatHex(buffer.array());
    }

    private static String line(String message, short version, String variant) throws Exception {
        var data = Class.forName("org.apache.kafka.common.message." + message + "Data");
        var schema = ((Schema[]) data.getField("SCHEMAS").get(null))[version];
        var json = new GoldenFixtures(variant).object(schema);
        var converter = Class.forName(data.getName() + "JsonConverter");
        var value = (ApiMessage) converter.getMethod("read", JsonNode.class, short.class).invoke(null, json, version);
        return version + " " + variant + " " + hex(value, version) + " " + json + "\n";
    }

    private ObjectNode object(Schema schema) {
        var node = new ObjectNode(JSON);
        for (BoundField bound : schema.fields()) {
            if (bound.def.type instanceof TaggedFields tagged) {
                if (variant.equals("full"))
                    for (Field field : tagged.fields().values())
                        node.set(camel(field.name), value(field.type, field.name));
            } else {
                node.set(camel(bound.def.name), value(bound.def.type, bound.def.name));
            }
        }
        return node;
    }

    private JsonNode value(Type type, String name) {
        var number = counter++;
        if (type.isNullable() && variant.equals("nulls"))
            return JSON.nullNode();
        if (type.isArray()) {
            var array = new ArrayNode(JSON);
            var length = variant.equals("full") ? 2 : variant.equals("nulls") ? 1 : 0;
            for (var i = 0; i < length; i++)
                array.add(value(type.arrayElementType().get(), name));
            return array;
        }
        if (type instanceof Schema schema)
            return object(schema);
        return switch (type.toString().replace("COMPACT_", "").replace("NULLABLE_", "")) {
            case "BOOLEAN" -> JSON.booleanNode(true);
            case "INT8" -> JSON.numberNode(number % 2 == 0 ? -number % 100 : number % 100);
            case "INT16" -> JSON.numberNode(number % 2 == 0 ? -100 - number : 300 + number);
            case "UINT16" -> JSON.numberNode(40_000 + number);
            case "INT32" -> JSON.numberNode(number % 2 == 0 ? -70_000 - number : 100_000_000 + number);
            case "INT64" -> JSON.numberNode(number % 2 == 0 ? -5_000_000_000L - number : 1L << 50 | number);
            case "UUID" -> JSON.textNode(new Uuid(0x0123456789abcdefL + number, 0xfedcba9876543210L).toString());
            case "STRING" -> JSON.textNode(variant.equals("empty") ? "" : name + "-\u00e9\u6f22-" + "x".repeat(number == 4 ? 200 : number % 5) + number);
            case "RECORDS", "BYTES" -> JSON.binaryNode(bytes(variant.equals("empty") ? 0 : 150 + number));
            default -> throw new IllegalStateException(type.toString());
        };
    }

    private static byte[] bytes(int length) {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
            bytes[i] = (byte) (i * 7);
        return bytes;
    }

    private static String camel(String name) {
        var text = new StringBuilder();
        for (var part : name.split("_"))
            text.append(text.length() == 0 ? part : Character.toUpperCase(part.charAt(0)) + part.substring(1));
        return text.toString();
    }
}
