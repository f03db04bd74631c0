#!/usr/bin/env bash
# npm nostr-tools 2.25.2 (clients of the Nostr relays: signed events over WebSocket), its Relay with `enableReconnect`;
# ws 8.23.0 as the relay and as `WebSocket`. Node.js 20 or later.
#
# One would guess: a subscription that is made again after a reconnect goes on where it was: what is published meanwhile
# comes, and later events come as before.
#
# What is: it asks for what was signed after the second of the newest event that it has seen (`since` is that second
# plus one). Events of the same second that had not arrived yet never do. As the time is the author's word, so it is
# with an author whose clock is behind: what such an author publishes while the client is away is not asked for, and
# what comes live afterwards neither, as `since` holds for live events too, until the slow clock has passed it. The
# `since` is written into the object that the program gave as its filter, so that a new subscription with the same
# object begins there as well and not at the beginning. Nothing tells of any of this; the relay has all of it. A `count`
# that is open when the connection ends never settles.
#
# For a server: a place in a stream to go on from must be a number of the server's, in the order of delivery; a time of
# day is none. For a program that uses it: make subscriptions anew by hand, with a `since` some minutes back, drop what
# is known by its id, and give each subscription a filter of its own.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts nostr-tools@2.25.2 ws@8.23.0 ||
  { echo "could not install the npm packages"; exit 2; }
cat > try.mjs <<'JS'
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { Relay, useWebSocketImplementation } from 'nostr-tools/relay';
import { matchFilters } from 'nostr-tools/filter';
import { finalizeEvent, generateSecretKey } from 'nostr-tools/pure';
useWebSocketImplementation(WebSocket);
const failures = [];
const check = (what, seen, expected) => {
  console.log(`${what}: ${seen}`);
  if (seen !== expected) failures.push(`${what}: expected ${expected}`);
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
// A relay: it keeps each event, sends what a filter asks for, then what comes and fits.
const stored = [], asked = [];
let socket, subscriptions;
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
await once(server, 'listening');
server.on('connection', (s) => {
  socket = s;
  subscriptions = new Map();
  const send = (message) => s.send(JSON.stringify(message));
  s.on('message', (text) => {
    const [type, id, ...filters] = JSON.parse(text);
    if (type !== 'REQ') return;
    asked.push(filters);
    subscriptions.set(id, (event) => matchFilters(filters, event) && send(['EVENT', id, event]));
    stored.forEach(subscriptions.get(id));
    send(['EOSE', id]);
  });
});
const key = generateSecretKey(), now = Math.floor(Date.now() / 1000);
const publish = (content, second) => {
  const event = finalizeEvent({ kind: 1, created_at: now + second, tags: [], content }, key);
  stored.push(event);
  subscriptions.forEach((send) => send(event));
};
const relay = new Relay(`ws://127.0.0.1:${server.address().port}`, { enableReconnect: true });
await relay.connect();
const filter = { kinds: [1] }, heard = [], invalid = [];
relay.subscribe([filter], { onevent: (event) => heard.push(event.content), oninvalidevent: (event) => invalid.push(event.content) });
publish('a', -60);
await sleep(300);
publish('b', 0);
await sleep(300);
check('before the reconnect it hears', heard.splice(0).join(), 'a,b');
let count = 'open';
relay.count([filter], {}).then(() => count = 'resolved', () => count = 'rejected');
await sleep(300);

asked.length = 0;
socket.close(1012, 'restarting');
await once(socket, 'close');
publish('c of the same second', 0);
publish('d of the next second', 1);
publish('e of a clock that is 5 s behind', -5);
for (let i = 0; i < 150 && !asked.length; i++) await sleep(100);
await sleep(300);
check('after it: asks for events since', asked.map(([f]) => f.since - now).join(), '1');
check('... hears', heard.splice(0).join(), 'd of the next second');
publish('f, live, of a clock that is behind', -5);
publish('g, live', 11);
await sleep(300);
check('... hears', heard.splice(0).join(), 'g, live');
check("... the program's own filter", JSON.stringify({ ...filter, since: filter.since - now }), '{"kinds":[1],"since":1}');
relay.subscribe([filter], { onevent: (event) => heard.push(event.content) });
await sleep(300);
check('a new subscription with it hears', heard.splice(0).join(), 'd of the next second,g, live');
relay.subscribe([{ kinds: [1] }], { onevent: (event) => heard.push(event.content[0]) });
await sleep(300);
check('... with one of its own', heard.splice(0).join(), 'a,b,c,d,e,f,g');
check('no event was invalid', invalid.length, 0);
check('the count', count, 'open');
for (const f of failures) console.log('CHANGED:', f);
process.exit(failures.length ? 1 : 0);
JS
echo "nostr-tools 2.25.2, ws 8.23.0"
timeout 60 node try.mjs
