#!/usr/bin/env bash
# websocketd 0.4.1 (Debian 12 package websocketd 0.4.1-1+b11; it puts any program that talks lines behind a WebSocket), in front of
# `cat` and of a small shell script; websockets 17.4 (PyPI) as the client. Needs Debian 12 (amd64) and Python 3.11 or later.
#
# One would guess: a message of the client is one line for the program and one line of the program is one message, so `cat` sends
# back what it was sent, however the JSON is written; a line without its end is sent when the program ends; and a program that
# has done its work (exit 0) ends in a close frame with 1000.
#
# What is: a newline inside a message makes lines of it, so an indented JSON object of three lines comes back as three messages,
# each of which is no JSON. A binary message is written without an end of line: no answer comes, and the next text
# message is glued to it: {"id":1} in binary, then {"id":2} in text, come back as the one message {"id":1}{"id":2}. The last line of a program
# that lacks its newline is lost. And a program that ends, with 0 or not, ends in a broken connection without any close
# frame (1006), which clients take for a failure of the network, and dial again.
#
# For a client: write JSON without newlines, as text, never as binary; and do not read 1006 from it as "try again at once".
set -euo pipefail
dir=$(mktemp -d); servers=; trap '[ -z "$servers" ] || kill $servers 2>/dev/null || :; wait || :; rm -rf "$dir"' EXIT; cd "$dir"
package=websocketd=0.4.1-1+b11
fetch() { apt-get download -q $package > /dev/null 2>&1; }
fetch || { apt-get update -q > /dev/null 2>&1 || :; fetch; } || { echo "could not fetch the Debian package $package"; exit 2; }
dpkg -x websocketd_*.deb root
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check websockets==17.4 || { echo "could not install websockets"; exit 2; }
cat > ends.sh <<'SH'
#!/bin/sh
read code
echo "a line"
printf "a line without its end"
exit "$code"
SH
chmod +x ends.sh
cat > try.py <<'PY'
import asyncio, sys
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

changed = False
def check(what, seen, expected):
    global changed
    print(f"{what}: {seen}")
    if seen != expected:
        changed = True
        print(f"  CHANGED: expected {expected}")

async def heard(socket):
    messages = []
    try:
        while True:
            messages.append(await asyncio.wait_for(socket.recv(), 1))
    except (TimeoutError, ConnectionClosed):
        return messages

async def main():
    cat, ends = (f"ws://127.0.0.1:{port}/" for port in sys.argv[1:])
    async with connect(cat) as socket:
        async def back(message):
            await socket.send(message)
            return await heard(socket)
        check("an object on one line comes back as", await back('{"id":0}'), ['{"id":0}'])
        check("... over three lines", await back('{\n "id": 0\n}'), ["{", ' "id": 0', "}"])
        check("... with an end of line", await back('{"id":0}\n'), ['{"id":0}', ""])
        check("... in two fragments", await back(['{"id"', ":0}"]), ['{"id":0}'])
        check("... in a binary message", await back(b'{"id":1}'), [])
        check("... in text after it", await back('{"id":2}'), ['{"id":1}{"id":2}'])
    for code in "03":
        async with connect(ends) as socket:
            await socket.send(code)
            check(f"a program that ends with {code} is heard to say", await heard(socket), ["a line"])
            check("... and the connection ends with", socket.close_code, 1006)
    sys.exit(changed)

asyncio.run(main())
PY
echo "websocketd 0.4.1 (Debian package 0.4.1-1+b11), websockets 17.4"
ports=()
for program in /bin/cat ./ends.sh; do
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  root/usr/bin/websocketd --address=127.0.0.1 --port="$port" --loglevel=fatal $program > log 2>&1 & servers="$servers $!"
  ports+=("$port")
  for _ in $(seq 50); do (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break; sleep 0.1; done
done
timeout 60 env/bin/python try.py "${ports[@]}"
