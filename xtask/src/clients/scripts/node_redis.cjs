// Sends each line of the input as a command with node-redis, then uses a store as a program would. Prints what the client returns.
//
// The arguments are the port and the protocol: 2, 3, or `default` for what the client chooses. PASSWORD is the password, if there is one,
// and CA the certificate, if it goes by TLS.

const { readFileSync } = require('node:fs');
const { inspect } = require('node:util');
const { createClient } = require('redis');

const [port, protocol] = process.argv.slice(2);
const { PASSWORD: password, CA } = process.env;
const options = protocol === 'default' ? {} : { RESP: Number(protocol) };
const tls = CA ? { tls: true, ca: readFileSync(CA) } : {};
const client = createClient({ socket: { port: Number(port), host: '127.0.0.1', ...tls }, password, ...options });
client.on('error', (error) => console.log('error', error.message));

async function show(what, act) {
  let result;
  try {
    result = inspect(await act(), { depth: null, breakLength: Infinity, maxArrayLength: null });
  } catch (error) {
    result = `${error.constructor.name} ${error.message}`;
  }
  console.log(what, '->', result);
}

async function all(iterator) {
  const pages = [];
  for await (const page of iterator) pages.push(...page);
  return pages.map((item) => inspect(item)).sort();
}

async function main() {
  await client.connect();
  for (const line of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
    await show(line, () => client.sendCommand(line.split(' ')));
  }
  const events = client.duplicate();
  await events.connect();
  let hear;
  const message = new Promise((resolve) => (hear = resolve));
  await events.subscribe('__keyspace@0__:shopping', (...heard) => hear(heard));
  await show('hSet', () => client.hSet('shopping', { eggs: '2', milk: '1' }));
  await show('message', () => message);
  events.destroy();
  await show('hGetAll', () => client.hGetAll('shopping'));
  await show('hmGet', () => client.hmGet('shopping', ['eggs', 'none']));
  await show('hIncrBy', () => client.hIncrBy('shopping', 'milk', 41));
  await show('hSetNX', () => client.hSetNX('shopping', 'milk', '1'));
  const transaction = client.multi().hSet('shopping', 'water', '3').hGet('shopping', 'water').hKeys('shopping');
  await show('transaction', () => transaction.hDel('shopping', 'eggs').exec());
  const numbers = [...Array(1000).keys()];
  const batch = () => Promise.all(numbers.map((number) => client.hSet('many', String(number), 'x')));
  await show('pipeline', async () => (await batch()).length);
  await show('hScanIterator', () => all(client.hScanIterator('many', '0', { MATCH: '1*', COUNT: 100 })));
  await show('scanIterator', () => all(client.scanIterator()));
  await show('type', () => client.type('many'));
  await show('del', () => client.del(['shopping', 'many', 'none']));
  await client.close();
}

main();
