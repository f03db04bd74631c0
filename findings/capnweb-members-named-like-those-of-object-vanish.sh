#!/usr/bin/env bash
# npm capnweb 0.12.0 (Cap'n Web, two-way calls over WebSockets, by Cloudflare), its newWebSocketRpcSession at both ends;
# ws 8.23.0. Node.js 20 or later.
#
# One would guess: a plain object of numbers arrives with the members that it had, whatever they are called, as it does by JSON; or the
# call fails.
#
# What is: members whose names Object.prototype knows ("constructor", "toString", "valueOf", "hasOwnProperty" …), and "toJSON", are left out where
# the object arrives, in params and in results, at any depth. There is no error and nothing is logged. They did cross the wire:
# the receiver deletes them.
#
# For a program that uses it: send tables whose keys are not its own (words, names of users, columns) as arrays of pairs.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts capnweb@0.12.0 ws@8.23.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > try.mjs <<'JS'
import { once } from 'node:events';
import { newWebSocketRpcSession, RpcTarget } from 'capnweb';
import { WebSocket, WebSocketServer } from 'ws';
globalThis.WebSocket ??= WebSocket; // which Node 20 has not
let changed = false;
process.exitCode = 1; // should it end before the last check
class Api extends RpcTarget {
  /** How often each word stands in a text. */
  count(text) {
    const counts = Object.create(null);
    for (const word of text.split(' ')) counts[word] = (counts[word] ?? 0) + 1;
    return { ...counts };
  }
  names(object) {
    return Object.keys(object).join();
  }
  give(value) {
    return value;
  }
}
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
await once(server, 'listening');
const received = [];
server.on('connection', (socket) => {
  socket.on('message', (text) => received.push(String(text)));
  newWebSocketRpcSession(socket, new Api());
});
const api = newWebSocketRpcSession(`ws://127.0.0.1:${server.address().port}`);
async function check(what, call, expected) {
  const seen = await call.then((v) => JSON.stringify(v), (e) => `fails: ${e.message}`);
  console.log(`${what}: ${seen}`);
  if (seen !== expected) {
    changed = true;
    console.log(`  CHANGED: expected: ${expected}`);
  }
}
await check('words of "a constructor is a method"', api.count('a constructor is a method'), '{"a":2,"is":1,"method":1}');
const object = { valueOf: 1, toString: 2, toJSON: 3, hasOwnProperty: 4, length: 5, name: 6, prototype: 7, then: 8 };
await check(`names of ${JSON.stringify({ ...object, toJSON: undefined })} and toJSON`, api.names(object), '"length,name,prototype,then"');
const crossed = received.some((text) => text.includes('"valueOf":1') && text.includes('"hasOwnProperty":4'));
await check('... have crossed the wire', Promise.resolve(crossed), 'true');
await check('the depth of lists', api.give([{ deep: [{ constructor: 1, other: 2 }] }]), '[{"deep":[{"other":2}]}]');
await check('pairs', api.give([['constructor', 1], ['other', 2]]), '[["constructor",1],["other",2]]');
process.exit(changed ? 1 : 0);
JS
echo "capnweb $(sed -n 's/^ *"version": "\(.*\)",/\1/p' node_modules/capnweb/package.json), ws $(sed -n 's/^ *"version": "\(.*\)",/\1/p' node_modules/ws/package.json)"
timeout 60 node try.mjs
