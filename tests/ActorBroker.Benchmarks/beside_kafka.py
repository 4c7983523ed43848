#!/usr/bin/env python3
"""ActorBroker beside Apache Kafka: same machine, same clients, same run, one of them at a time, in turns.

    python3 tests/ActorBroker.Benchmarks/beside_kafka.py --kafka DIR [--rounds 3] [--nodes 1,3] [--quick]

DIR is an unpacked Kafka (its jars in DIR/libs); needs Java, the .NET SDK, and kcat for the rows of librdkafka. Both brokers run with
their stock settings, Kafka with its stock heap of 1 GiB; neither calls fsync for each batch. In each round each of them is started
anew on an empty folder, warmed up by a run that does not count, and then does every row once. Prints medians over the rounds as
Markdown, Kafka's / ours = ratio; a ratio above 1 is in our favour in every column. Latencies at full speed are those of the client's own
queue; the rows at a fixed rate show the broker's.
"""
import argparse
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(REPOSITORY, "src/ActorBroker.Cli/bin/Release/net10.0/ActorBroker.Cli.dll")
TICKS = os.sysconf("SC_CLK_TCK")
JVM = ["-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent",
       "-Djava.awt.headless=true"]
LOG_SETTINGS = """status = error
appender.console.type = Console
appender.console.name = out
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %m%n
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = out
"""
LARGE_BATCHES = ["batch.size=262144", "linger.ms=10"]
PATIENCE = 600


class Broker:
    """A cluster of one of the two, on ports of its own, in a folder that goes with it."""

    def __init__(self, nodes):
        self.folder = tempfile.mkdtemp(prefix="beside-kafka-")
        self.ports = free_ports(3 * nodes)
        self.nodes = nodes
        self.processes = []

    @property
    def bootstrap(self):
        return ",".join(f"127.0.0.1:{port}" for port in self.ports[:self.nodes])

    def launch(self, node, *command):
        log = open(os.path.join(self.folder, f"node{node}.log"), "ab")
        self.processes.append(subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True))

    def until_ready(self, words):
        for node, process in enumerate(self.processes):
            path = os.path.join(self.folder, f"node{node}.log")
            for _ in range(6000):
                with open(path, "rb") as log:
                    text = log.read()
                if words in text:
                    break
                if process.poll() is not None:
                    sys.exit(f"{self.name} did not start:\n{text[-2000:].decode(errors='replace')}")
                time.sleep(0.01)
            else:
                sys.exit(f"{self.name} is not ready")

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder)

    def processor_seconds(self):
        total = 0
        for process in self.processes:
            with open(f"/proc/{process.pid}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def resident_mb(self):
        total = 0
        for process in self.processes:
            with open(f"/proc/{process.pid}/status") as status:
                total += int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))
        return total / 1024


class Kafka(Broker):
    name = "Kafka"

    def start(self):
        voters = ",".join(f"{n}@127.0.0.1:{self.ports[self.nodes + n]}" for n in range(self.nodes))
        replication = 3 if self.nodes >= 3 else 1
        for node in range(self.nodes):
            settings = {
                "process.roles": "broker,controller", "node.id": node, "controller.quorum.voters": voters,
                "listeners": f"PLAINTEXT://127.0.0.1:{self.ports[node]},CONTROLLER://127.0.0.1:{self.ports[self.nodes + node]}",
                "controller.listener.names": "CONTROLLER", "inter.broker.listener.name": "PLAINTEXT", "log.dirs": f"{self.folder}/data{node}",
                "offsets.topic.replication.factor": replication, "transaction.state.log.replication.factor": replication,
                "transaction.state.log.min.isr": 1, "group.initial.rebalance.delay.ms": 0,
            }
            path = os.path.join(self.folder, f"node{node}.properties")
            with open(path, "w") as file:
                file.writelines(f"{key}={value}\n" for key, value in settings.items())
            java("kafka.tools.StorageTool", "format", "-t", "BesideKafkaAAAAAAAAAAA", "-c", path)
        log_settings = os.path.join(self.folder, "log4j2.properties")
        with open(log_settings, "w") as file:
            file.write(LOG_SETTINGS)
        began = time.time()
        for node in range(self.nodes):
            self.launch(node, "java", *JVM, f"-Dlog4j2.configurationFile={log_settings}", "-Xms1G", "-Xmx1G", "-cp", CLASS_PATH, "kafka.Kafka", f"{self.folder}/node{node}.properties")
        self.until_ready(b"Kafka Server started")
        return time.time() - began


