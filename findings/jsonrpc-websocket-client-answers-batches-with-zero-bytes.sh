#!/usr/bin/env bash
# npm jsonrpc-websocket-client 0.7.2 (JSON-RPC 2.0 over WebSocket, both ways, on json-rpc-peer 0.17.0 and json-rpc-protocol
# 0.13.2); ws 8.23.0 as the server and as its socket. Node.js 18 or later.
#
# One would guess: whoever answers a request answers a batch of requests by an array in one text; and ids are small numbers.
#
# What is: a server's batch is read, but the answer is a binary message of zero bytes, one for each request: the array of
# answers goes to the socket as it is, not as JSON. A batch of notifications, and a batch with the answers to its own calls
# (which it reads well), is answered by an empty binary message, although neither has an answer. Besides, its ids count up from
# -9007199254740991 (the least integer that a double holds), so they are negative and have 16 digits: too much for ids of 32
# bits, for unsigned ones, and for a JSON writer of 15 digits.
#
# For a server: do not close for a binary message from such a client, never send it a batch, and keep ids as they came.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts jsonrpc-websocket-client@0.7.2 json-rpc-peer@0.17.0 json-rpc-protocol@0.13.2 ws@8.23.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > try.js <<'JS'
const { once } = require('events');
const { WebSocketServer } = require('ws');
const { JsonRpcWebSocketClient } = require('jsonrpc-websocket-client');
const failures = [];
const check = (what, seen, expected) => {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) failures.push(`${what}: expected ${expected}`);
};
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, async () => {
  const client = new JsonRpcWebSocketClient(`ws://127.0.0.1:${server.address().port}`);
  const notified = [];
  client.on('notification', ({ method }) => notified.push(method));
  const [[socket]] = await Promise.all([once(server, 'connection'), client.open()]);
  const heard = async () => {
    const [data, binary] = await Promise.race([once(socket, 'message'), new Promise((done) => setTimeout(done, 500, ['nothing']))]);
    return binary ? `binary, bytes [${[...data]}]` : String(data);
  };
  async function answer(message) {
    const next = heard();
    socket.send(JSON.stringify(message));
    return next;
  }
  const request = (id) => ({ jsonrpc: '2.0', id, method: 'what' });
  const note = (method) => ({ jsonrpc: '2.0', method });
  check('a request', await answer(request(1)), '{"error":{"code":-32601,"data":"what","message":"method not found: what"},"id":1,"jsonrpc":"2.0"}');
  check('a batch of one request', await answer([request(2)]), 'binary, bytes [0]');
  check('a batch of three requests', await answer([request(3), request(4), request(5)]), 'binary, bytes [0,0,0]');
  check('a notification', await answer(note('alone')), 'nothing');
  check('a batch of two notifications', await answer([note('first'), note('second')]), 'binary, bytes []');
  check('notifications heard', String(notified), 'alone,first,second');
  const next = heard();
  const call = client.call('add', [1, 2]);
  const { id } = JSON.parse(await next);
  check('the id of its first call', id, -9007199254740991);
  check('a batch with the answer to it', await answer([{ jsonrpc: '2.0', id, result: 3 }]), 'binary, bytes []');
  check('the call', await call, 3);
  for (const f of failures) console.log('CHANGED:', f);
  process.exit(failures.length ? 1 : 0);
});
JS
echo "jsonrpc-websocket-client 0.7.2, json-rpc-peer $(node -p "require('json-rpc-peer/package.json').version"), ws 8.23.0"
timeout 60 node try.js
