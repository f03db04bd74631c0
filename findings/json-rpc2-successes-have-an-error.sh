#!/usr/bin/env bash
# npm json-rpc2 2.0.0 (JSON-RPC 2.0 over HTTP, TCP and WebSocket), its Server over WebSocket; ws 8.23.0 as the client. Node.js 18 or later.
#
# One would guess: as its answers bear "jsonrpc":"2.0", each has either a result or an error, and an error is an object with a code;
# a batch is answered; and a call is answered or refused.
#
# What is: each success has `"error":null` beside its result, and each failure `"result":null` beside an error that is a string, without
# a code: "Error: failed", or "[object Object]" for an error object with a code that the method gave. That is the form of JSON-RPC
# 1.0 under the label 2.0. A batch is dropped: nothing runs, nothing is answered. A call with the id 1.5 runs and is not
# answered. And messages are no messages but a stream: one call cut into two WebSocket messages is answered, as are two
# calls in one.
#
# For a client: decide by `error !== null`, never by whether the member is there; take a string for an error; send no batches,
# and whole numbers or strings for ids.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts json-rpc2@2.0.0 ws@8.23.0 || { echo "could not install the npm packages"; exit 2; }
cat > try.js <<'JS'
const WebSocket = require('ws');
const { once } = require('events');
const rpc = require('json-rpc2');
let changed = false;
process.exitCode = 1; // should it end before the last check
let ran = 0;
const server = rpc.Server.$create({ websocket: true });
const expose = (name, run) => server.expose(name, (params, _options, done) => { ran++; run(params, done); });
expose('echo', ([value], done) => done(null, value));
expose('fail', (_params, done) => done(new Error('failed')));
expose('refuse', (_params, done) => done({ code: 7, message: 'refused' }));
(async () => {
  const http = server.listen().listen(0, '127.0.0.1');
  await once(http, 'listening');
  async function check(what, messages, expected, runs = 1) {
    const socket = new WebSocket(`ws://127.0.0.1:${http.address().port}`);
    const heard = [];
    socket.on('message', (text) => heard.push(String(text)));
    await once(socket, 'open');
    ran = 0;
    for (const message of messages) socket.send(message);
    await new Promise((done) => setTimeout(done, 500));
    const seen = heard.join(' ') || 'nothing';
    console.log(`${what}\n> ${messages.join('\n> ')}\n< ${seen} (methods run: ${ran})`);
    if (seen !== expected || ran !== runs) {
      changed = true;
      console.log(`  CHANGED: expected ${expected} (${runs})`);
    }
    socket.terminate();
  }
  const call = (id, method = 'echo', params = '[7]') => `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`;
  const success = (id) => `{"jsonrpc":"2.0","result":7,"error":null,"id":${id}}`;
  const failure = (error) => `{"jsonrpc":"2.0","result":null,"error":${JSON.stringify(error)},"id":1}`;
  await check('a call', [call(1)], success(1));
  await check('a method that fails', [call(1, 'fail')], failure('Error: failed'));
  await check('a method that gives an error with the code 7', [call(1, 'refuse')], failure('[object Object]'));
  await check('a method that is not there', [call(1, 'other')], failure('Unknown RPC call "other"'), 0);
  await check('a string for an id', [call('"a"')], success('"a"'));
  await check('a fraction for an id', [call(1.5)], 'nothing');
  await check('a batch', [`[${call(1)},${call(2)}]`], 'nothing', 0);
  await check('a call in two messages', [call(1).slice(0, 20), call(1).slice(20)], success(1));
  await check('two calls in one message', [call(1) + call(2)], `${success(1)} ${success(2)}`, 2);
  process.exit(changed ? 1 : 0);
})();
JS
echo "json-rpc2 $(node -p "require('json-rpc2/package.json').version"), ws $(node -p "require('ws/package.json').version")"
timeout 60 node try.js
