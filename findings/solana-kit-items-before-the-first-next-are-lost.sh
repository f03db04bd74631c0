#!/usr/bin/env bash
# npm @solana/kit 8.4.0, its createSolanaRpcSubscriptions over WebSocket; ws 8.23.0 as the server. Node.js 20 or later.
#
# One would guess: from `const items = await rpc.slotNotifications().subscribe(…)` on, items wait in the iterable until somebody
# reads it.
#
# What is: only from the first `next()` on. What the server sends between the subscription's answer and the loop that reads is
# dropped, with no error and no count. Of items 30, 60, 90 and 600 ms after the answer a loop that starts 200 ms later hears the
# last alone. And a loop that starts at once, on the very next line, does not hear the items that come right behind the answer.
# Once the loop has begun items do wait: one that is busy for 150 ms after each hears all.
#
# For a program that uses it: call `next()` before any other `await`, and ask for the state of things by a call of its own. For
# a server: a first item with the state of things, sent right behind the answer, reaches nobody.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @solana/kit@8.4.0 ws@8.23.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > try.js <<'JS'
const { WebSocketServer } = require('ws');
const { createSolanaRpcSubscriptions } = require('@solana/kit');
const failures = [];
const check = (what, seen, expected) => {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) failures.push(`${what}: expected ${expected}`);
};
let times = [30, 60, 90, 600];
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, async () => {
  const rpc = createSolanaRpcSubscriptions(`ws://127.0.0.1:${server.address().port}`);
  async function heard(before, busy) {
    const abort = new AbortController();
    const items = await rpc.slotNotifications().subscribe({ abortSignal: abort.signal });
    await sleep(before);
    setTimeout(() => abort.abort(), 1000);
    const seen = [];
    try {
      for await (const { slot } of items) {
        seen.push(Number(slot));
        if (busy) await sleep(busy);
      }
    } catch (e) {
      seen.push(e.name);
    }
    return seen.join();
  }
  check('items at 30, 60, 90 and 600 ms; the loop starts at once', await heard(0, 0), '1,2,3,4');
  check('... at once, and is busy for 150 ms after each', await heard(0, 150), '1,2,3,4');
  check('... after 200 ms', await heard(200, 0), '4');
  times = [0, 0, 600];
  check('items 0, 0 and 600 ms behind the answer; the loop starts at once', await heard(0, 0), '3');
  for (const f of failures) console.log('CHANGED:', f);
  process.exit(failures.length ? 1 : 0);
});
let subscription = 0;
server.on('connection', (socket) => socket.on('message', (text) => {
  const { id, method } = JSON.parse(text);
  const send = (message) => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }));
  if (method !== 'slotSubscribe') return send({ id, result: true });
  const mine = ++subscription;
  send({ id, result: mine });
  times.forEach((ms, i) => (ms ? setTimeout : (now) => now())(() => send({ method: 'slotNotification',
    params: { subscription: mine, result: { slot: i + 1, parent: i, root: 0 } } }), ms));
}));
JS
echo "@solana/kit $(node -p "require('./node_modules/@solana/kit/package.json').version"), ws $(node -p "require('ws/package.json').version")"
timeout 60 node try.js
