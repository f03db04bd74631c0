#!/usr/bin/env bash
# npm home-assistant-js-websocket 9.7.0 (calls and subscriptions of Home Assistant over WebSocket, with reconnects); ws
# 8.23.0 as the server, which answers as Home Assistant does, and as `WebSocket`. Node.js 18 or later.
#
# One would guess: the function that `subscribeMessage` resolves to ends that subscription and no other, on whatever
# connection, and once it has resolved, that subscription is over.
#
# What is: it remembers the number that the subscription had, and numbers begin anew with each connection. A
# subscription that was made with `resubscribe: false` is gone after a reconnect; its function then sends the old
# number, which is by now one of another subscription, and ends that one, at the server and in the client: it resolves,
# the other callback never hears anything again, not after the next reconnect either, and nobody is told. Called while
# the connection is away, it resolves at once, and after the reconnect the subscription is made again and its callback
# runs on. Called as the event `ready` tells of the new connection, it sends the old number as well, as the new one is
# not answered yet: it rejects ("Subscription not found"), and the callback runs on.
#
# For a server: ids that never come twice, on any connection of a client, make such a mistake harmless. For a program
# that uses it: forget such functions when `disconnected` comes, let each callback drop what is no longer wanted, and
# end subscriptions only some time after `ready`.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts home-assistant-js-websocket@9.7.0 ws@8.23.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > try.js <<'JS'
const { WebSocket, WebSocketServer } = require('ws');
const { createConnection, createLongLivedTokenAuth } = require('home-assistant-js-websocket');
globalThis.WebSocket = WebSocket;
const failures = [];
const check = (what, seen, expected) => {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) failures.push(`${what}: expected ${expected}`);
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
let socket;
const main = async () => {
  const auth = createLongLivedTokenAuth(`http://127.0.0.1:${server.address().port}`, 'token');
  const connection = await createConnection({ auth });
  const happens = (event) => new Promise((done) => {
    const once = () => { connection.removeEventListener(event, once); done(); };
    connection.addEventListener(event, once);
  });
  const heard = [];
  const subscribe = (type, options) => connection.subscribeMessage(() => heard.push(type), { type }, options);
  const fate = (unsubscribe) => unsubscribe().then(() => 'resolves', (e) => `rejects: ${e.message}`);
  const state = async () => {
    heard.length = 0;
    const there = [...socket.subscriptions].map(([id, type]) => `${type} ${id}`).join();
    for (const id of socket.subscriptions.keys()) socket.send(JSON.stringify({ id, type: 'event', event: {} }));
    await sleep(200);
    return `${there || 'nothing'}; heard ${heard.join() || 'nothing'}`;
  };
  const reconnect = async (meanwhile = () => {}) => {
    const gone = happens('disconnected'), ready = happens('ready');
    socket.close(1012, 'restarting');
    await gone;
    await meanwhile();
    await ready;
  };
  const endOne = await subscribe('one', { resubscribe: false });
  const endTwo = await subscribe('two');
  const endThree = await subscribe('three');
  check('the server has', await state(), 'one 3,two 4,three 5; heard one,two,three');

  await reconnect();
  await sleep(300);
  check('after a reconnect', await state(), 'two 2,three 3; heard two,three');
  check('the function of `one`', await fate(endOne), 'resolves');
  check('... the server has', await state(), 'two 2; heard two');
  await reconnect();
  await sleep(300);
  check('... after the next reconnect', await state(), 'two 2; heard two');

  await reconnect(async () => check('the function of `two` while the connection is away', await fate(endTwo), 'resolves'));
  await sleep(300);
  check('... after the reconnect', await state(), 'two 2; heard two');

  const endFour = await subscribe('four');
  for (let i = 0; i < 3; i++) await connection.ping();
  const endFive = await subscribe('five');
  check('the server has', (await state()).split(';')[0], 'two 2,four 3,five 7');
  await reconnect();
  check('the function of `five` as `ready` comes', await fate(endFive), 'rejects: Subscription not found.');
  await sleep(300);
  check('... the server has', await state(), 'two 2,four 3,five 4; heard two,four,five');
  for (const f of failures) console.log('CHANGED:', f);
  process.exit(failures.length ? 1 : 0);
};
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, main);
server.on('connection', (s) => {
  socket = s;
  s.subscriptions = new Map();
  const send = (message) => s.send(JSON.stringify(message));
  send({ type: 'auth_required', ha_version: '2026.11.0' });
  s.on('message', (text) => {
    const { id, type, subscription } = JSON.parse(text);
    const result = { id, type: 'result', success: true, result: null };
    if (type === 'auth') return send({ type: 'auth_ok', ha_version: '2026.11.0' });
    if (type === 'ping') return send({ id, type: 'pong' });
    if (type === 'supported_features') return send(result);
    if (type !== 'unsubscribe_events') s.subscriptions.set(id, type);
    else if (!s.subscriptions.delete(subscription)) {
      return send({ id, type: 'result', success: false, error: { code: 'not_found', message: 'Subscription not found.' } });
    }
    send(result);
  });
});
JS
echo "home-assistant-js-websocket 9.7.0, ws 8.23.0"
timeout 60 node try.js