class ActorBroker(Broker):
    name = "ActorBroker"

    def start(self):
        voters = ",".join(f"{n + 1}@127.0.0.1:{self.ports[self.nodes + n]}" for n in range(self.nodes))
        began = time.time()
        for node in range(self.nodes):
            members = ["--id", f"{node + 1}", "--voters", voters] if self.nodes > 1 else []
            self.launch(node, "dotnet", PROGRAM, "start", "--json", "--port", f"{self.ports[self.nodes + node]}", *members,
                        "--kafka-port", f"{self.ports[node]}", "--data", f"{self.folder}/data{node}")
        self.until_ready(b'"event":"ready"')
        return time.time() - began


def free_ports(count):
    """Below the range that the system hands out itself."""
    found, port = [], 15_000 + os.getpid() % 5_000
    while len(found) < count:
        port += 1
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                found.append(port)
    return found


def run(*command, env=None):
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, env=env)
    if result.returncode:
        sys.exit(f"{' '.join(command)[-300:]} ended with {result.returncode}:\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}")
    return result.stdout


def java(program, *arguments):
    return run("java", *JVM, "-Xmx512M", "-Dlog4j2.level=WARN", "-cp", CLASS_PATH, program, *arguments)


def create(broker, topic, partitions):
    java("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", broker.bootstrap, "--create", "--topic", topic, "--partitions", f"{partitions}",
         "--replication-factor", "3" if broker.nodes >= 3 else "1")


def delete(broker, topic):
    java("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", broker.bootstrap, "--delete", "--topic", topic)


def produce_java(broker, topic, size, records, rate, settings):
    output = java("org.apache.kafka.tools.ProducerPerformance", "--topic", topic, "--num-records", f"{records}", "--record-size", f"{size}",
                  "--throughput", f"{rate}", "--producer-props", f"bootstrap.servers={broker.bootstrap}", *settings)
    last = output.strip().splitlines()[-1]
    sent, speed, p50, p99 = re.search(r"^(\d+) records sent.*\(([\d.]+) MB/sec\).* (\d+) ms 50th, .* (\d+) ms 99th", last).groups()
    if int(sent) != records:
        sys.exit(f"{broker.name} took {sent} of {records} records: {last}")
    return {"MB/s": float(speed), "p50 ms": int(p50), "p99 ms": int(p99)}


def consume_java(broker, topic, size, records):
    output = java("org.apache.kafka.tools.ConsumerPerformance", "--bootstrap-server", broker.bootstrap, "--topic", topic, "--num-records", f"{records}")
    names, values = [[field.strip() for field in line.split(",")] for line in output.strip().splitlines()[-2:]]
    if int(values[names.index("data.consumed.in.nMsg")]) < records:
        sys.exit(f"{broker.name} gave {values} of {records} records")
    return {"MB/s": float(values[names.index("fetch.MB.sec")])}


def produce_kcat(broker, topic, size, records, lines, settings):
    began = time.time()
    run("kcat", "-q", "-b", broker.bootstrap, "-P", "-t", topic, "-l", lines, *[word for setting in settings for word in ("-X", setting)])
    return {"MB/s": size * records / (time.time() - began) / 2**20}


def consume_kcat(broker, topic, size, records):
    began = time.time()
    with open(os.devnull, "wb") as nowhere:
        subprocess.run(["kcat", "-q", "-b", broker.bootstrap, "-C", "-t", topic, "-o", "beginning", "-c", f"{records}"], stdout=nowhere, check=True, timeout=PATIENCE)
    return {"MB/s": size * records / (time.time() - began) / 2**20}


