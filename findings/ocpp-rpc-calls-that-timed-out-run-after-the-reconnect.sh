#!/usr/bin/env bash
# npm ocpp-rpc 2.2.1 (two-way RPC over WebSocket, of charging stations for cars and their servers), its RPCServer and
# its RPCClient with their defaults. Node.js 18 or later.
#
# One would guess: a call that failed by its time limit while there was no connection was never sent, and will not be;
# one that was cancelled neither; and with `callConcurrency` 1, the default, at most one call of a client runs at a
# time.
#
# What is: the text of a call that is made while the client reconnects waits in a buffer, and stays there when the call
# fails. Each of them is sent at the next connection, all in one go: three tries of a program that got "Call timeout"
# three times, and a call that it cancelled by its signal, run on the server after all, at the same time, beside
# whatever the program did instead. Their answers are reported to the client's `badMessage`. A signal that is aborted
# before the call is made is not looked at: the call runs and resolves. And a call of the server that is cut by the end
# of the connection is answered on the next one, where nobody asked: the server's `badMessage`.
#
# For a server: after an outage the first thing that comes may be old, and come several times: it takes an id of the
# program's own (for a transaction, a reading) to know. For a program that uses it: after "Call timeout", ask what the
# server has before the next try; while `client.state` is not OPEN, wait, and call then.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts ocpp-rpc@2.2.1 || { echo "could not install ocpp-rpc"; exit 2; }
cat > try.js <<'JS'
const { RPCServer, RPCClient } = require('ocpp-rpc');
const failures = [];
const check = (what, seen, expected) => {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) failures.push(`${what}: expected ${expected}`);
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const until = async (condition) => { for (let i = 0; i < 100 && !condition(); i++) await sleep(100); };
const ran = [], unexpected = { server: [], client: [] };
let running = 0, most = 0, station;
const kind = ({ error }) => error.message.replace(/: [-0-9a-f]{36}$/, '');
const serve = async (port) => {
  const server = new RPCServer({ protocols: ['ocpp1.6'] });
  server.on('client', (client) => {
    station = client;
    client.on('badMessage', (bad) => unexpected.server.push(kind(bad)));
    client.handle('StartTransaction', async ({ params }) => {
      ran.push(params.attempt);
      most = Math.max(most, ++running);
      await sleep(300);
      running--;
      return { transactionId: ran.length };
    });
  });
  const http = await server.listen(port, '127.0.0.1');
  return { server, port: http.address().port };
};
const main = async () => {
  const { server, port } = await serve(0);
  const client = new RPCClient({ endpoint: `ws://127.0.0.1:${port}`, identity: 'station', protocols: ['ocpp1.6'] });
  client.on('badMessage', (bad) => unexpected.client.push(kind(bad)));
  client.handle('GetDiagnostics', async () => { await sleep(500); return {}; });
  const fate = (attempt, options) => client.call('StartTransaction', { attempt }, options)
    .then((r) => `resolved to ${JSON.stringify(r)}`, (e) => `rejected: ${e.message}`);
  await client.connect();
  await Promise.all(['a', 'b', 'c'].map((attempt) => fate(attempt)));
  check('three calls at once; they run', `${ran.join()}, at most ${most} at a time`, 'a,b,c, at most 1 at a time');

  station.call('GetDiagnostics', {}).catch(() => {});
  await sleep(100);
  await server.close({ force: true });
  await until(() => client.state === RPCClient.CONNECTING);
  ran.length = most = 0;
  for (const attempt of [1, 2, 3]) check(`the server is away; attempt ${attempt}`, await fate(attempt, { callTimeoutMs: 200 }), 'rejected: Call timeout');
  const cancel = new AbortController();
  const cancelled = fate('cancelled', { signal: cancel.signal });
  await sleep(100);
  cancel.abort('changed my mind');
  check('... a call that is cancelled', await cancelled, 'rejected: changed my mind');
  await sleep(500);

  await serve(port);
  await until(() => unexpected.client.length === 4);
  check('the server is back; it runs', `${ran.join()}, at most ${most} at a time`, '1,2,3,cancelled, at most 4 at a time');
  const stray = 'Received CALLRESULT for unrecognised message ID';
  check('... bad messages by the client\'s word', unexpected.client.join(), Array(4).fill(stray).join());
  check('... by the server\'s', unexpected.server.join(), stray);
  check('a call whose signal is aborted before', await fate('aborted', { signal: AbortSignal.abort('no') }), 'resolved to {"transactionId":5}');
  for (const f of failures) console.log('CHANGED:', f);
  process.exit(failures.length ? 1 : 0);
};
main();
JS
echo "ocpp-rpc 2.2.1"
timeout 60 node try.js
