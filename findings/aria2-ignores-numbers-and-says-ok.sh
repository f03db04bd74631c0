#!/usr/bin/env bash
# aria2 1.36.0 (Debian 12 package aria2 1.36.0-1; a download program), its JSON-RPC interface over WebSocket; websockets 17.4 (PyPI) as
# the client. Needs Debian 12 (amd64) and Python 3.11 or later.
#
# One would guess: an option that is a number or a boolean is given as a JSON number or boolean, and what the server does not take
# is refused; and an answer bears the id of its call.
#
# What is: options that are not JSON strings are ignored, with success: changeGlobalOption {"max-concurrent-downloads":3} gives "OK" and leaves
# 5; "3" is what works. Worse for a flag: addUri with {"pause":true} starts the download at once; "true" pauses it. Options that do not
# exist are "OK" too, so only a value that is a bad string (-> code 1) is ever refused. It is the opposite for plain parameters: there, "0" for
# 0 is refused. And ids are read as whole numbers: id 4.5 is answered under 4, and id 1e3 (1000, as some JSON writers
# have it) under 1, so under the id of another call.
#
# For a client: write each option as a string, and read back by getGlobalOption or tellStatus what must hold; ids as plain
# integers or strings.
set -euo pipefail
dir=$(mktemp -d); servers=; trap '[ -z "$servers" ] || kill $servers 2>/dev/null || :; wait || :; rm -rf "$dir"' EXIT; cd "$dir"
packages="aria2=1.36.0-1 libaria2-0=1.36.0-1 libc-ares2 libssh2-1 libxml2 libicu72 libsqlite3-0 libgnutls30 libnettle8 libhogweed6 libgmp10 libp11-kit0 libidn2-0 libunistring2 libtasn1-6 libffi8"
fetch() { apt-get download -q $packages > /dev/null 2>&1; }
fetch || { apt-get update -q > /dev/null 2>&1 || :; fetch; } || { echo "could not fetch the Debian packages $packages"; exit 2; }
for deb in *.deb; do dpkg -x "$deb" root; done
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check websockets==17.4 || { echo "could not install websockets"; exit 2; }
cat > try.py <<'PY'
import asyncio, json, sys
from websockets.asyncio.client import connect

rpc, files = sys.argv[1:]
changed = False
def check(what, seen, expected):
    global changed
    print(f"{what}: {json.dumps(seen)}")
    if seen != expected:
        changed = True
        print(f"  CHANGED: expected {json.dumps(expected)}")

async def main():
    async with connect(f"ws://127.0.0.1:{rpc}/jsonrpc") as socket:
        async def answer(method, *params, id="7"):
            await socket.send(f'{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{json.dumps(params)}}}')
            while "id" not in (message := json.loads(await asyncio.wait_for(socket.recv(), 10))):
                pass
            return message
        async def ask(*call):
            message = await answer(*call)
            return message["error"]["code"] if "error" in message else message["result"]
        name = "max-concurrent-downloads"
        for value, after in ((3, "5"), ("3", "3"), ("many", "3")):
            check(f"changeGlobalOption {json.dumps({name: value})}", await ask("aria2.changeGlobalOption", {name: value}), 1 if value == "many" else "OK")
            check(f"  {name} afterwards", (await ask("aria2.getGlobalOption"))[name], after)
        check('changeGlobalOption {"no-such-option": "3"}', await ask("aria2.changeGlobalOption", {"no-such-option": "3"}), "OK")
        for pause, expected in ((True, "complete"), ("true", "paused")):
            gid = await ask("aria2.addUri", [f"http://127.0.0.1:{files}/file"], {"pause": pause})
            for _ in range(50):
                status = await ask("aria2.tellStatus", gid, ["status"])
                if status["status"] == "complete":
                    break
                await asyncio.sleep(0.05)
            check(f"addUri with {json.dumps({'pause': pause})}, 2.5 s later at most", status, {"status": expected})
        check("tellWaiting from 0", len(await ask("aria2.tellWaiting", 0, 10)), 1)
        check('tellWaiting from "0"', await ask("aria2.tellWaiting", "0", 10), 1)
        for id, expected in (("7", 7), ('"seven"', "seven"), ("9007199254740993", 9007199254740993), ("4.5", 4), ("1e3", 1)):
            check(f"the answer to id {id} bears the id", (await answer("aria2.getVersion", id=id))["id"], expected)
    sys.exit(changed)

asyncio.run(main())
PY
echo "aria2 1.36.0 (Debian package 1.36.0-1), websockets 17.4"
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
mkdir served loaded
echo text > served/file
files=$(free); python3 -m http.server "$files" --bind 127.0.0.1 --directory served > /dev/null 2>&1 & servers=$!
rpc=$(free)
LD_LIBRARY_PATH=$dir/root/usr/lib/x86_64-linux-gnu HOME=$dir root/usr/bin/aria2c --no-conf --enable-rpc --rpc-listen-port="$rpc" --dir=loaded --quiet > log 2>&1 & servers="$servers $!"
for port in "$files" "$rpc"; do
  for _ in $(seq 50); do (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break; sleep 0.1; done
done
timeout 60 env/bin/python try.py "$rpc" "$files"