def rows_of(broker, scale, kcat_lines):
    """Name, and what runs it: each on a topic of its own, and what is read is what the last producer wrote."""
    for size, records in ((100, 2_000_000 // scale), (1024, 400_000 // scale)):
        if broker.nodes >= 3:
            records //= 2
        megabytes = size * records / 2**20
        for batches, settings in (("stock client", []), ("large batches", LARGE_BATCHES)):
            for acks in ("1", "all"):
                topic = f"t-{size}-{acks}-{len(settings)}"
                create(broker, topic, 6)
                yield f"produce {size} B, acks {acks}, {batches}", megabytes, lambda: produce_java(broker, topic, size, records, -1, [f"acks={acks}", *settings])
                if acks == "all" and settings:
                    yield f"consume {size} B", megabytes, lambda: consume_java(broker, topic, size, records)
                    if kcat_lines:
                        yield f"consume {size} B, librdkafka", megabytes, lambda: consume_kcat(broker, topic, size, records)
                delete(broker, topic)
        if kcat_lines:
            for acks in ("1", "all"):
                topic = f"k-{size}-{acks}"
                create(broker, topic, 6)
                lines, count = kcat_lines[size]
                yield f"produce {size} B, acks {acks}, librdkafka", size * count / 2**20, lambda: produce_kcat(broker, topic, size, count, lines, [f"acks={acks}", "linger.ms=5"])
                delete(broker, topic)
    create(broker, "steady", 6)
    rate = 2_000 if broker.nodes >= 3 else 10_000
    yield f"produce 1024 B at {rate:,}/s, acks all", 10 * rate / 2**10, lambda: produce_java(broker, "steady", 1024, 10 * rate, rate, ["acks=all"])
    delete(broker, "steady")


def measure(broker, scale, kcat_lines):
    try:
        figures = {"start": {"seconds": broker.start()}}
        create(broker, "warm", 6)
        for _ in range(2):
            produce_java(broker, "warm", 1024, 100_000 // scale, -1, ["acks=all", *LARGE_BATCHES])
            consume_java(broker, "warm", 1024, 100_000 // scale)
        delete(broker, "warm")
        for name, megabytes, work in rows_of(broker, scale, kcat_lines):
            before = broker.processor_seconds()
            result = work()
            result["s/GB"] = (broker.processor_seconds() - before) / (megabytes / 1024)
            result["RSS MB"] = broker.resident_mb()
            figures[name] = result
            print(f"  {broker.name:12}{name:48}" + "  ".join(f"{key} {value:.2f}" for key, value in result.items()), file=sys.stderr)
        return figures
    finally:
        broker.stop()


def figure(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def tell(nodes, kafka, ours):
    print(f"\n### {nodes} node{'s, replication factor 3' if nodes >= 3 else ''}\n")
    columns = ["seconds", "MB/s", "p50 ms", "p99 ms", "s/GB", "RSS MB"]
    used = [column for column in columns if any(column in row for row in kafka[0].values()) and column != "seconds"]
    print("| Kafka / ours = ratio | " + " | ".join(used) + " |\n|---|" + "---|" * len(used))
    for name in kafka[0]:
        cells = []
        for column in ["seconds"] if name == "start" else used:
            if column not in kafka[0][name]:
                cells.append("")
                continue
            theirs, own = (statistics.median(figures[name][column] for figures in all) for all in (kafka, ours))
            better = own / theirs if column == "MB/s" else theirs / max(own, 0.001)
            cells.append(f"{figure(theirs)} / {figure(own)} = {better:.2g}")
        if name == "start":
            print(f"| start, seconds | {cells[0]} |" + " |" * (len(used) - 1))
        else:
            print(f"| {name} | " + " | ".join(cells) + " |")


def main():
    global CLASS_PATH
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kafka", required=True, metavar="DIR")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--nodes", default="1,3", help="cluster sizes (default: 1,3)")
    options.add_argument("--quick", action="store_true", help="a tenth of the records: tells that it runs, not how fast")
    asked = options.parse_args()
    CLASS_PATH = os.path.join(os.path.abspath(asked.kafka), "libs", "*")
    if not os.path.isdir(CLASS_PATH[:-2]):
        sys.exit(f"--kafka {asked.kafka}: there is no folder {CLASS_PATH[:-2]}")
    if shutil.which("java") is None:
        sys.exit("Java is not installed; Kafka needs it.")
    run("dotnet", "build", "-c", "Release", "-v", "q", os.path.join(REPOSITORY, "src/ActorBroker.Cli"))
    scale = 10 if asked.quick else 1
    with tempfile.TemporaryDirectory(prefix="beside-kafka-lines-") as folder:
        kcat_lines = {}
        if shutil.which("kcat"):
            for size, count in ((100, 2_000_000 // scale), (1024, 200_000 // scale)):
                path = os.path.join(folder, f"lines-{size}")
                with open(path, "w") as file:
                    file.writelines(f"{i:0{size}}\n" for i in range(count))
                kcat_lines[size] = (path, count)
        for nodes in (int(word) for word in asked.nodes.split(",")):
            kafka, ours = [], []
            for _ in range(asked.rounds):
                kafka.append(measure(Kafka(nodes), scale, kcat_lines))
                ours.append(measure(ActorBroker(nodes), scale, kcat_lines))
            tell(nodes, kafka, ours)


if __name__ == "__main__":
    main()
