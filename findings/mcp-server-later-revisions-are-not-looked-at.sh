#!/usr/bin/env bash
# npm @modelcontextprotocol/server 2.4.0 (its serveStdio). Node.js 20 or later.
#
# One would guess: MCP 2026-07-28 has no handshake; each request says which revision it is of, and "the server accepts or rejects
# each request independently" (Versioning and Compatibility). So a request of a revision that the server does not speak gets
# -32022 (UnsupportedProtocolVersion).
#
# What is: only the first request of a connection is looked at. A first one of 2027-01-01 gets -32022; behind one of 2026-07-28
# the same request gets a result of 2026-07-28, and so does one of "nonsense". (PyPI's mcp 2.3.0 answers both by -32022.)
#
# For a client: an answer does not say that the server speaks the revision of the request: ask `server/discover` first, and hold
# to what it lists. For a gateway that puts clients of several revisions onto one process of a server: check the revision there.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @modelcontextprotocol/server@2.4.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > server.js <<'JS'
const { Server } = require('@modelcontextprotocol/server');
const { serveStdio } = require('@modelcontextprotocol/server/stdio');
serveStdio(() => {
  const server = new Server({ name: 'server', version: '1' }, { capabilities: { tools: {} } });
  server.setRequestHandler('tools/list', () => ({ tools: [] }));
  return server;
});
JS
cat > try.js <<'JS'
const { spawn } = require('node:child_process');
const { createInterface } = require('node:readline');
const failures = [];
const check = (what, seen, expected) => {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) failures.push(`${what}: expected ${expected}`);
};
// What requests of these revisions get, one after the other.
async function answers(...revisions) {
  const server = spawn(process.execPath, ['server.js'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const found = [];
  for (const [id, revision] of revisions.entries()) {
    const _meta = { 'io.modelcontextprotocol/protocolVersion': revision, 'io.modelcontextprotocol/clientCapabilities': {} };
    server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list', params: { _meta } })}\n`);
    const { result, error } = JSON.parse((await lines.next()).value);
    found.push(result ? 'a result' : error.code);
  }
  server.kill();
  return found.join(', ');
}
(async () => {
  check('2027-01-01 first', await answers('2027-01-01'), '-32022');
  check('2027-01-01 and "nonsense" behind 2026-07-28', await answers('2026-07-28', '2027-01-01', 'nonsense'),
    'a result, a result, a result');
  for (const f of failures) console.log('CHANGED:', f);
  process.exit(failures.length ? 1 : 0);
})();
JS
echo "@modelcontextprotocol/server 2.4.0"
timeout 60 node try.js
