#!/usr/bin/env bash
# lua-cjson 2.1.0 (Debian 12 package lua-cjson 2.1.0+dfsg-2.2) with Lua 5.1 (package lua5.1 5.1.5-9), and npm jsonrpc-websocket-client
# 0.7.2 (json-rpc-peer 0.17.0) with ws 8.23.0 as the other end. Needs Debian 12 (amd64) and Node.js 18 or later.
#
# One would guess: a Lua server reads numbers as doubles, so whole numbers up to 2^53 go through it unharmed, and a client's
# first ids are small numbers.
#
# What is: neither. By default cjson writes 14 significant digits and not 17: an id or a time in microseconds from
# 10^14 on comes back rounded and in another spelling (9007199254740991 as 9.007199254741e+15, 2^48-1 as 2.8147497671066e+14), and
# 10^14 itself as 1e+14. In milliseconds times still fit. And the other one starts at the worst place: the first id
# that json-rpc-peer gives out is -9007199254740991, and it counts up from there, so not one call of it to a server that
# gives the id back by cjson is ever answered under an id that it knows. `cjson.encode_number_precision(14)` is the
# highest that this version takes. (An empty array comes back as {}, as is widely known.)
#
# For a peer: ids below 10^14, or strings, pass through such servers; random ids below 2^53 do not.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
fetch() { apt-get download -q lua-cjson=2.1.0+dfsg-2.2 lua5.1=5.1.5-9 > /dev/null 2>&1; }
fetch || { apt-get update -q > /dev/null 2>&1 || :; fetch; } || { echo "could not fetch the Debian packages lua-cjson and lua5.1"; exit 2; }
for deb in *.deb; do dpkg -x "$deb" root; done
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts jsonrpc-websocket-client@0.7.2 json-rpc-peer@0.17.0 ws@8.23.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > echo.lua <<'LUA'
local cjson = require "cjson"
for line in io.lines() do
  local request = cjson.decode(line)
  io.write(cjson.encode({ id = request.id }), "\n")
end
LUA
cat > precision.lua <<'LUA'
local cjson = require "cjson"
local most = 0
for digits = 1, 20 do
  if pcall(cjson.encode_number_precision, digits) then most = digits end
end
io.write(most, "\n")
LUA
cat > try.js <<'JS'
const { execFileSync } = require('child_process');
const { WebSocketServer } = require('ws');
const { JsonRpcWebSocketClient } = require('jsonrpc-websocket-client');
const failures = [];
const check = (what, seen, expected) => {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) failures.push(`${what}: expected ${expected}`);
};
const lua = (script, input) => execFileSync('root/usr/bin/lua5.1', [script], {
  input, encoding: 'utf8', env: { LUA_CPATH: 'root/usr/lib/x86_64-linux-gnu/lua/5.1/?.so' },
}).trim();
const throughLua = (id) => lua('echo.lua', `{"id":${id}}\n`).slice('{"id":'.length, -1);
for (const [id, back] of [
  ['2147483648', '2147483648'], ['1767225600123', '1767225600123'], ['99999999999999', '99999999999999'],
  ['100000000000000', '1e+14'], ['281474976710655', '2.8147497671066e+14'], ['1767225600123456', '1.7672256001235e+15'],
  ['9007199254740991', '9.007199254741e+15'],
]) check(`id ${id} comes back from cjson as`, throughLua(id), back);
check('most digits that cjson.encode_number_precision takes', lua('precision.lua', ''), '14');
const ids = [];
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, async () => {
  const client = new JsonRpcWebSocketClient(`ws://127.0.0.1:${server.address().port}`);
  await client.open();
  for (let i = 0; i < 3; i++) await client.call('echo', []);
  check('the first ids of jsonrpc-websocket-client', ids.join(' '), '-9007199254740991 -9007199254740990 -9007199254740989');
  check('the first one comes back from cjson as', throughLua(ids[0]), '-9.007199254741e+15');
  check('... which is that id', Number(throughLua(ids[0])) === ids[0], false);
  for (const f of failures) console.log('CHANGED:', f);
  process.exit(failures.length ? 1 : 0);
});
server.on('connection', (socket) => socket.on('message', (text) => {
  const { id } = JSON.parse(text);
  ids.push(id);
  socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: null }));
}));
JS
echo "lua-cjson 2.1.0+dfsg-2.2, jsonrpc-websocket-client 0.7.2, json-rpc-peer $(node -p "require('json-rpc-peer/package.json').version")"
timeout 60 node try.js
