#!/usr/bin/env bash
# npm jsonbird 3.1.0 (two-way JSON-RPC 2.0 for streams and WebSockets) with its default `json-stream` mode and the
# jsonparse 1.3.1 that it stands on. Node.js 18 or later.
#
# One would guess: an integer that is beyond 2^53 is rounded, as by every other reader in JavaScript, and in
# any case stays a number; and an id is given back as it came.
#
# What is: the type depends on the value and its spelling. A handler gets 9007199254740991 as a number, and
# 9007199254740993 as the string "9007199254740993"; 2^64-1 and a time in nanoseconds are strings too; but 10^17 (which
# a double holds) is a number, -9007199254740993 is a number (rounded to ...992), and 10^21 is a number when spelled 1e21 and a
# string when its digits are written out. So a handler that adds or compares works in every test with small numbers. An
# id of that kind comes back as a string, i.e. as another id. In the mode `json-message` all are numbers.
#
# For a peer: keep ids and integers within 2^53 either way, or send large ones as strings always.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts jsonbird@3.1.0 jsonparse@1.3.1 ||
  { echo "could not install the npm packages"; exit 2; }
cat > try.js <<'JS'
const JSONBird = require('jsonbird');
const failures = [];
const check = (what, seen, expected) => {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) failures.push(`${what}: expected ${expected}`);
};
async function ask(writableMode, id, value) {
  const bird = new JSONBird({ writableMode });
  let got;
  bird.method('take', (v) => { got = `${typeof v} ${v}`; return null; });
  const answer = new Promise((done) => bird.once('data', (text) => done(String(text))));
  bird.write(`{"jsonrpc":"2.0","id":${id},"method":"take","params":[${value}]}`);
  return [got, /"id":("?[^",}]*"?)/.exec(await answer)[1]].map((x, i) => (i ? x : got));
}
(async () => {
  const expected = {
    '9007199254740991': 'number 9007199254740991',
    '9007199254740993': 'string 9007199254740993',
    '-9007199254740993': 'number -9007199254740992',
    '18446744073709551615': 'string 18446744073709551615',
    '1767225600000000001': 'string 1767225600000000001',
    '100000000000000000': 'number 100000000000000000',
    '1e21': 'number 1e+21',
    '1000000000000000000000': 'string 1000000000000000000000',
  };
  for (const [text, what] of Object.entries(expected)) check(`params [${text}] reach the handler as`, (await ask('json-stream', 1, text))[0], what);
  check('in the mode json-message, 9007199254740993 reaches it as', (await ask('json-message', 1, '9007199254740993'))[0], 'number 9007199254740992');
  check('id 9007199254740993 comes back as', (await ask('json-stream', '9007199254740993', '1'))[1], '"9007199254740993"');
  for (const f of failures) console.log('CHANGED:', f);
  process.exit(failures.length ? 1 : 0);
})();
JS
echo "jsonbird 3.1.0, jsonparse $(node -p "require('jsonparse/package.json').version")"
timeout 60 node try.js
