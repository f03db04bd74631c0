#!/usr/bin/env bash
# npm @walletconnect/jsonrpc-provider 1.0.14 with @walletconnect/jsonrpc-ws-connection 1.0.16; ws 8.23.0 as the server. Node.js 18 or later.
#
# One would guess: a JSON-RPC client forgets a call once it is answered, and fails a call that is open when
# its connection ends.
#
# What is: neither. Each call adds a listener under its own id to the provider's event emitter and nothing ever
# takes it away, answered or not: 500 answered calls leave 500 listeners (or a few less, as some share an id), each with what its promise holds, and
# the number grows for as long as the provider lives (a new connection does not reset it). Since every listener has
# an event name of its own, Node's warning about leaking listeners never appears. And a call that is open when
# the server closes (1012, with a reason) or drops the connection neither resolves nor rejects; the provider just
# connects anew at the next call, which works, so the program around it sees only a promise that never ends.
#
# For a server: answer each open call before closing (also at a shutdown); the close code tells this client nothing.
# For a program that uses it: time limits of its own around each call, and a new provider now and then.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @walletconnect/jsonrpc-provider@1.0.14 \
  @walletconnect/jsonrpc-ws-connection@1.0.16 ws@8.23.0 || { echo "could not install the npm packages"; exit 2; }
cat > try.js <<'JS'
const { WebSocketServer } = require('ws');
const { JsonRpcProvider } = require('@walletconnect/jsonrpc-provider');
const { WsConnection } = require('@walletconnect/jsonrpc-ws-connection');
let connections = 0;
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, async () => {
  const failures = [];
  const check = (what, seen, expected) => {
    console.log(`${what}: ${seen}`);
    const right = typeof expected === 'function' ? expected(seen) : seen === expected;
    if (!right) failures.push(`${what}: ${seen}`);
  };
  const provider = new JsonRpcProvider(new WsConnection(`ws://127.0.0.1:${server.address().port}`));
  const fate = (method, ms) => Promise.race([
    provider.request({ method, params: [] }).then((r) => `resolved to ${JSON.stringify(r)}`, (e) => `rejected: ${e.message}`),
    new Promise((done) => setTimeout(done, ms, `still open after ${ms / 1000} s`)),
  ]);
  const warnings = [];
  process.on('warning', (w) => warnings.push(w.name));
  await provider.request({ method: 'echo' });
  const kept = () => provider.events.eventNames().filter((n) => /^\d+$/.test(n)).length;
  const before = kept();
  for (let i = 0; i < 500; i++) await provider.request({ method: 'echo' });
  check('listeners left behind by 500 answered calls', kept() - before, (n) => n > 400 && n <= 500);
  check('warnings of Node about that', warnings.length, 0);
  check('a call that is open when the server closes with 1012', await fate('close', 5000), 'still open after 5 s');
  check('a call that is open when the server drops the connection', await fate('drop', 5000), 'still open after 5 s');
  check('the next call', await fate('echo', 5000), 'resolved to "echo"');
  check('connections', connections, 3);
  check('listeners kept after the new connections', kept() - before, (n) => n > 400 && n <= 503);
  for (const f of failures) console.log('CHANGED:', f);
  process.exit(failures.length ? 1 : 0);
});
server.on('connection', (socket) => {
  connections++;
  socket.on('message', (text) => {
    const { id, method } = JSON.parse(text);
    if (method === 'close') socket.close(1012, 'restarting');
    else if (method === 'drop') socket.terminate();
    else socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: method }));
  });
});
JS
echo "@walletconnect/jsonrpc-provider 1.0.14, @walletconnect/jsonrpc-ws-connection 1.0.16"
timeout 60 node try.js
