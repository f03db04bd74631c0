#!/usr/bin/env bash
# npm @polkadot/rpc-provider 16.5.6 (the WsProvider of @polkadot/api); ws 8.23.0 as the server. Node.js 18 or later.
#
# One would guess: its cache of calls (`send(method, params, true)`, as the API does for what belongs to a given block) keeps
# results, and a call that failed can be tried again.
#
# What is: it keeps failures just as well, for 30 s by default. One "busy" of the server, or one call while the connection is
# down, and the same call fails with the same error, though the server is fine again and connected: nothing is sent. Entries
# that are too old go only after the cache has answered, and the one that answers is young again if another call was made since.
# So with a program that makes this call and another one from time to time it fails for ever, however long the pauses; with no
# other call, the first try after any pause gets the old failure and only the second is sent. Without the third argument the
# same call works at once. A capacity of 0, meant to turn the cache off, makes it keep all without a limit instead. (Here the
# limit is 600 ms.)
#
# For a server: that such a client does not come back after "try again" says nothing; its retries end inside it. For a program
# that uses it: try a failed call again without the cache.
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
let busy = true, requests = 0, socket;
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, async () => {
  const url = `ws://127.0.0.1:${server.address().port}`;
  const fate = (provider, param, cached) => provider.send('get', [param], cached).then((r) => `resolved to ${r}`, (e) => `rejected: ${e.message.split('\n')[0]}`);
  const open = async (...rest) => { const provider = new WsProvider(url, 500, {}, undefined, ...rest); provider.on('error', () => {}); return provider.isReady; };
  check('the default limit in ms', require('./node_modules/@polkadot/rpc-provider/cjs/lru.js').DEFAULT_TTL, 30000);
  const provider = await open(undefined, 600);
  check('the server is busy; a cached call', await fate(provider, 'a', true), 'rejected: -32000: busy');
  busy = false;
  await fate(provider, 'b', true);
  requests = 0;
  const seen = new Set();
  for (let i = 0; i < 4; i++) {
    await sleep(1500);
    seen.add(await fate(provider, 'a', true));
    await fate(provider, 'b', true);
  }
  check('not busy any more; every 1.5 s that call, then another one', `${[...seen].join(', ')}; ${requests} requests sent`, 'rejected: -32000: busy; 0 requests sent');
  check('the same call, not cached', await fate(provider, 'a', false), 'resolved to 0');
  await provider.disconnect();

  const alone = await open(undefined, 600);
  busy = true;
  await fate(alone, 'a', true);
  busy = false;
  await sleep(2000);
  check('a call without another one, failed 2 s ago; the first try', await fate(alone, 'a', true), 'rejected: -32000: busy');
  check('... the second', await fate(alone, 'a', true), 'resolved to 0');
  await alone.disconnect();

  const other = await open();
  socket.close(1012);
  await sleep(200);
  check('another provider, with the default limit, disconnected; a cached call', await fate(other, 3, true), 'rejected: WebSocket is not connected');
  for (let i = 0; i < 50 && !other.isConnected; i++) await sleep(100);
  requests = 0;
  check('it is connected again', other.isConnected, true);
  check('the cached call', `${await fate(other, 3, true)}; ${requests} requests sent`, 'rejected: WebSocket is not connected; 0 requests sent');
  check('the same call, not cached', await fate(other, 3, false), 'resolved to 0');
  const none = await open(0, 600);
  busy = true;
  await fate(none, 4, true);
  busy = false;
  await sleep(2000);
  check('capacity 0, 2 s after a call that failed', `${await fate(none, 4, true)}, ${await fate(none, 4, true)}`, 'rejected: -32000: busy, rejected: -32000: busy');
  for (const f of failures) console.log('CHANGED:', f);
  process.exit(failures.length ? 1 : 0);
});
server.on('connection', (s) => {
  socket = s;
  socket.on('message', (text) => {
    requests++;
    const { id } = JSON.parse(text);
    s.send(JSON.stringify({ jsonrpc: '2.0', id, ...(busy ? { error: { code: -32000, message: 'busy' } } : { result: 0 }) }));
  });
});
JS
echo "@polkadot/rpc-provider $(node -p "require('./node_modules/@polkadot/rpc-provider/package.json').version"), ws 8.23.0"
timeout 60 node try.js 2> /dev/null
