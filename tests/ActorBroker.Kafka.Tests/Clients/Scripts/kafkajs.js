// kafkajs against a broker: KAFKAJS=FOLDER node kafkajs.js BOOTSTRAP CODECS REPLICATION. Ends with 0 when all of it holds.
const assert = require('assert');
const { Kafka, CompressionTypes, logLevel } = require(`${process.env.KAFKAJS}/node_modules/kafkajs`);

const [bootstrap, codecs, replication] = process.argv.slice(2);
const run = Math.random().toString(16).slice(2, 10);
const topic = `kafkajs-${run}`;
const kafka = new Kafka({ clientId: 'actorbroker-tests', brokers: bootstrap.split(','), logLevel: logLevel.ERROR });
const compressions = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP };
const until = async (what, condition) => {
  for (const end = Date.now() + 60000; !(await condition());) {
    if (Date.now() > end) throw new Error(what);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
};

(async () => {
  const admin = kafka.admin();
  await admin.connect();
  const create = numPartitions => admin.createTopics({
    waitForLeaders: true, topics: [{ topic, numPartitions, replicationFactor: Number(replication), configEntries: [{ name: 'retention.ms', value: '600000' }] }],
  });
  assert.strictEqual(await create(3), true);
  assert.strictEqual(await create(3), false);
  await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] });
  await until('the topic did not grow', async () => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length === 4);
  const config = async () => (await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name: topic, configNames: ['retention.ms'] }] })).resources[0].configEntries[0].configValue;
  assert.strictEqual(await config(), '600000');
  await admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: topic, configEntries: [{ name: 'retention.ms', value: '700000' }] }] });
  assert.strictEqual(await config(), '700000');

  const sent = [];
  const send = async (producer, options, label) => {
    const messages = [...Array(200).keys()].map(i => ({ key: i % 3 === 0 ? null : `key-${i % 17}`, value: `${label} ${i}`, headers: { run } }));
    await producer.send({ topic, messages, ...options });
    sent.push(...messages);
  };
  for (const codec of codecs.split(',').filter(name => name in compressions)) {
    for (const acks of [0, 1, -1]) {
      const producer = kafka.producer();
      await producer.connect();
      await send(producer, { acks, compression: compressions[codec] }, `${codec} ${acks}`);
      await producer.disconnect();
    }
  }
  const idempotent = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await idempotent.connect();
  await send(idempotent, { acks: -1 }, 'idempotent');
  await idempotent.disconnect();

  const groupId = `kafkajs-group-${run}`;
  const read = [];
  const owned = {};
  const member = async name => {
    const consumer = kafka.consumer({ groupId, sessionTimeout: 6000, heartbeatInterval: 500, maxWaitTimeInMs: 200 });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => { owned[name] = (payload.memberAssignment[topic] || []).length; });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message }) => { read.push(message); } });
    return consumer;
  };
  const first = await member('first');
  await until('not all was read', () => read.length >= sent.length);
  const text = m => `${m.key} ${m.value} ${m.headers.run}`;
  assert.deepStrictEqual(read.map(text).sort(), sent.map(text).sort());
  const second = await member('second');
  await until('no fair share', () => owned.first === 2 && owned.second === 2);
  const described = (await admin.describeGroups([groupId])).groups[0];
  assert.strictEqual(described.members.length, 2);
  await second.disconnect();
  await until('the rest was not taken over', () => owned.first === 4);
  await first.commitOffsets([0, 1, 2, 3].map(partition => ({ topic, partition, offset: '7' })));
  assert.ok((await admin.listGroups()).groups.some(group => group.groupId === groupId));
  await first.disconnect();
  const committed = (await admin.fetchOffsets({ groupId, topics: [topic] }))[0].partitions;
  assert.strictEqual(committed.length, 4);
  assert.ok((await admin.fetchTopicOffsetsByTimestamp(topic, 1000)).every(p => p.offset === '0'));
  await admin.deleteGroups([groupId]);
  await admin.deleteTopics({ topics: [topic] });
  await until('the topic was not deleted', async () => !(await admin.listTopics()).includes(topic));
  await admin.disconnect();
  console.log('kafkajs: ok');
})().catch(error => { console.error(error); process.exit(1); });
