#!/usr/bin/env bash
# npm @polkadot/rpc-provider 16.5.6 (the WsProvider of @polkadot/api); ws 8.23.0 as the server. Node.js 18 or later.
#
# One would guess: a provider that makes subscriptions anew after a reconnect also knows them by the ids that it gave out.
#
# What is: it makes them anew, under the new ids of the server, but `unsubscribe` knows only these, and nobody is told them.
# With the id that `subscribe` resolved to it returns false and sends nothing, and the callback goes on for ever, as does the
# server's work. Items that come before the answer to their subscription are kept for it, as they should be, but just the last
# one: of 1, 2, 3 | answer | 4 the callback hears 3, 4.
#
# For a server: a client that keeps a subscription may have no way to end it; and nothing may be sent before the answer. For a
# program that uses it: forget the id when the connection ends, and let the callback ignore what is no longer wanted.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @polkadot/rpc-provider@16.5.6 ws@8.23.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > try.js <<'JS'
const { WebSocketServer } = require('ws');
const { WsProvider } = require('@polkadot/rpc-provider');
const failures = [];
const check = (what, seen, expected) => {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) failures.push(`${what}: expected ${expected}`);
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
let before = [], made = 0, socket;
const methods = [];
const item = (subscription, result) => socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'chain_newHead', params: { subscription, result } }));
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, async () => {
  const provider = new WsProvider(`ws://127.0.0.1:${server.address().port}`, 300);
  provider.on('error', () => {});
  await provider.isReady;
  let heard = [];
  const subscribe = () => provider.subscribe('chain_newHead', 'subscribe', [], (_, result) => heard.push(result));
  const unsubscribe = async (id) => {
    methods.length = 0;
    const answer = await provider.unsubscribe('chain_newHead', 'unsubscribe', id);
    await sleep(200);
    return `returns ${answer}, sends ${methods.join() || 'nothing'}`;
  };
  before = [1, 2, 3];
  const first = await subscribe();
  item(first, 4);
  await sleep(200);
  check('items 1, 2, 3, then the answer, then 4; heard', heard.join(), '3,4');
  check('unsubscribe on the same connection', await unsubscribe(first), 'returns true, sends unsubscribe');

  before = [];
  const second = await subscribe();
  methods.length = 0;
  socket.close(1012);
  for (let i = 0; i < 50 && !methods.length; i++) await sleep(100);
  check('after a reconnect it sends', methods.join(), 'subscribe');
  check('the program has the id', second, 'sub-2');
  check('unsubscribe with it', await unsubscribe(second), 'returns false, sends nothing');
  heard = [];
  item('sub-3', 5);
  await sleep(200);
  check('an item of sub-3; heard', heard.join(), '5');
  check('subscriptions by its own count', provider.stats.active.subscriptions, 1);
  for (const f of failures) console.log('CHANGED:', f);
  process.exit(failures.length ? 1 : 0);
});
server.on('connection', (s) => {
  socket = s;
  socket.on('message', (text) => {
    const { id, method } = JSON.parse(text);
    methods.push(method);
    if (method !== 'subscribe') return socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: true }));
    const mine = `sub-${++made}`;
    before.forEach((result) => item(mine, result));
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: mine }));
  });
});
JS
echo "@polkadot/rpc-provider $(node -p "require('./node_modules/@polkadot/rpc-provider/package.json').version"), ws 8.23.0"
timeout 60 node try.js 2> /dev/null
