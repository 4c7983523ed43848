"""kafka-python against a broker: python3 kafka_python.py BOOTSTRAP CODECS REPLICATION. Ends with 0 when all of it holds."""
import sys
import time
import uuid

import kafka
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions, NewTopic
from kafka.errors import TopicAlreadyExistsError
from kafka.structs import OffsetAndMetadata

bootstrap, codecs, replication = sys.argv[1].split(","), sys.argv[2].split(","), int(sys.argv[3])
run = uuid.uuid4().hex[:8]
topic = f"kafka-python-{run}"
admin = KafkaAdminClient(bootstrap_servers=bootstrap)

admin.create_topics([NewTopic(topic, 3, replication, topic_configs={"retention.ms": "600000"})])
try:
    admin.create_topics([NewTopic(topic, 3, replication)])
    raise SystemExit("a topic was created twice")
except TopicAlreadyExistsError:
    pass
admin.create_partitions({topic: NewPartitions(4)})
end = time.time() + 20
while len(next(t for t in admin.describe_topics([topic]))["partitions"]) != 4:
    assert time.time() < end, "the topic did not grow"
    time.sleep(0.1)


def config(key):
    answers = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    return {entry[0]: entry[1] for entry in answers[0].resources[0][4]}[key]


assert config("retention.ms") == "600000"
admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "700000"})])
assert config("retention.ms") == "700000"

sent = []
for codec in codecs:
    for acks in (0, 1, "all"):
        producer = KafkaProducer(bootstrap_servers=bootstrap, compression_type=None if codec == "none" else codec, acks=acks, linger_ms=5)
        futures = []
        for i in range(200):
            key = None if i % 3 == 0 else b"key-%d" % (i % 17)
            value = b"%s %s %d" % (codec.encode(), str(acks).encode(), i) + b"x" * 40
            futures.append(producer.send(topic, key=key, value=value, headers=[("run", run.encode())]))
            sent.append((key, value))
        producer.flush(60)
        for future in futures:
            future.get(30)
        producer.close(30)


def consume(consumer, count):
    read, end = [], time.time() + 60
    while len(read) < count and time.time() < end:
        for records in consumer.poll(500).values():
            read += records
    assert len(read) == count, f"{len(read)} of {count} records were read"
    return read


everywhere = [TopicPartition(topic, p) for p in range(4)]
consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
consumer.assign(everywhere)
consumer.seek_to_beginning()
read = consume(consumer, len(sent))
assert sorted((k or b"", v) for k, v in sent) == sorted((r.key or b"", r.value) for r in read)
assert all(r.headers == [("run", run.encode())] for r in read), "headers"
found = consumer.offsets_for_times({p: 1000 for p in everywhere})
assert all(found[p].offset == 0 for p in everywhere), found
assert sum(consumer.end_offsets(everywhere).values()) == len(sent)
consumer.close()

group = f"kafka-python-group-{run}"
settings = dict(bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False,
                session_timeout_ms=6000, heartbeat_interval_ms=500)
first, second = KafkaConsumer(topic, **settings), KafkaConsumer(topic, **settings)
end = time.time() + 60
import threading
stop = threading.Event()


def keep_polling(consumer):
    while not stop.is_set():
        consumer.poll(100)


# A member that joins waits for the others, so each needs a thread.
poller = threading.Thread(target=keep_polling, args=(second,))
poller.start()
while len(first.assignment()) != 2:
    assert time.time() < end, f"no fair share: {first.assignment()}"
    first.poll(100)
stop.set()
poller.join()
second.close(autocommit=False)
while len(first.assignment()) != 4:
    assert time.time() < end, f"the rest was not taken over: {first.assignment()}"
    first.poll(100)
first.commit({p: OffsetAndMetadata(7, "seven") for p in everywhere})
assert [first.committed(p) for p in everywhere] == [7] * 4
assert any(g[0] == group for g in admin.list_consumer_groups())
described = admin.describe_consumer_groups([group])[0]
assert described.state == "Stable" and len(described.members) == 1, described
assert admin.list_consumer_group_offsets(group)[everywhere[0]].offset == 7
first.close(autocommit=False)

admin.delete_topics([topic])
end = time.time() + 20
while topic in admin.list_topics():
    assert time.time() < end, "the topic was not deleted"
    time.sleep(0.1)
admin.close()
print("kafka-python", kafka.__version__, ": ok")
