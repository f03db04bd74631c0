#!/usr/bin/env bash
# wscat 6.1.0 (npm), the WebSocket tool that most pages of documentation name; ws 8.23.0 as the server. Needs Node.js 18 or later.
#
# One would guess: `echo MESSAGE | wscat -c URL` sends the message, as websocat and nc do; `wscat -c URL -x MESSAGE`, whose help
# says "execute command after connecting", sends it from a script as it does from a terminal; and where the message could
# not be sent, the exit code says so.
#
# What is: wscat ends as soon as its standard input does, connected or not, with 0 and without a word. With `</dev/null`, as
# cron, systemd, CI and `docker run` without `-i` have it, -x sends nothing, and `--wait 2` does not help: the server
# sees no message. The same with a message on a pipe; and with one that comes before the connection is there, even if
# the pipe stays open, as lines are read from the start and thrown away until then. Only with an input that stays open
# does -x send the message and print the answer.
#
# For a script: `wscat -c URL -x MESSAGE < <(exec sleep 60)`, or a tool that sends what it reads.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts wscat@6.1.0 ws@8.23.0 || { echo "could not install the npm packages"; exit 2; }
cat > try.js <<'JS'
const { spawn } = require('child_process');
const { WebSocketServer } = require('ws');

const failures = [];
const check = (what, seen, expected) => {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) failures.push(`${what}: expected ${expected}`);
};
// An input that stays open for longer than all of this takes.
const open = '< <(exec sleep 60 2> /dev/null)';
let heard = [];
const run = (command, url) => new Promise((resolve) => {
  heard = [];
  let printed = '';
  const shell = spawn('bash', ['-c', `set -o pipefail; ${command}`], {
    env: { ...process.env, URL: url, PATH: `${process.cwd()}/node_modules/.bin:${process.env.PATH}` },
  });
  shell.stdin.end();
  shell.stdout.on('data', (text) => (printed += text));
  shell.on('close', (code) => resolve(`exit ${code}, printed ${JSON.stringify(printed)}, the server heard ${JSON.stringify(heard)}`));
});

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, async () => {
  const url = `ws://127.0.0.1:${server.address().port}`;
  const nothing = 'exit 0, printed "", the server heard []';
  check('-x, without standard input', await run('wscat -c $URL -x hi < /dev/null', url), nothing);
  check('-x and --wait 2, the same', await run('wscat -c $URL --wait 2 -x hi < /dev/null', url), nothing);
  check('a message on a pipe', await run('echo hi | wscat -c $URL', url), nothing);
  // It says that it waits for more.
  const late = await run('{ echo hi; sleep 3; } | wscat -c $URL', url);
  check('... that stays open for 3 s', late.replace('printed "> "', 'printed ""'), nothing);
  check('... with an input that stays open, -x', await run(`wscat -c $URL -x hi ${open}`, url),
    'exit 0, printed "you said hi\\n", the server heard ["hi"]');
  for (const failure of failures) console.log('CHANGED:', failure);
  process.exit(failures.length ? 1 : 0);
});
server.on('connection', (socket) => socket.on('message', (text) => {
  heard.push(String(text));
  socket.send(`you said ${text}`);
}));
JS
echo "wscat $(node -p "require('wscat/package.json').version"), ws $(node -p "require('ws/package.json').version")"
timeout 60 node try.js
