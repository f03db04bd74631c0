#!/usr/bin/env bash
# npm birpc 4.2.0 (two-way calls over any channel; the devtools of Vite stand on it), set up for a WebSocket as its README
# has it; ws 8.23.0. Node.js 20 or later.
#
# One would guess: what a function at the other end throws rejects the call, with its message.
#
# What is: the README's `serialize: v => JSON.stringify(v)` makes {} of an Error, and so the call rejects with {}: no Error, no message, no
# code. The same for a function that the other end has not, whose "function not found" is nowhere to be read. What is no Error arrives
# as it is, so a rejection with a plain object keeps its members. But a falsy one (an empty text, 0, null, nothing) is taken for none at
# all: the function rejected, and the call resolves to undefined.
#
# For a program that uses it: give `serialize` a replacer that writes name and message of an Error, and `deserialize` a reviver; never
# reject with what may be falsy.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts birpc@4.2.0 ws@8.23.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > try.mjs <<'JS'
import { once } from 'node:events';
import { inspect } from 'node:util';
import { createBirpc } from 'birpc';
import { WebSocket, WebSocketServer } from 'ws';
let changed = false;
process.exitCode = 1; // should it end before the last check
const channel = (socket) => ({
  post: (data) => socket.send(data),
  on: (fn) => socket.on('message', fn),
  serialize: (v) => JSON.stringify(v),
  deserialize: (v) => JSON.parse(v),
});
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
await once(server, 'listening');
server.on('connection', (socket) => createBirpc({
  works: () => 7,
  error: () => { throw new TypeError('the disk is full'); },
  object: () => Promise.reject({ code: 7, message: 'the disk is full' }),
  text: () => Promise.reject('the disk is full'),
  emptyText: () => Promise.reject(''),
  zero: () => Promise.reject(0),
  nothing: () => Promise.reject(),
}, channel(socket)));
const socket = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
await once(socket, 'open');
const rpc = createBirpc({}, channel(socket));
async function check(name, expected) {
  const seen = await rpc[name]().then((v) => `resolves to ${inspect(v)}`, (e) => `rejects with ${inspect(e)}`);
  console.log(`${name}: ${seen}`);
  if (seen !== expected) {
    changed = true;
    console.log(`  CHANGED: expected: ${expected}`);
  }
}
await check('works', 'resolves to 7');
await check('error', 'rejects with {}');
await check('unknown', 'rejects with {}');
await check('object', "rejects with { code: 7, message: 'the disk is full' }");
await check('text', "rejects with 'the disk is full'");
await check('emptyText', 'resolves to undefined');
await check('zero', 'resolves to undefined');
await check('nothing', 'resolves to undefined');
process.exit(changed ? 1 : 0);
JS
echo "birpc $(sed -n 's/^ *"version": "\(.*\)",/\1/p' node_modules/birpc/package.json), ws $(sed -n 's/^ *"version": "\(.*\)",/\1/p' node_modules/ws/package.json)"
timeout 60 node try.mjs
