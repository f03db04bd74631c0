#!/usr/bin/env bash
# npm @walletconnect/jsonrpc-provider 1.0.14 with @walletconnect/jsonrpc-ws-connection 1.0.16 and @walletconnect/jsonrpc-utils 1.0.8;
# ws 8.23.0 as the server. Node.js 18 or later.
#
# One would guess: ids of 19 digits that are made as BigInt and sent as strings, out of the clock and six random
# digits, are unique among the calls of one connection.
#
# What is: they are not. The random digits are added as a double before it becomes a BigInt, so ids are
# multiples of 256: fewer than 4,000 are left for a millisecond. Of 10,000 calls that run at once some dozens go out under
# the id of another one (as strings, both open at the same time), and when the first answer comes it settles both:
# the second call resolves, without any error, to what the other one asked for. 20 calls at once meet it a few times in a
# hundred such rounds.
#
# For a server: an id that is in use already can come from a client that means no harm. To refuse the second call would
# fail the first one too, as any message with that id settles both.
# For a program that uses it: give each request an id of one's own (`request({ id, method, params })`).
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @walletconnect/jsonrpc-provider@1.0.14 \
  @walletconnect/jsonrpc-ws-connection@1.0.16 @walletconnect/jsonrpc-utils@1.0.8 ws@8.23.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > try.js <<'JS'
const { WebSocketServer } = require('ws');
const { JsonRpcProvider } = require('@walletconnect/jsonrpc-provider');
const { WsConnection } = require('@walletconnect/jsonrpc-ws-connection');
const ids = [];
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, async () => {
  const provider = new JsonRpcProvider(new WsConnection(`ws://127.0.0.1:${server.address().port}`));
  await provider.connect();
  async function burst(calls, id) {
    ids.length = 0;
    const wrong = (await Promise.all([...Array(calls).keys()].map(async (i) =>
      (await provider.request({ method: 'echo', params: [i], id: id && id(i) })) !== i))).filter(Boolean).length;
    return { shared: ids.length - new Set(ids).size, wrong };
  }
  let shared = 0, wrong = 0;
  for (let round = 0; round < 10; round++) {
    const seen = await burst(1000);
    shared += seen.shared;
    wrong += seen.wrong;
  }
  const strings = ids.every((id) => typeof id === 'string' && id.length === 19);
  const multiples = ids.every((id) => BigInt(id) % 256n === 0n);
  console.log(`an id: ${JSON.stringify(ids[0])}; all are strings of 19 digits: ${strings}; all are multiples of 256: ${multiples}`);
  console.log(`10 times 1,000 calls at once: ${shared} under the id of another call, ${wrong} resolved to another call's answer`);
  const own = await burst(1000, (i) => `own-${i}`);
  console.log(`1,000 calls at once with ids of one's own: ${own.shared} shared, ${own.wrong} wrong`);
  const same = strings && multiples && shared > 0 && wrong > 0 && own.shared === 0 && own.wrong === 0;
  if (!same) console.log('CHANGED');
  process.exit(same ? 0 : 1);
});
server.on('connection', (socket) => socket.on('message', (text) => {
  const { id, params } = JSON.parse(text);
  ids.push(id);
  socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: params[0] }));
}));
JS
echo "@walletconnect/jsonrpc-provider 1.0.14, jsonrpc-ws-connection 1.0.16, jsonrpc-utils $(node -p "require('@walletconnect/jsonrpc-utils/package.json').version")"
timeout 60 node try.js
