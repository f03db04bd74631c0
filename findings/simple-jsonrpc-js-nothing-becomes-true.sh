#!/usr/bin/env bash
# npm simple-jsonrpc-js 1.2.0 (JSON-RPC 2.0 client and server in one, for any stream of messages; its examples are WebSockets).
# Node.js 18 or later.
#
# One would guess: a method that returns nothing is answered by `"result":null`; a notification is never answered, whatever becomes of it;
# and a batch is answered by an array.
#
# What is: nothing becomes `"result":true`, also from a promise, so "done" and "yes" are one answer; null, 0, false and "" arrive as they are. A
# notification that fails, or whose method is not there, is answered by an error without the member `id` (not even null), which is no
# message of JSON-RPC at all. A batch with one answer comes back as a bare object. Parameters by name: one too many is refused
# (-32602), one that lacks is not, and is null for the method; by position, one too many is dropped without a word.
#
# For a client: do not read true as a yes; let errors without an id pass; take an object where an array was asked for.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts simple-jsonrpc-js@1.2.0 || { echo "could not install simple-jsonrpc-js"; exit 2; }
cat > try.js <<'JS'
const Peer = require('simple-jsonrpc-js');
let changed = false;
process.exitCode = 1; // should it end before the last check
const values = { nothing: undefined, later: Promise.resolve(), null: null, zero: 0, false: false, empty: '' };
const peer = new Peer();
const sent = [];
peer.toStream = (text) => sent.push(text);
for (const [name, value] of Object.entries(values)) peer.on(name, [], () => value);
peer.on('both', ['a', 'b'], (a, b) => [a, b]);
peer.on('fail', [], () => { throw new Error('failed'); });

async function check(text, expected) {
  sent.length = 0;
  await peer.messageHandler(text);
  await new Promise((done) => setTimeout(done, 50));
  const seen = sent.join(' ') || 'nothing';
  console.log(`> ${text}\n< ${seen}`);
  if (seen !== expected) {
    changed = true;
    console.log(`  CHANGED: expected ${expected}`);
  }
}
const call = (id, method, params) => `{"jsonrpc":"2.0",${id ? `"id":${id},` : ''}"method":"${method}"${params ? `,"params":${params}` : ''}}`;
const answer = (id, result) => `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
const notThere = '"error":{"code":-32601,"message":"Method not found. The method does not exist / is not available.","data":"other"}';
(async () => {
  for (const [name, value] of Object.entries(values)) await check(call(1, name), answer(1, ['nothing', 'later'].includes(name) ? 'true' : JSON.stringify(value)));
  await check(call('', 'nothing'), 'nothing');
  await check(call('', 'fail'), '{"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal error. Internal JSON-RPC error.","data":"failed"}}');
  await check(call('', 'other'), `{"jsonrpc":"2.0",${notThere}}`);
  await check(`[${call(1, 'zero')},${call(2, 'zero')}]`, `[${answer(1, 0)},${answer(2, 0)}]`);
  await check(`[${call(1, 'zero')},${call('', 'zero')}]`, answer(1, 0));
  await check(call(1, 'both', '{"b":2}'), answer(1, '[null,2]'));
  await check(call(1, 'both', '{"a":1,"b":2,"c":3}'), '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params. Invalid method parameter(s).","data":"Params: c not used"}}');
  await check(call(1, 'both', '[1,2,3]'), answer(1, '[1,2]'));
  process.exit(changed ? 1 : 0);
})();
JS
echo "simple-jsonrpc-js $(node -p "require('simple-jsonrpc-js/package.json').version")"
timeout 60 node try.js
