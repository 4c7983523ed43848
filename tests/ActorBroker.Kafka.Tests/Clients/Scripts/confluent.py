"""confluent-kafka (librdkafka) against a broker: python3 confluent.py BOOTSTRAP CODECS REPLICATION. Ends with 0 when all of it holds."""
import sys
import time
import uuid

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

bootstrap, codecs, replication = sys.argv[1], sys.argv[2].split(","), int(sys.argv[3])
admin = AdminClient({"bootstrap.servers": bootstrap})
run = uuid.uuid4().hex[:8]


def wait(futures):
    for future in futures.values():
        future.result(timeout=30)


def produce(topic, settings, records):
    """Produces and waits: every record must have been delivered, each keyed one with the partition of its key."""
    failures = []
    producer = Producer({"bootstrap.servers": bootstrap, **settings})
    for key, value in records:
        while True:
            try:
                producer.produce(topic, key=key, value=value, headers=[("run", run)],
                                 on_delivery=lambda error, _: failures.append(error) if error else None)
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(60) == 0, "not all was sent"
    assert not failures, failures[:3]


def consume(consumer, count, seconds=60):
    read, end = [], time.time() + seconds
    while len(read) < count and time.time() < end:
        for message in consumer.consume(500, timeout=0.5):
            assert not message.error(), message.error()
            read.append(message)
    assert len(read) == count, f"{len(read)} of {count} records were read"
    return read


def by_assignment(topic, partitions, count):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"assigned-{run}", "enable.auto.commit": False,
                         "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
    read = consume(consumer, count)
    consumer.close()
    return read


# Topics: created once, refused the second time, enlarged, described, configured.
topic = f"confluent-{run}"
wait(admin.create_topics([NewTopic(topic, 3, replication, config={"retention.ms": "600000"})]))
try:
    wait(admin.create_topics([NewTopic(topic, 3, replication)]))
    raise SystemExit("a topic was created twice")
except Exception as error:
    assert error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS, error
wait(admin.create_partitions([NewPartitions(topic, 4)]))
end = time.time() + 20
while len(admin.list_topics(topic, timeout=10).topics[topic].partitions) != 4:
    assert time.time() < end, "the topic did not grow"
    time.sleep(0.1)
resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
config = admin.describe_configs([resource])[resource].result(timeout=30)
assert config["retention.ms"].value == "600000", config["retention.ms"]
resource.set_config("retention.ms", "700000")
wait(admin.alter_configs([resource]))
asked = ConfigResource(ConfigResource.Type.TOPIC, topic)
assert admin.describe_configs([asked])[asked].result(timeout=30)["retention.ms"].value == "700000"

# Every codec and acknowledgement, keyed and not: what went in comes out, null keys and values too.
sent = []
for codec in codecs:
    for acks in ("0", "1", "all"):
        records = [(None if i % 3 == 0 else f"key-{i % 17}", None if i % 50 == 0 else f"{codec} {acks} {i} " + "x" * 40) for i in range(300)]
        produce(topic, {"compression.type": codec, "acks": acks, "linger.ms": 5}, records)
        sent += records
records = [(f"key-{i % 17}", f"idempotent {i}") for i in range(1000)]
produce(topic, {"enable.idempotence": True, "linger.ms": 1}, records)
sent += records
read = by_assignment(topic, 4, len(sent))
text = lambda data: None if data is None else data.decode()
assert sorted((str(k), str(v)) for k, v in sent) == sorted((str(text(m.key())), str(text(m.value()))) for m in read)
assert all(m.headers() == [("run", run.encode())] for m in read), "headers"
partitions = {}
for message in read:
    if message.key() is not None:
        partitions.setdefault(message.key(), set()).add(message.partition())
assert all(len(where) == 1 for where in partitions.values()), "a key in two partitions"

# Seek by time: the first record at or after it.
consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"timed-{run}"})
assert all(p.offset == 0 for p in consumer.offsets_for_times([TopicPartition(topic, p, 1000) for p in range(4)], timeout=30))
assert all(p.offset == -1 for p in consumer.offsets_for_times([TopicPartition(topic, p, int(time.time() * 1000) + 3_600_000) for p in range(4)], timeout=30))
consumer.close()

# A group: two members share, one leaves, the other has all; commits are found again.
group = f"group-{run}"
settings = {"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False,
            "session.timeout.ms": 6000, "heartbeat.interval.ms": 500}
first, second, owned = Consumer(settings), Consumer(settings), {}
keep = lambda name: lambda consumer, assigned: owned.__setitem__(name, len(assigned))
first.subscribe([topic], on_assign=keep(1))
second.subscribe([topic], on_assign=keep(2))
read, end = 0, time.time() + 60
while (owned.get(1), owned.get(2)) != (2, 2):
    assert time.time() < end, f"no fair share: {owned}"
    for consumer in (first, second):
        read += len([m for m in consumer.consume(100, timeout=0.1) if not m.error()])
second.close()
while owned.get(1) != 4:
    assert time.time() < end, f"the rest was not taken over: {owned}"
    first.consume(100, timeout=0.1)
first.commit(offsets=[TopicPartition(topic, p, 7) for p in range(4)], asynchronous=False)
assert [p.offset for p in first.committed([TopicPartition(topic, p) for p in range(4)], timeout=30)] == [7] * 4
assert any(g.id == group for g in admin.list_groups(timeout=30))
described = admin.list_groups(group, timeout=30)[0]
assert described.state == "Stable" and len(described.members) == 1, (described.state, described.members)
first.close()

wait(admin.delete_topics([topic]))
end = time.time() + 20
while topic in admin.list_topics(timeout=10).topics:
    assert time.time() < end, "the topic was not deleted"
    time.sleep(0.1)
print("confluent-kafka: ok")
