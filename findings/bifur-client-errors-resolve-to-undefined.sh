#!/usr/bin/env bash
# npm @sanity/bifur-client 2.0.2 (JSON-RPC 2.0 over WebSocket with RxJS), its fromUrl; ws 8.23.0 as the server and as
# `WebSocket`. Node.js 20 or later.
#
# One would guess: an answer with `error` makes the call's observable fail.
#
# What is: it emits `undefined` and completes, as if the method had returned nothing; code and message are not to be had in any
# way. A subscription that the server refuses stays open, silent, and sends `…_unsubscribe` without an id when it ends;
# meanwhile it takes any item that has no `subscription` member for its own. Besides, each request gets a param `apiVersion:
# "v1"`, so params by position become an object: `[1, 2]` is sent as `{"0":1,"1":2,"apiVersion":"v1"}`.
#
# For a server: tell such a client of a refusal in the result, and expect its params by name only, with one member more than the
# program gave. For a program that uses it: `undefined` is the only sign of an error.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @sanity/bifur-client@2.0.2 ws@8.23.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > try.mjs <<'JS'
import { WebSocket, WebSocketServer } from 'ws';
globalThis.WebSocket = WebSocket;
const { fromUrl } = await import('@sanity/bifur-client');
const failures = [];
const check = (what, seen, expected) => {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) failures.push(`${what}: expected ${expected}`);
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
let sent, socket;
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
server.on('connection', (s) => {
  socket = s;
  socket.on('message', (text) => {
    sent = JSON.parse(text);
    const { id, method } = sent;
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, ...(method === 'echo' ? { result: 0 } : { error: { code: -32601, message: 'no such method' } }) }));
  });
});
await new Promise((done) => server.on('listening', done));
const client = fromUrl(`ws://127.0.0.1:${server.address().port}`);
client.heartbeats.subscribe();  // keeps the connection open
// What an observable has done after 300 ms, and how to end it.
async function watch(observable) {
  const seen = [];
  const subscription = observable.subscribe({
    next: (value) => seen.push(`next ${JSON.stringify(value)}`), error: (e) => seen.push(`error ${e.message}`), complete: () => seen.push('complete'),
  });
  await sleep(300);
  return { seen, end: () => subscription.unsubscribe() };
}
const fate = async (method, params) => (await watch(client.request(method, params))).seen.join(', ');
check('a result of 0', await fate('echo', {}), 'next 0, complete');
check('an error', await fate('other', {}), 'next undefined, complete');
await fate('echo', [1, 2]);
check('params [1, 2] are sent as', JSON.stringify(sent.params), '{"0":1,"1":2,"apiVersion":"v1"}');
const refused = await watch(client.listen('feed', {}));
check('a refused subscription', refused.seen.join() || 'open', 'open');
socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'feed_subscription', params: { result: 5 } }));
await sleep(300);
check('... after an item without `subscription`', refused.seen.join(), 'next 5');
refused.end();
await sleep(300);
check('... at its end sends', `${sent.method} ${JSON.stringify(sent.params)}`, 'feed_unsubscribe {"apiVersion":"v1"}');
for (const f of failures) console.log('CHANGED:', f);
process.exit(failures.length ? 1 : 0);
JS
echo "@sanity/bifur-client 2.0.2, ws 8.23.0"
timeout 60 node try.mjs
