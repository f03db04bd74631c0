#!/usr/bin/env bash
# npm @subsquid/rpc-client 4.14.0 over WebSocket, with its defaults but `log: null`; ws 8.23.0 as the server. Node.js 18 or later.
#
# One would guess: `call(method, params, { timeout })` ends that call alone, and an answer that nobody waits for is ignored.
#
# What is: the time limit of one call closes the whole connection, and every other open call of the client fails in that
# moment with "Closing connection, because one of requests timed out", whatever its own time limit (none, by default). So
# does an answer under an id that is not open (or one whose id comes as a string): the client closes with 1008 and
# fails all that is open with "Got response for unknown request". An answer with id null, on the other hand, is ignored, and
# its call stays open without end. The next call connects anew.
#
# For a server: 1008 from this client is its word for a stray answer, and 1000 its word for a call that was too slow.
# For a program that uses it: calls with time limits and calls that may not fail need clients of their own.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @subsquid/rpc-client@4.14.0 ws@8.23.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > try.js <<'JS'
const { WebSocketServer } = require('ws');
const { RpcClient } = require('@subsquid/rpc-client');
const closes = [];
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, async () => {
  const failures = [];
  const check = (what, seen, expected) => {
    console.log(`${what}: ${seen}`);
    if (seen !== expected) failures.push(`${what}: expected ${expected}`);
  };
  const client = new RpcClient({ url: `ws://127.0.0.1:${server.address().port}`, log: null });
  const fate = (method, options) => Promise.race([
    client.call(method, [], options).then((r) => `resolved to ${JSON.stringify(r)}`, (e) => `rejected: ${e.message}`),
    new Promise((done) => setTimeout(done, 3000, 'still open after 3 s')),
  ]);
  const pause = () => new Promise((done) => setTimeout(done, 300));
  check('a call', await fate('echo'), 'resolved to "echo"');

  let other = fate('never');
  check('a call with a time limit of 300 ms', await fate('never', { timeout: 300 }), 'rejected: Request timed out after 300 ms');
  check('... another call, without a time limit', await other, 'rejected: Closing connection, because one of requests timed out');
  await pause();
  check('... the server sees it close with', closes.join(' '), '1000');

  other = fate('never');
  check('a call before whose answer one comes for id 777777', await fate('stray'), 'rejected: Got response for unknown request 777777');
  check('... another call', await other, 'rejected: Got response for unknown request 777777');
  await pause();
  check('... the server sees it close with', closes.join(' '), '1000 1008');

  check('a call that is answered by an error with id null', await fate('nobody'), 'still open after 3 s');
  check('the next call', await fate('echo'), 'resolved to "echo"');
  for (const f of failures) console.log('CHANGED:', f);
  process.exit(failures.length ? 1 : 0);
});
server.on('connection', (socket) => {
  socket.on('close', (code) => closes.push(code));
  socket.on('message', (text) => {
    const { id, method } = JSON.parse(text);
    const send = (message) => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }));
    if (method === 'never') return;
    if (method === 'nobody') return send({ id: null, error: { code: -32600, message: 'refused' } });
    if (method === 'stray') send({ id: 777777, result: 1 });
    send({ id, result: method });
  });
});
JS
echo "@subsquid/rpc-client 4.14.0"
timeout 60 node try.js
