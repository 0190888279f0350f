// Sends each line of the input as a command with ioredis, then uses a store as a program would. Prints what the client returns.
//
// The arguments are the port and the protocol: 2, 3, or `default` for what the client chooses. PASSWORD is the password, if there is one,
// and CA the certificate, if it goes by TLS.

const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const { inspect } = require('node:util');
const Redis = require('ioredis');

const [port, protocol] = process.argv.slice(2);
const { PASSWORD: password, CA } = process.env;
const options = protocol === 'default' ? {} : { protocol: Number(protocol) };
if (CA) options.tls = { ca: readFileSync(CA) };
const client = new Redis(Number(port), '127.0.0.1', { password, ...options });

async function show(what, act) {
  let result;
  try {
    result = inspect(await act(), { depth: null, breakLength: Infinity, maxArrayLength: null });
  } catch (error) {
    result = `${error.name} ${error.message}`;
  }
  console.log(what, '->', result);
}

async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(...chunk);
  return chunks.sort();
}

async function main() {
  for (const line of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
    await show(line, () => client.call(...line.split(' ')));
  }
  const events = client.duplicate();
  await show('subscribe', () => events.subscribe('__keyspace@0__:shopping'));
  const message = once(events, 'message');
  await show('hset', () => client.hset('shopping', { eggs: '2', milk: '1' }));
  await show('message', () => message);
  events.disconnect();
  await show('hgetall', () => client.hgetall('shopping'));
  await show('hmget', () => client.hmget('shopping', 'eggs', 'none'));
  await show('hincrby', () => client.hincrby('shopping', 'milk', 41));
  await show('hsetnx', () => client.hsetnx('shopping', 'milk', '1'));
  const transaction = client.multi().hset('shopping', 'water', '3').hget('shopping', 'water').hkeys('shopping');
  await show('transaction', () => transaction.hdel('shopping', 'eggs').exec());
  const batch = client.pipeline();
  for (let number = 0; number < 1000; number++) batch.hset('many', String(number), 'x');
  await show('pipeline', async () => (await batch.exec()).length);
  await show('hscanStream', () => all(client.hscanStream('many', { match: '1*', count: 100 })));
  await show('scanStream', () => all(client.scanStream()));
  await show('type', () => client.type('many'));
  await show('del', () => client.del('shopping', 'many', 'none'));
  await show('quit', () => client.quit());
}

main();
