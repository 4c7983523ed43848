// kafkajs as a pipe: KAFKAJS=FOLDER node kafkajs_io.js produce BOOTSTRAP TOPIC < LINES, or consume BOOTSTRAP TOPIC GROUP.
// Takes lines KEY:VALUE, and ends with 0 when all are acknowledged. Prints what Kafka's console consumer does: CreateTime, Partition, headers, key, value.
const readline = require('readline');
const { Kafka, Partitioners, logLevel } = require(`${process.env.KAFKAJS}/node_modules/kafkajs`);

const [mode, bootstrap, topic, groupId] = process.argv.slice(2);
const kafka = new Kafka({ clientId: 'pipe', brokers: bootstrap.split(','), logLevel: logLevel.NOTHING, retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 100 } });
const text = data => (data === null || data === undefined ? 'null' : data.toString());

const produce = async () => {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  let waiting = [];
  let isOver = false;
  readline.createInterface({ input: process.stdin }).on('line', line => {
    const at = line.indexOf(':');
    waiting.push({ key: line.slice(0, at) || null, value: line.slice(at + 1) || null, headers: { from: 'test' } });
  }).on('close', () => { isOver = true; });
  while (!isOver || waiting.length > 0) {
    const messages = waiting;
    waiting = [];
    // Of a send to several leaders that reaches some and not others kafkajs forgets the rest where leaders move: so one key, one send.
    for (const key of new Set(messages.map(message => message.key))) {
      await producer.send({ topic, acks: -1, messages: messages.filter(message => message.key === key) });
    }
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  await producer.disconnect();
};

const consume = async () => {
  const consumer = kafka.consumer({ groupId, sessionTimeout: 6000, heartbeatInterval: 500, maxWaitTimeInMs: 200 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommitInterval: 500,
    eachMessage: async ({ partition, message }) => {
      const headers = Object.entries(message.headers || {}).map(([name, value]) => `${name}:${text(value)}`).join(',') || 'NO_HEADERS';
      process.stdout.write(`CreateTime:${message.timestamp}\tPartition:${partition}\t${headers}\t${text(message.key)}\t${text(message.value)}\n`);
    },
  });
};

(mode === 'produce' ? produce() : consume()).catch(error => { console.error(error); process.exit(1); });
