#!/usr/bin/env bash
# npm jayson 5.0.0, its WebSocket client (`Client.websocket`) with its defaults; ws 8.23.0 as the server and as its socket.
# Node.js 18 or later.
#
# One would guess: calls fail when their connection closes, a call on a closed connection fails at once, and a batch of
# notifications is done when it is sent (as one notification is: its callback runs at once).
#
# What is: none of these ever calls back. The client listens to messages only, not to the end of the socket, and has no time
# limit by default: a call whose connection ends with 1012 stays open without end, a call made after that, too (ws drops what is
# sent after the end without an exception), and so does a batch of notifications, which it counts as a request that waits for
# its answer. None of them leaves its list of open requests. Two kinds of answers are passed over without a word, and their
# calls stay open: an error without `message`, and one with `"result":null` beside the error.
#
# For a server: answer what is open before a close. For a program that uses it: set `timeout`, and listen to `close` of the
# socket oneself.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts jayson@5.0.0 ws@8.23.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > try.js <<'JS'
const { once } = require('events');
const { WebSocket, WebSocketServer } = require('ws');
const jayson = require('jayson');
const failures = [];
const check = (what, seen, expected) => {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) failures.push(`${what}: expected ${expected}`);
};
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
  const [[peer]] = await Promise.all([once(server, 'connection'), once(socket, 'open')]);
  const answers = {
    fine: { result: 0 }, error: { error: { code: 1, message: 'no' } },
    'no message': { error: { code: 1 } }, both: { error: { code: 1, message: 'no' }, result: null },
    end: undefined,
  };
  peer.on('message', (text) => {
    const { id, method } = JSON.parse(text);
    if (method === 'end') peer.close(1012);
    else if (id !== undefined) peer.send(JSON.stringify({ jsonrpc: '2.0', id, ...answers[method] }));
  });
  const client = jayson.Client.websocket({ ws: socket });
  const fate = (...request) => Promise.race([
    new Promise((done) => client.request(...request, (failed, error, result) => done(failed ? `failed: ${failed.message}` : error ? `error ${error.code}` : `result ${result}`))),
    new Promise((done) => setTimeout(done, 1000, 'open after 1 s')),
  ]);
  const note = client.request('note', [1], null, false);
  check('an answer with a result of 0', await fate('fine', []), 'result 0');
  check('... with an error', await fate('error', []), 'error 1');
  check('... with an error without message', await fate('no message', []), 'open after 1 s');
  check('... with an error beside "result":null', await fate('both', []), 'open after 1 s');
  check('a notification', await fate('note', [1], null), 'result undefined');
  check('a batch of two notifications', await Promise.race([
    new Promise((done) => client.request([note, note], () => done('done'))), new Promise((done) => setTimeout(done, 1000, 'open after 1 s'))]), 'open after 1 s');
  const closed = once(socket, 'close');
  check('a call that is answered by the close code 1012', await fate('end', []), 'open after 1 s');
  check('the code that the socket saw', (await closed)[0], 1012);
  check('a call on the closed socket', await fate('fine', []), 'open after 1 s');
  check('open requests in its list', client.outstandingRequests.length, 5);
  for (const f of failures) console.log('CHANGED:', f);
  process.exit(failures.length ? 1 : 0);
});
JS
echo "jayson $(node -p "require('jayson/package.json').version"), ws 8.23.0"
timeout 60 node try.js
