#!/usr/bin/env bash
# python-socketio 5.18.1 with python-engineio 4.15.1 and aiohttp 3.14.5 (PyPI), its AsyncClient and its
# AsyncSimpleClient with their defaults, and npm socket.io 4.8.4 as the server, with and without its option
# `connectionStateRecovery`. Python 3.11 or later, Node.js 18 or later.
#
# One would guess: that option lets clients that know of it catch up after a reconnect, and changes nothing for those
# that do not.
#
# What is: the server then appends a text to the arguments of each event (the place from where a client would go on),
# for all clients. A function in JavaScript that takes one argument does not see it; a handler in Python that takes one
# is called with two: TypeError, in a task of its own, of which asyncio says "Task exception was never retrieved" some
# time later, and no more. So from one line in the server's settings on, no handler with a fixed number of arguments
# runs any more; events without arguments, too, come with one. Only what asks for an acknowledgement, and what is
# `volatile`, comes as before, so a first try may look well. `receive()` of the simple client hands the text over as one
# more item. And there is nothing in return: the client does not take part, and after a reconnect it is a new one.
#
# For a server: a new option of the protocol is a new argument for clients in other languages; let it depend on what the
# client said of itself. For a program that uses it: handlers that end in `*_`, and an exception handler for the loop.
set -euo pipefail
dir=$(mktemp -d); server=; trap '[ -z "$server" ] || kill $server 2>/dev/null || :; wait || :; rm -rf "$dir"' EXIT; cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts socket.io@4.8.4 || { echo "could not install socket.io"; exit 2; }
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check python-socketio==5.18.1 python-engineio==4.15.1 aiohttp==3.14.5 || { echo "could not install python-socketio"; exit 2; }
cat > server.js <<'JS'
const http = require('http').createServer();
const { Server } = require('socket.io');
const server = new Server(http, process.argv[2] === 'on' ? { connectionStateRecovery: {} } : {});
server.on('connection', (socket) => {
  socket.on('go', async () => {
    socket.emit('asked', 1, (answer) => socket.emit('answered', answer));
    await new Promise((done) => setTimeout(done, 200));
    socket.volatile.emit('cursor', 2);
    await new Promise((done) => setTimeout(done, 200));
    socket.emit('none');
    socket.emit('one', { n: 1 });
    server.emit('two', 1, 'x');
  });
  socket.on('cut', () => socket.conn.close());
});
http.listen(0, '127.0.0.1', () => console.log(http.address().port));
JS
cat > try.py <<'PY'
import asyncio, gc, sys, socketio

url, recovery = f"http://127.0.0.1:{sys.argv[1]}", sys.argv[2] == "on"
changed = False
def check(what, seen, expected):
    global changed
    print(f"{what}: {seen}")
    if seen != expected:
        changed = True
        print(f"  CHANGED: expected {expected}")

async def main():
    ran, loop_heard = [], []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: loop_heard.append(f"{what['message']}: {type(what['exception']).__name__}"))
    client = socketio.AsyncClient()
    async def asked(number):
        ran.append(f"asked {number}")
        return "yes"
    async def cursor(at): ran.append(f"cursor {at}")
    async def none(): ran.append("none")
    async def one(what): ran.append(f"one {what}")
    async def two(a, b): ran.append(f"two {a} {b}")
    for handler in asked, cursor, none, one, two:
        client.on(handler.__name__, handler)
    connects = asyncio.Queue()
    client.on("connect", lambda: connects.put_nowait(client.get_sid()))
    await client.connect(url, transports=["websocket"])
    first = await connects.get()
    await client.emit("go")
    await asyncio.sleep(1.5)
    gc.collect()
    await asyncio.sleep(0.1)
    before = ["asked 1", "cursor 2"]
    check("handlers that ran", ran, before if recovery else before + ["none", "one {'n': 1}", "two 1 x"])
    check("the loop's exception handler heard", loop_heard, ["Task exception was never retrieved: TypeError"] * 3 if recovery else [])
    await client.emit("cut")
    check("after a cut it is a client of its own", await asyncio.wait_for(connects.get(), 10) != first, True)
    await client.disconnect()

    simple = socketio.AsyncSimpleClient()
    await simple.connect(url, transports=["websocket"])
    await simple.emit("go")
    counts = {}
    while "two" not in counts:
        name, *items = await simple.receive(timeout=5)
        counts[name] = len(items)
    check("items that the simple client hands over", {name: counts.get(name) for name in ("none", "one", "two")},
          {"none": 1, "one": 2, "two": 3} if recovery else {"none": 0, "one": 1, "two": 2})
    await simple.disconnect()
    sys.exit(changed)

asyncio.run(main())
PY
failed=0
for recovery in off on; do
  echo "python-socketio 5.18.1, socket.io 4.8.4 with connectionStateRecovery $recovery"
  : > port; node server.js $recovery > port & server=$!
  for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
  timeout 60 env/bin/python try.py "$(cat port)" $recovery || failed=1
  kill $server; wait $server 2> /dev/null || :; server=
done
exit $failed
