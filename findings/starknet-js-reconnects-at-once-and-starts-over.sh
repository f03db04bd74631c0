#!/usr/bin/env bash
# npm starknet 10.8.0 (starknet.js), its WebSocketChannel with its defaults; ws 8.23.0 as the server and as `WebSocket`. Node.js
# 20 or later.
#
# One would guess: with `reconnectOptions.delay` 2000 and `exponential: true` by default it waits before it connects again, at
# the latest when the server says 1013 ("try again later") or 1008 ("policy"); and a subscription from block 100 on goes on
# after a reconnect where it was.
#
# What is: the delay stands only between attempts that fail. Every end, whatever its code, is followed by a new connection
# within some milliseconds, and if the server takes it and closes it again, by the next one. So a server that sheds its clients
# gets five connections of each within a blink; then the client stays away for good, since a connection must last 5 s to count
# as a success. It tells by a log line alone; calls of that channel then wait in a queue without an end. A subscription made
# with `blockIdentifier` is made again with the same block, so all its items come a second time to the same handler. The event
# `open` comes twice for each reconnect. Items that come before their subscription's answer are dropped.
#
# For a server: 1013 does not slow this client down, and five quick closes lose it. For a program that uses it: keep the number
# of the last block, and drop what is not above it.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts starknet@10.8.0 ws@8.23.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > try.js <<'JS'
const { WebSocket, WebSocketServer } = require('ws');
globalThis.WebSocket = WebSocket;
const { WebSocketChannel, config } = require('starknet');
config.set('logLevel', 'OFF');
const failures = [];
const check = (what, seen, expected) => {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) failures.push(`${what}: expected ${expected}`);
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
let socket, subscriptions = 0, refuse = false;
const opened = [], asked = [];
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, async () => {
  const channel = new WebSocketChannel({ nodeUrl: `ws://127.0.0.1:${server.address().port}` });
  const { retries, delay, exponential, stableConnectionThreshold } = channel.reconnectOptions;
  check('defaults', `${retries} retries, delay ${delay}, exponential ${exponential}, stable after ${stableConnectionThreshold}`, '5 retries, delay 2000, exponential true, stable after 5000');
  await channel.waitForConnection();
  let opens = 0;
  channel.on('open', () => opens++);
  const heads = await channel.subscribeNewHeads({ blockIdentifier: 100 });
  const heard = [];
  heads.on(({ block_number }) => heard.push(block_number));
  await sleep(200);
  check('block 99, then the answer, then 100 and 101; heard', heard.join(), '100,101');
  await sleep(5500);  // so that this connection counts as a success
  opened.length = asked.length = heard.length = opens = 0;
  const end = Date.now();
  socket.close(1013, 'try again later');
  await sleep(1000);
  check('closed with 1013; it connects again', opened[0] - end < 500 ? 'within 0.5 s' : 'later', 'within 0.5 s');
  check('... asks for', asked.join(), '{"block_id":{"block_number":100}}');
  check('... hears', heard.join(), '100,101');
  check('... events `open`', opens, 2);
  await sleep(5500);
  opened.length = 0;
  refuse = true;
  const start = Date.now();
  socket.close(1013, 'try again later');
  await sleep(3000);
  check('closed each time with 1013 right after the opening; connections within 3 s', opened.length, 5);
  check('... the fifth', opened[4] - start < 1000 ? 'within 1 s' : 'later', 'within 1 s');
  refuse = false;
  await sleep(5000);
  check('... connections in the next 5 s', opened.length - 5, 0);
  check('... a call', await Promise.race([channel.sendReceive('starknet_chainId', {}).then(() => 'answered', () => 'rejected'), sleep(3000).then(() => 'open after 3 s')]), 'open after 3 s');
  for (const f of failures) console.log('CHANGED:', f);
  process.exit(failures.length ? 1 : 0);
});
server.on('connection', (s) => {
  opened.push(Date.now());
  if (refuse) return s.close(1013, 'try again later');
  socket = s;
  s.on('message', (text) => {
    const { id, params } = JSON.parse(text);
    asked.push(JSON.stringify(params));
    const mine = `sub-${++subscriptions}`;
    const send = (message) => s.send(JSON.stringify({ jsonrpc: '2.0', ...message }));
    const item = (block_number) => send({ method: 'starknet_subscriptionNewHeads', params: { subscription_id: mine, result: { block_number } } });
    item(99);
    send({ id, result: mine });
    item(100);
    item(101);
  });
});
JS
echo "starknet 10.8.0, ws 8.23.0"
timeout 60 node try.js
