"""A producer and a group's consumer (confluent-kafka) go on while a broker is killed: python3 confluent_failover.py BOOTSTRAP SECONDS FILE.

Makes FILE once records flow, and goes on for so many seconds. Ends with 0 when every record was acknowledged and read, in order by key.
"""
import sys
import threading
import time
import uuid

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

bootstrap, seconds, flag = sys.argv[1], float(sys.argv[2]), sys.argv[3]
topic = f"failover-{uuid.uuid4().hex[:8]}"
admin = AdminClient({"bootstrap.servers": bootstrap})
for future in admin.create_topics([NewTopic(topic, 3, 3)]).values():
    future.result(30)

failures, acknowledged, read, stop = [], [0], [], threading.Event()
consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"group-{topic}", "auto.offset.reset": "earliest"})
consumer.subscribe([topic])


def keep_reading():
    while not stop.is_set():
        read.extend((m.key(), int(m.value())) for m in consumer.consume(500, 0.2) if not m.error())


def on_delivery(error, _):
    if error:
        failures.append(error)
    else:
        acknowledged[0] += 1


reader = threading.Thread(target=keep_reading)
reader.start()
producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5, "message.timeout.ms": 60000})
sent, started, end = 0, False, time.time() + 60
while time.time() < end:
    for _ in range(10):
        producer.produce(topic, key=str(sent % 50), value=str(sent), on_delivery=on_delivery)
        sent += 1
    producer.poll(0.01)
    if acknowledged[0] > 100 and len(read) > 100 and not started:
        started = True
        end = time.time() + seconds
        open(flag, "w").close()
    time.sleep(0.01)
left = producer.flush(60)
end = time.time() + 60
while len({value for _, value in read}) < sent and time.time() < end:
    time.sleep(0.2)
stop.set()
reader.join()
consumer.close()
print(f"sent {sent}, acknowledged {acknowledged[0]}, failed {len(failures)}, left {left}, read {len(read)}")
assert started and left == 0 and not failures and acknowledged[0] == sent, failures[:3]
assert {value for _, value in read} == set(range(sent)), "not all was read"
first = {}
for key, value in read:
    first.setdefault(key, dict())[value] = None
assert all(list(values) == sorted(values) for values in first.values()), "out of order"
