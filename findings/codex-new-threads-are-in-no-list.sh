#!/usr/bin/env bash
# codex app-server 0.171.0 (npm package @openai/codex 0.171.0), `--listen ws://…`: JSON-RPC over WebSocket, both ways; ws 8.23.0 as the client.
# Linux on amd64, Node.js 18 or later. Nothing is said to any model here, and no account is needed.
#
# One would guess: a thread that was started, and that can be read and named by its id, is in the list of threads (thread/list).
#
# What is: it is not, until somebody says something in it: thread/list is empty, with success, though thread/start was answered,
# thread/started announced and thread/name/set answered; only thread/loaded/list has it, as a bare id, and only as long as the server
# has it loaded. Archived unspoken, it does stand in the list of the archived; taken back (thread/unarchive, answered by the
# thread, with its name), it is in none of the three lists, though thread/read still has it: only who kept the id can find it again.
# And a method that the server does not have is -32600, not -32601, with the names of all its methods in the message.
#
# For a client: keep the ids of the threads it started, or merge both lists, so that a user's new thread does not vanish from
# the screen at the next refresh.
set -euo pipefail
dir=$(mktemp -d); server=; trap '[ -z "$server" ] || kill $server 2>/dev/null || :; wait || :; rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @openai/codex@0.171.0 ws@8.23.0 || { echo "could not install the npm packages"; exit 2; }
mkdir home
cat > home/config.toml <<'TOML'
model = "none"
model_provider = "nowhere"
[model_providers.nowhere]
name = "nowhere"
base_url = "http://127.0.0.1:9/v1"
wire_api = "responses"
[analytics]
enabled = false
TOML
cat > try.js <<'JS'
const WebSocket = require('ws');
const { once } = require('events');
let changed = false;
process.exitCode = 1; // should it end before the last check
function check(what, seen, expected) {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) {
    changed = true;
    console.log(`  CHANGED: expected ${expected}`);
  }
}
(async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${process.argv[2]}`);
  await once(socket, 'open');
  const waiting = new Map();
  const announced = [];
  socket.on('message', (text) => {
    const message = JSON.parse(String(text));
    if ('method' in message) announced.push(message.method);
    else waiting.get(message.id)(message);
  });
  const ask = (method, params = {}) => new Promise((done) => {
    waiting.set(waiting.size, done);
    socket.send(JSON.stringify({ id: waiting.size - 1, method, params }));
  });
  await ask('initialize', { clientInfo: { name: 'finding', version: '1' } });
  socket.send('{"method":"initialized"}');
  const threadId = (await ask('thread/start', { cwd: process.cwd() })).result.thread.id;
  const listed = async (method = 'thread/list', params = {}) =>
    (await ask(method, params)).result.data.some((thread) => (thread.id ?? thread) === threadId);
  const step = async (what, list, loaded, archived) => {
    check(`${what}: in thread/list`, await listed(), list);
    check('  in thread/loaded/list', await listed('thread/loaded/list'), loaded);
    check('  in thread/list of the archived', await listed('thread/list', { archived: true }), archived);
  };
  await step('started', false, true, false);
  check('  thread/started was sent', announced.includes('thread/started'), true);
  check('thread/name/set', JSON.stringify((await ask('thread/name/set', { threadId, name: 'a name' })).result), '{}');
  check('  thread/read of its id has the name', (await ask('thread/read', { threadId })).result.thread.name, 'a name');
  await step('named', false, true, false);
  check('thread/archive', JSON.stringify((await ask('thread/archive', { threadId })).result), '{}');
  await step('archived', false, false, true);
  check('thread/unarchive is answered by the thread', (await ask('thread/unarchive', { threadId })).result?.thread.id === threadId, true);
  await step('taken back', false, false, false);
  check('  thread/read of its id has the name', (await ask('thread/read', { threadId })).result?.thread.name, 'a name');
  const { code, message } = (await ask('no/such')).error;
  check('a method that is not there', `${code} ${message.slice(0, 42)}`, '-32600 Invalid request: unknown variant `no/such`');
  process.exit(changed ? 1 : 0);
})();
JS
codex=$dir/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex
[ -f "$codex" ] || { echo "the package has no program for this machine"; exit 2; }
echo "codex app-server 0.171.0, ws $(node -p "require('ws/package.json').version")"
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
HOME=$dir/home CODEX_HOME=$dir/home "$codex" app-server --listen "ws://127.0.0.1:$port" > log 2>&1 & server=$!
for _ in $(seq 100); do (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break; sleep 0.1; done
timeout 60 node try.js "$port"
