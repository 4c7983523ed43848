"""confluent-kafka as a pipe: python3 confluent_io.py produce BOOTSTRAP TOPIC < LINES, or consume BOOTSTRAP TOPIC GROUP.

Takes lines KEY:VALUE, and ends with 0 when all are acknowledged. Prints what Kafka's console consumer does: CreateTime, Partition, headers, key, value.
"""
import sys

from confluent_kafka import Consumer, Producer

mode, bootstrap, topic = sys.argv[1:4]
text = lambda data: "null" if data is None else data.decode()

if mode == "produce":
    failures = []
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5, "message.timeout.ms": 60000, "partitioner": "murmur2_random"})
    for line in sys.stdin:
        key, value = line.rstrip("\n").split(":", 1)
        producer.produce(topic, key=key or None, value=value or None, headers=[("from", b"test"), ("empty", None)],
                         on_delivery=lambda error, _: error and failures.append(error))
        producer.poll(0)
    left = producer.flush(60)
    sys.exit(f"{left} left, failed: {failures[:3]}" if left or failures else 0)

consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": sys.argv[4], "auto.offset.reset": "earliest", "session.timeout.ms": 6000,
                     "heartbeat.interval.ms": 500, "auto.commit.interval.ms": 500, "enable.auto.offset.store": False, "topic.metadata.refresh.interval.ms": 1000})
consumer.subscribe([topic])
while True:
    for message in consumer.consume(500, 0.2):
        if not message.error():
            headers = ",".join(f"{name}:{text(value)}" for name, value in message.headers() or []) or "NO_HEADERS"
            print(f"CreateTime:{message.timestamp()[1]}\tPartition:{message.partition()}\t{headers}\t{text(message.key())}\t{text(message.value())}", flush=True)
            consumer.store_offsets(message)  # By itself it would commit what is not printed yet.
