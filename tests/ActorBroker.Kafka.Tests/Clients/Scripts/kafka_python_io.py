"""kafka-python as a pipe: python3 kafka_python_io.py produce BOOTSTRAP TOPIC < LINES, or consume BOOTSTRAP TOPIC GROUP.

Takes lines KEY:VALUE, and ends with 0 when all are acknowledged. Prints what Kafka's console consumer does: CreateTime, Partition, headers, key, value.
"""
import sys

from kafka import KafkaConsumer, KafkaProducer

mode, bootstrap, topic = sys.argv[1], sys.argv[2].split(","), sys.argv[3]
text = lambda data: "null" if data is None else data.decode()

if mode == "produce":
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", retries=1000, linger_ms=5, max_in_flight_requests_per_connection=1)
    futures = []
    for line in sys.stdin:
        key, value = line.rstrip("\n").split(":", 1)
        futures.append(producer.send(topic, key=key.encode() or None, value=value.encode() or None, headers=[("from", b"test")]))
    producer.flush(60)
    for future in futures:
        future.get(60)
    sys.exit(0)

consumer = KafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=sys.argv[4], auto_offset_reset="earliest", session_timeout_ms=6000,
                         heartbeat_interval_ms=500, auto_commit_interval_ms=500)
for record in consumer:
    headers = ",".join(f"{name}:{text(value)}" for name, value in record.headers) or "NO_HEADERS"
    print(f"CreateTime:{record.timestamp}\tPartition:{record.partition}\t{headers}\t{text(record.key)}\t{text(record.value)}", flush=True)
