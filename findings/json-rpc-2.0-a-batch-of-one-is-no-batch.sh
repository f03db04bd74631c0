#!/usr/bin/env bash
# npm json-rpc-2.0 1.8.1 (JSON-RPC 2.0 client and server over any transport), its JSONRPCServer and JSONRPCServerAndClient.
# Node.js 18 or later.
#
# One would guess: a batch is answered by an array, whatever is in it; and a peer that serves and calls over one connection takes a
# batch that has calls and answers in it, as each of the two may be in one.
#
# What is: the form of the answer depends on how many answers there are. A batch of one call is answered by a bare object, and so is
# a batch of one call and two notifications; with two calls it is an array. So a sender that gathers calls for a
# while sees arrays under load and objects when it is quiet. A JSONRPCServerAndClient refuses a batch that has both a call and an answer as a
# whole ("Received an invalid JSON-RPC message"): neither is the call run or answered, nor does the caller that waits
# for the answer hear of it. Apart, the two do work. And an Error that a method throws has the code 0 on the wire, also if it has a `code`.
#
# For a client: take an object where an array was asked for, and match by id only. For a peer: never put calls and answers into one batch.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts json-rpc-2.0@1.8.1 || { echo "could not install json-rpc-2.0"; exit 2; }
cat > try.js <<'JS'
const { JSONRPCClient, JSONRPCServer, JSONRPCServerAndClient } = require('json-rpc-2.0');
let changed = false;
process.exitCode = 1; // should it end before the last check
function check(what, seen, expected) {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) {
    changed = true;
    console.log(`  CHANGED: expected ${expected}`);
  }
}
const call = (id) => ({ jsonrpc: '2.0', id, method: 'echo', params: [id] });
const note = { jsonrpc: '2.0', method: 'echo', params: [0] };
const answer = (id) => ({ jsonrpc: '2.0', id, result: id });
function serving() {
  const server = new JSONRPCServer({ errorListener() {} });
  server.addMethod('echo', ([value]) => value);
  server.addMethod('refuse', () => { throw Object.assign(new Error('refused'), { code: 7 }); });
  return server;
}
(async () => {
  const ask = async (message) => JSON.stringify(await serving().receiveJSON(JSON.stringify(message)));
  check('a batch of two calls', await ask([call(1), call(2)]), JSON.stringify([answer(1), answer(2)]));
  check('a batch of one call', await ask([call(1)]), JSON.stringify(answer(1)));
  check('a batch of one call and two notifications', await ask([note, call(1), note]), JSON.stringify(answer(1)));
  check('a batch of notifications', await ask([note, note]), 'null');
  check('an Error with the code 7', await ask({ jsonrpc: '2.0', id: 1, method: 'refuse' }), '{"jsonrpc":"2.0","id":1,"error":{"code":0,"message":"refused"}}');

  async function peer(...received) {
    const sent = [];
    const both = new JSONRPCServerAndClient(serving(), new JSONRPCClient((message) => { sent.push(message); }), { errorListener() {} });
    let result = 'still waiting';
    both.request('theirs', []).then((value) => { result = `has ${value}`; }, (error) => { result = `failed: ${error.message}`; });
    await new Promise(setImmediate);
    const id = sent.shift().id;
    let thrown = '';
    for (const make of received) await both.receiveAndSend(make(id)).catch((error) => { thrown = `${error.message}; `; });
    await new Promise((done) => setTimeout(done, 200));
    return `${thrown}its call ${result}; it sent ${JSON.stringify(sent)}`;
  }
  const warn = console.warn;
  console.warn = () => {};
  const apart = await peer(() => call('a'), answer);
  const batch = await peer((id) => [call('a'), answer(id)]);
  console.warn = warn;
  check('a peer that gets a call and an answer', apart, `its call has 1; it sent ${JSON.stringify([answer('a')])}`);
  check('... in one batch', batch, 'Received an invalid JSON-RPC message; its call still waiting; it sent []');
  process.exit(changed ? 1 : 0);
})();
JS
echo "json-rpc-2.0 $(node -p "require('json-rpc-2.0/package.json').version")"
timeout 60 node try.js
