#!/usr/bin/env bash
# npm noice-json-rpc 1.2.0 (JSON-RPC over WebSocket, often used for the DevTools protocol), its Client; ws 8.23.0 as the
# server and as its socket. Node.js 18 or later.
#
# One would guess: an answer `{"jsonrpc":"2.0","id":2,"result":0}` resolves its call to 0.
#
# What is: a result of 0, false, "" or null is taken for no result. The call never ends, and the client emits
# `error` ("Response must have result or error"); as with any event emitter, that is an exception which
# ends the process if nobody listens for `error` on the client. An empty object or array is a result. Nor does a call end when
# the connection closes. Besides, its requests have no `jsonrpc` member at all, although it is a client for JSON-RPC 2.0 by
# its own words.
#
# For a server: give such a client an object, never a bare `false` or `null` ("done, nothing to say"), and take
# requests without `jsonrpc`.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts noice-json-rpc@1.2.0 ws@8.23.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > try.js <<'JS'
const { WebSocketServer, WebSocket } = require('ws');
const { Client } = require('noice-json-rpc');
let first;
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, async () => {
  const failures = [];
  const check = (what, seen, expected) => {
    console.log(`${what}: ${seen}`);
    if (seen !== expected) failures.push(`${what}: expected ${expected}`);
  };
  const client = new Client(new WebSocket(`ws://127.0.0.1:${server.address().port}`));
  let errors = [];
  client.on('error', (e) => errors.push(e.message.split(':')[0]));
  const fate = async (method, params) => {
    errors = [];
    const end = await Promise.race([
      client.call(method, params).then((r) => `resolved to ${JSON.stringify(r)}`, (e) => `rejected: ${e.message}`),
      new Promise((done) => setTimeout(done, 1500, 'still open after 1.5 s')),
    ]);
    return end + (errors.length ? `, error event "${errors}"` : '');
  };
  for (const value of [1, 'a', {}, []]) check(`result ${JSON.stringify(value)}`, await fate('echo', [value]), `resolved to ${JSON.stringify(value)}`);
  for (const value of [0, false, '', null]) {
    check(`result ${JSON.stringify(value)}`, await fate('echo', [value]), 'still open after 1.5 s, error event "Response must have result or error"');
  }
  check('a call that is open when the server closes', await fate('close', []), 'still open after 1.5 s');
  check('a request on the wire', first, '{"id":1,"method":"echo","params":[1]}');
  for (const f of failures) console.log('CHANGED:', f);
  process.exit(failures.length ? 1 : 0);
});
server.on('connection', (socket) => socket.on('message', (text) => {
  first ??= String(text);
  const { id, method, params } = JSON.parse(text);
  if (method === 'close') socket.close(1001);
  else socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: params[0] }));
}));
JS
echo "noice-json-rpc 1.2.0"
timeout 60 node try.js
