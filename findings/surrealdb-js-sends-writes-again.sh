#!/usr/bin/env bash
# npm surrealdb 2.0.8 (the client of SurrealDB for JavaScript: RPC over WebSocket, in CBOR) with its defaults, with
# tslib 2.8.1, which it needs; ws 8.23.0 as the server, with the client's own codec, and as `WebSocket`. Node.js 20 or
# later. Takes a minute.
#
# One would guess: a query whose connection ends before the answer fails, as with other databases, for it may have run;
# what is to be sent again is marked by `.retry()`, of which the documentation says that this is for queries that are
# safe to replay. And a ping each 30 s finds out that a server is gone.
#
# What is: after a reconnect, which is on by default, each call without an answer is sent again, under the same id, as
# often as the connection ends, with or without `.retry()`: `UPDATE … += 1` of a program adds 3 if two connections end
# before their answers, and the promise resolves as if nothing had been. The pings are sent, but nobody waits for their
# answers: with a server that is there no more and whose connection nobody has closed, the client stays "connected",
# queries stay open without an end (they have no time limits), and when the connection ends at last, all these pings go
# out again in one go, together with the queries.
#
# For a server: the same id from the same client may be the same call, but an id alone does not prove it. For a program
# that uses it: writes that must not run twice need a key in the query itself (a record id that exists once), and each
# query a time limit of one's own, upon which the connection is closed.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts surrealdb@2.0.8 tslib@2.8.1 ws@8.23.0 || { echo "could not install the npm packages"; exit 2; }
cat > try.mjs <<'JS'
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { CborCodec, Surreal } from 'surrealdb';
const failures = [];
const check = (what, seen, expected) => {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) failures.push(`${what}: expected ${expected}`);
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const codec = new CborCodec({});
// A server with one counter: each query adds 1 and returns the sum. `fate` says what becomes of the answer.
const serve = async (fate) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'cbor' });
  await once(server, 'listening');
  const seen = { count: 0, ids: new Set(), pings: [], sockets: [] };
  server.on('connection', (socket) => {
    const number = seen.sockets.push(socket);
    socket.on('message', (bytes) => {
      const { id, method } = codec.decode(new Uint8Array(bytes));
      if (method === 'ping') seen.pings[number] = (seen.pings[number] ?? 0) + 1;
      if (method === 'query') { seen.count++; seen.ids.add(id); }
      const result = method === 'version' ? 'surrealdb-3.0.0' : method === 'query' ? [{ status: 'OK', time: '1ms', result: seen.count }] : null;
      const what = fate(method, number);
      if (what === 'close') socket.close(1012, 'restarting');
      if (what === 'answer') socket.send(codec.encode({ id, result }));
    });
  });
  const db = new Surreal({ websocketImpl: WebSocket });
  await db.connect(`ws://127.0.0.1:${server.address().port}/rpc`);
  const add = () => db.query('UPDATE counter:one SET n += 1').collect().then(([n]) => `resolved to ${n}`, (e) => `rejected: ${e.message}`);
  return { db, seen, add };
};
const again = async () => {
  const { db, seen, add } = await serve((method, number) => method === 'query' && number < 3 ? 'close' : 'answer');
  check('two connections end before the answer; a program adds 1, and hears', await add(), 'resolved to 3');
  check('... the server was asked to', `${seen.count} times, under ${seen.ids.size} id`, '3 times, under 1 id');
  await db.close();
};
const silent = async () => {
  const { db, seen, add } = await serve((method, number) => number === 1 && (method === 'query' || method === 'ping') ? 'nothing' : 'answer');
  let fate = 'open';
  add().then((f) => fate = f);
  await sleep(65_000);
  check('a server that is silent for 65 s; pings to it', seen.pings[1], 2);
  check('... the query and the client are', `${fate}, ${db.status}`, 'open, connected');
  seen.sockets[0].terminate();
  for (let i = 0; i < 100 && fate === 'open'; i++) await sleep(100);
  await sleep(500);
  check('... its connection ends; the query', fate, 'resolved to 2');
  check('... pings within 0.5 s of it on the next one', seen.pings[2], 2);
  await db.close();
};
await Promise.all([again(), silent()]);
for (const f of failures) console.log('CHANGED:', f);
process.exit(failures.length ? 1 : 0);
JS
echo "surrealdb 2.0.8, ws 8.23.0"
timeout 120 node try.mjs
