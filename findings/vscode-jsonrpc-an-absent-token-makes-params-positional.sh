#!/usr/bin/env bash
# npm vscode-jsonrpc 8.2.1 and 10.0.0 (JSON-RPC of the language servers), both ends of it over an in-memory stream. Node.js 18
# or later.
#
# One would guess: `sendRequest(method, params, token)` with `token` undefined is `sendRequest(method, params)`, as an absent
# optional argument is anywhere in JavaScript.
#
# What is: with a method's name it counts the arguments. `sendRequest('m', {a: 1})` sends `"params":{"a":1}`, but
# `sendRequest('m', {a: 1}, undefined)` sends `"params":[{"a":1},null]`: by position, with a null more. So a wrapper that hands
# an optional token on turns each call without one from params by name to params by position, which any other server refuses.
# `sendNotification` does the same, and `sendRequest('m', undefined)` sends `[null]`, not "no params". A method given as a
# `RequestType` is not affected. Between two ends of vscode-jsonrpc it stays hidden: the handler gets `{a: 1}` as its first
# argument in both cases; its second one, though, is then null where the cancellation token belongs, so
# `token.isCancellationRequested` throws and the call is answered by -32603. An array of one's own is wrapped: `sendRequest('m',
# [1, 2])` sends `[[1,2]]`.
#
# For a server: `[object, null]` may be params by name from a client that means no harm. For a caller: leave the argument away,
# or pass `CancellationToken.None`.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts old@npm:vscode-jsonrpc@8.2.1 new@npm:vscode-jsonrpc@10.0.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > try.js <<'JS'
const { PassThrough } = require('stream');
const failures = [];
const check = (what, seen, expected) => {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) failures.push(`${what}: expected ${expected}`);
};
async function version(name) {
  const rpc = require(`${name}/node`);
  console.log(`vscode-jsonrpc ${require(`./node_modules/${name}/package.json`).version}`);
  const [there, back] = [new PassThrough(), new PassThrough()];
  let wire = '';
  there.on('data', (bytes) => { wire += bytes; });
  const client = rpc.createMessageConnection(new rpc.StreamMessageReader(back), new rpc.StreamMessageWriter(there));
  const server = rpc.createMessageConnection(new rpc.StreamMessageReader(there), new rpc.StreamMessageWriter(back));
  let heard;
  server.onRequest('m', (...args) => { heard = args; return 'ok'; });
  server.onRequest('asks its token', (params, token) => token.isCancellationRequested);
  server.onNotification('m', (...args) => { heard = args; });
  client.listen();
  server.listen();
  async function sent(send) {
    wire = '';
    await send();
    await client.sendRequest('m');  // all before it has been handled
    return JSON.stringify(JSON.parse(wire.slice(wire.indexOf('{'), wire.indexOf('}Content-Length') + 1)).params);
  }
  const request = (...args) => sent(() => client.sendRequest(...args));
  const token = rpc.CancellationToken.None;
  check("sendRequest('m', {a: 1}) sends", await request('m', { a: 1 }), '{"a":1}');
  check("sendRequest('m', {a: 1}, a token) sends", await request('m', { a: 1 }, token), '{"a":1}');
  check("sendRequest('m', {a: 1}, undefined) sends", await request('m', { a: 1 }, undefined), '[{"a":1},null]');
  check("sendRequest('m', undefined) sends", await request('m', undefined), '[null]');
  check("sendRequest('m', [1, 2]) sends", await request('m', [1, 2]), '[[1,2]]');
  check("sendRequest(new RequestType('m'), {a: 1}, undefined) sends", await request(new rpc.RequestType('m'), { a: 1 }, undefined), '{"a":1}');
  check("sendNotification('m', {a: 1}, undefined) sends", await sent(() => client.sendNotification('m', { a: 1 }, undefined)), '[{"a":1},null]');
  await client.sendRequest('m', { a: 1 }, undefined);
  check('its own server hears as the first two arguments', JSON.stringify(heard.slice(0, 2)), '[{"a":1},null]');
  check('a handler of (params, token), called with a token', await client.sendRequest('asks its token', { a: 1 }, token).catch((e) => e.code), false);
  check('... with undefined', await client.sendRequest('asks its token', { a: 1 }, undefined).catch((e) => e.code), -32603);
}
(async () => {
  for (const name of ['old', 'new']) await version(name);
  for (const f of failures) console.log('CHANGED:', f);
  process.exit(failures.length ? 1 : 0);
})();
JS
timeout 60 node try.js
