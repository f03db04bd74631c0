#!/usr/bin/env bash
# npm rpc-websockets 10.0.1 (JSON-RPC 2.0 over WebSocket for Node.js and browsers; clients of Solana stand on it), its Server; ws 8.23.0
# as the client. Node.js 18 or later.
#
# One would guess: a call whose id is 0 is answered, as JSON-RPC has it (only a message without the member `id` is a notification, and
# many clients count from 0); each answer has a result or an error; and a notification is never answered.
#
# What is: a call with the id 0 (or "") is run and not answered, the very same with 1 or "0" is. A method that returns nothing is answered by
# {"jsonrpc":"2.0","id":6}: neither result nor error. What a method throws that is no Error becomes the error as it is, so
# throw "no" gives "error":"no", not an object with a code. And a notification of a method that it has not is answered after all, by an
# error with the id null.
#
# For a client: count from 1, or use strings; take an answer without result for null; and take an error with id null for
# that of a notification, not of the connection. For a method of such a server: return null, never nothing.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts rpc-websockets@10.0.1 ws@8.23.0 || { echo "could not install the npm packages"; exit 2; }
cat > try.js <<'JS'
const WebSocket = require('ws');
const { once } = require('events');
const { Server } = require('rpc-websockets');
let changed = false;
process.exitCode = 1; // should it end before the last check
const ran = [];
const methods = {
  give: ([value]) => value,
  nothing: () => undefined,
  fail: () => { throw new Error('failed'); },
  say: () => { throw 'no'; },
};
(async () => {
  const server = new Server({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  for (const [name, run] of Object.entries(methods)) server.register(name, (params) => { ran.push(name); return run(params); });
  const socket = new WebSocket(`ws://127.0.0.1:${server.wss.address().port}`);
  await once(socket, 'open');
  async function check(text, answer, runs = 1) {
    ran.length = 0;
    const heard = Promise.race([once(socket, 'message'), new Promise((done) => setTimeout(done, 1000, ['nothing']))]);
    socket.send(text);
    const seen = String((await heard)[0]);
    console.log(`> ${text}\n< ${seen} (methods run: ${ran.length})`);
    if (seen !== answer || ran.length !== runs) {
      changed = true;
      console.log(`  CHANGED: expected ${answer} (${runs})`);
    }
  }
  const call = (id, method = 'give', params = '[7]') => `{"jsonrpc":"2.0",${id && `"id":${id},`}"method":"${method}","params":${params}}`;
  for (const id of ['1', '-1', '"0"', '0.5']) await check(call(id), `{"jsonrpc":"2.0","result":7,"id":${id}}`);
  for (const id of ['0', '""']) await check(call(id), 'nothing');
  await check(`[${call('0')},${call('1')}]`, '[{"jsonrpc":"2.0","result":7,"id":1}]', 2);
  await check(call('5', 'give', '[null]'), '{"jsonrpc":"2.0","result":null,"id":5}');
  await check(call('6', 'nothing'), '{"jsonrpc":"2.0","id":6}');
  await check(call('7', 'fail'), '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Error","data":"failed"},"id":7}');
  await check(call('8', 'say'), '{"jsonrpc":"2.0","error":"no","id":8}');
  await check(call(''), 'nothing');
  await check(call('', 'other'), '{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":null}', 0);
  process.exit(changed ? 1 : 0);
})();
JS
echo "rpc-websockets $(sed -n 's/^ *"version": "\(.*\)",/\1/p' node_modules/rpc-websockets/package.json), ws $(node -p "require('ws/package.json').version")"
timeout 60 node try.js
