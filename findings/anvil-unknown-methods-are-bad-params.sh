#!/usr/bin/env bash
# anvil 1.7.1 of Foundry (npm packages @foundry-rs/anvil and @foundry-rs/anvil-linux-amd64 1.7.1; an Ethereum node for tests), JSON-RPC over
# WebSocket; ws 8.23.0 as the client. Linux on amd64, Node.js 18 or later.
#
# One would guess: a method that the server does not have is refused by -32601, so a client can try a method that not every node has
# (as rpc_modules) and fall back by that code; and wrong parameters are -32602 with a word on what is wrong.
#
# What is: both are the same error, to the letter: -32602 with the name of a Rust type as its message, without `data`. An unknown method, a
# parameter too few, one too many, `{}` for no parameters and an address that is none cannot be told apart. Only a
# few methods that it does know but has not built are refused otherwise, with -32603.
#
# For a client: do not detect features by -32601; take -32602 of a call that is known to be well formed for "not there" as
# well. For its user: a typing error in the name of a method is reported as one in its parameters.
set -euo pipefail
dir=$(mktemp -d); server=; trap '[ -z "$server" ] || kill $server 2>/dev/null || :; wait || :; rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @foundry-rs/anvil@1.7.1 @foundry-rs/anvil-linux-amd64@1.7.1 ws@8.23.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > try.js <<'JS'
const WebSocket = require('ws');
const { once } = require('events');
let changed = false;
process.exitCode = 1; // should it end before the last check
const address = `0x${'0'.repeat(40)}`;
const same = '-32602 data did not match any variant of untagged enum EthRpcCall';
(async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${process.argv[2]}`);
  await once(socket, 'open');
  async function check(what, method, params, expected) {
    const request = { jsonrpc: '2.0', id: 1, method, params };
    socket.send(JSON.stringify(request));
    const { result, error } = JSON.parse(String((await once(socket, 'message'))[0]));
    const seen = error ? `${error.code} ${error.message}${'data' in error ? ` ${JSON.stringify(error.data)}` : ''}` : JSON.stringify(result);
    console.log(`${what}: ${method} ${JSON.stringify(params) ?? ''}\n  ${seen}`);
    if (seen !== expected) {
      changed = true;
      console.log(`  CHANGED: expected ${expected}`);
    }
  }
  await check('a call', 'eth_chainId', [], '"0x7a69"');
  await check('without params', 'eth_chainId', undefined, '"0x7a69"');
  await check('a method that is not there', 'rpc_modules', [], same);
  await check('a method with a typing error', 'eth_chainID', [], same);
  await check('a method of nobody', 'no such', undefined, same);
  await check('an object for no parameters', 'eth_chainId', {}, same);
  await check('one parameter too many', 'eth_chainId', [1], same);
  await check('all parameters', 'eth_getTransactionCount', [address, 'latest'], '"0x0"');
  await check('one parameter too few', 'eth_getTransactionCount', [], same);
  await check('an address that is none', 'eth_getTransactionCount', ['0x12', 'latest'], same);
  await check('known, but not built', 'eth_subscribe', ['syncing'], '-32603 Not implemented');
  process.exit(changed ? 1 : 0);
})();
JS
anvil=node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil
chmod +x $anvil
echo "$($anvil --version | head -1), ws $(node -p "require('ws/package.json').version")"
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
HOME=$dir $anvil --host 127.0.0.1 --port "$port" --silent > log 2>&1 & server=$!
for _ in $(seq 100); do (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break; sleep 0.1; done
timeout 60 node try.js "$port"
