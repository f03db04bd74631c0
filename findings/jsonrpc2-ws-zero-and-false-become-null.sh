#!/usr/bin/env bash
# npm jsonrpc2-ws 1.0.0-beta24 (JSON-RPC 2.0 over WebSocket, both ways), its Server and its Client, with ws 8.23.0 beside it,
# which is also the other end here. Node.js 18 or later.
#
# One would guess: what a method returns is its result, and a notification is never answered.
#
# What is: a method that returns 0, false or "" is answered by `"result":null`; 1, true, [] and {} arrive as they are. So "how
# many?" and "is it?" lose just one of their answers, which a typed client then refuses or takes for "unknown". It is the
# same when its Client serves a method for its server. And a notification of a method that the server does not have is
# answered after all, by an error with id null, as JSON-RPC has it for texts that are no request at all.
# Besides, `new Client(url)` with its defaults never connects in a program that has ws 8 (its Client takes whatever ws the program
# has, its Server its own ws 7), and does not say so: its default `protocols: ""` is a subprotocol that ws 8 refuses before it dials,
# and the exception is swallowed: no event `error`, `connected` or `close`. With `protocols: []` it works.
#
# For a caller: read null as zero, false or "" from such a peer, and do not end a connection for an error with id null.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts jsonrpc2-ws@1.0.0-beta24 ws@8.23.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > try.js <<'JS'
const WebSocket = require('ws');
const { once } = require('events');
const { Server, Client } = require('jsonrpc2-ws');
const failures = [];
const check = (what, seen, expected) => {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) failures.push(`${what}: expected ${expected}`);
};
const values = [0, false, '', 1, true, [], {}];
const returned = (value) => JSON.stringify(['', 0, false].includes(value) ? null : value);
async function ask(socket, message) {
  const heard = Promise.race([once(socket, 'message'), new Promise((done) => setTimeout(done, 1000, ['nothing']))]);
  socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }));
  return String((await heard)[0]);
}
(async () => {
  const server = new Server({ wss: { port: 0, host: '127.0.0.1' } });
  await once(server.wss, 'listening');
  server.methods.set('give', (_socket, [i]) => values[i]);
  const socket = new WebSocket(`ws://127.0.0.1:${server.wss.address().port}`);
  await once(socket, 'open');
  for (const [i, value] of values.entries()) {
    const answer = JSON.parse(await ask(socket, { id: i, method: 'give', params: [i] }));
    check(`the Server's method returns ${JSON.stringify(value)}; the result`, JSON.stringify(answer.result), returned(value));
  }
  check('a notification of a method it has is answered by', await ask(socket, { method: 'give', params: [3] }), 'nothing');
  check('a notification of a method it has not is answered by', await ask(socket, { method: 'other', params: [] }),
    '{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"Method not found"}}');

  const plain = new WebSocket.Server({ port: 0, host: '127.0.0.1' });
  await once(plain, 'listening');
  const url = `ws://127.0.0.1:${plain.address().port}`;
  const events = [];
  const silent = new Client(url);
  for (const event of ['connected', 'error', 'close', 'disconnect']) silent.on(event, () => events.push(event));
  await new Promise((done) => setTimeout(done, 3000));
  check('within 3 s a Client with its defaults makes', `${plain.clients.size} connections, ${events.length} events`, '0 connections, 0 events');
  const why = await new Client(url, { autoConnect: false }).connect().then(() => 'connected', (e) => e.message);
  check('... asked to connect, it says', why, 'An invalid or duplicated subprotocol was specified');
  const client = new Client(url, { protocols: [], reconnection: false });
  client.methods.set('give', (_socket, [i]) => values[i]);
  const [peer] = await once(plain, 'connection');
  for (const [i, value] of values.entries()) {
    const answer = JSON.parse(await ask(peer, { id: i, method: 'give', params: [i] }));
    check(`the Client's method returns ${JSON.stringify(value)}; the result`, JSON.stringify(answer.result), returned(value));
  }
  for (const f of failures) console.log('CHANGED:', f);
  process.exit(failures.length ? 1 : 0);
})();
JS
echo "jsonrpc2-ws 1.0.0-beta24, ws $(node -p "require('ws/package.json').version")"
timeout 60 node try.js
