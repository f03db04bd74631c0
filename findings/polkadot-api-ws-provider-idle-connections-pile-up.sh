#!/usr/bin/env bash
# npm @polkadot-api/ws-provider 0.9.1 (the getWsProvider of polkadot-api: JSON-RPC 2.0 over WebSocket) with its
# defaults, with rxjs 7.8.2, which it needs; ws 8.23.0 as the server and as `WebSocket`. Node.js 20 or later. Takes a
# minute and a half.
#
# One would guess: a client that reconnects closes the connection that it gives up; a server's pings keep an idle
# connection alive; and a call whose connection ends before its answer fails, so that it is the program that decides
# whether to make it again.
#
# What is: after 40 s without a text message the provider takes its connection for dead, whatever pings the server sends
# (it listens for an event `ping`, which the WebSockets of browsers and the listeners of ws do not have), opens another
# and never closes the old one: an idle client holds one connection more every 40 s, all of them open, and `disconnect`
# closes the last one alone. So it is with an opening that takes more than 5 s: it goes on beside the next one, opens,
# and stays, and a server that needs 6 s each time sees ever more of one client, which is never connected. And a call
# that is not answered before its connection ends is sent again on the next one, under the same id, until it is answered
# (only calls on a subscription of `chainHead_` fail): nobody asks the program, nor tells it.
#
# For a server: send a text message at least each 40 s, and cut connections that say nothing. What must not run twice
# needs a key of its own. For a program that uses it: make a small call every half minute, or set `heartbeatTimeout`,
# and do not rely on `disconnect`.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @polkadot-api/ws-provider@0.9.1 rxjs@7.8.2 ws@8.23.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > try.mjs <<'JS'
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { getWsProvider } from '@polkadot-api/ws-provider';
const failures = [];
const check = (what, seen, expected) => {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) failures.push(`${what}: expected ${expected}`);
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const until = async (condition) => { for (let i = 0; i < 100 && !condition(); i++) await sleep(100); };
// A server that counts, pings each of its clients every 5 s, and takes `opens` ms for an opening.
const serve = async (opens, answer) => {
  const verifyClient = (_, done) => setTimeout(done, opens, true);
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', verifyClient });
  await once(server, 'listening');
  const seen = { made: 0, asked: [], pongs: new Set(), open: () => server.clients.size };
  server.on('connection', (socket) => {
    const number = ++seen.made;
    const pings = setInterval(() => socket.ping(), 5000);
    socket.on('pong', () => seen.pongs.add(number));
    socket.on('close', () => clearInterval(pings));
    socket.on('message', (text) => {
      const call = JSON.parse(text);
      seen.asked.push(`${call.method} ${call.id} on connection ${number}`);
      answer(socket, call, number);
    });
  });
  const heard = [];
  const provider = getWsProvider(`ws://127.0.0.1:${server.address().port}`, { websocketClass: WebSocket });
  const client = provider((message) => heard.push(JSON.stringify(message.error ?? message.result)));
  const call = (id, method) => client.send({ jsonrpc: '2.0', id, method, params: [] });
  return { seen, heard, client, call };
};
const reply = (socket, { id, method }) => socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: method }));

const idle = async () => {
  const { seen, heard, client, call } = await serve(0, reply);
  call(1, 'hello');
  await sleep(90_000);
  check('an idle client that is pinged every 5 s: connections after 90 s', seen.made, 3);
  check('... of them open', seen.open(), 3);
  check('... of them answering pings', [...seen.pongs].join(), '1,2,3');
  check('... its one call was answered by', heard.join(), '"hello"');
  client.disconnect();
  await sleep(2000);
  check('... of them open after `disconnect`', seen.open(), 2);
};
const slow = async () => {
  const { seen, heard, client, call } = await serve(6000, reply);
  call(1, 'hello');
  await sleep(30_000);
  check('a server that needs 6 s for an opening: calls of the client within 30 s', seen.asked.length, 0);
  check('... openings of the client that are done and stay', seen.made >= 4 && seen.open() === seen.made, true);
  client.disconnect();
};
const again = async () => {
  const { seen, heard, client, call } = await serve(0, (socket, message, number) => {
    if (message.method !== 'hello' && number < 4) return socket.close(1012, 'restarting');
    reply(socket, message);
  });
  call(1, 'hello');
  await until(() => heard.length === 1);
  call(2, 'pay');
  await until(() => heard.length === 2);
  check('a server that closes with 1012 while it runs `pay` sees',
    seen.asked.slice(1).join(', '), 'pay 2 on connection 1, pay 2 on connection 2, pay 2 on connection 3, pay 2 on connection 4');
  check('... the program hears', heard.slice(1).join(), '"pay"');
  client.disconnect();
};
await Promise.all([idle(), slow(), again()]);
for (const f of failures) console.log('CHANGED:', f);
process.exit(failures.length ? 1 : 0);
JS
echo "@polkadot-api/ws-provider 0.9.1, ws 8.23.0"
timeout 150 node try.mjs
