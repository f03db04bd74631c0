#!/usr/bin/env bash
# python-lsp-server 1.15.0 (PyPI; python-lsp-jsonrpc 1.1.2 reads its messages), a language server on stdio. Python 3.11 or later.
#
# One would guess: a head is read as the base protocol of language servers says, like heads of HTTP: names in any case, spaces around
# the value as one likes, and `Content-Type` before or behind `Content-Length`. A head that cannot be read ends the server, or
# is told on its standard error.
#
# What is: only a first line of exactly `Content-Length: `, in this case and with this one space, is a length. Anything else in its place
# (`content-length: 2`, `Content-Length:2`, a `Content-Type` before it, which the server itself writes behind it) makes the server
# mute for good: it reads all that comes from then on, to the end of its input, as the body of that message. No answer, no error, no
# line in the log, also not to later messages with the usual head. Line ends of `\n` alone are taken.
#
# For a client: write `Content-Length: `, the number and nothing else, as Visual Studio Code does. Proxies that write heads anew
# (in lower case, or sorted) cut such a server off. A call that hangs from the start is worth a look at its head.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check python-lsp-server==1.15.0 python-lsp-jsonrpc==1.1.2 ||
    { echo "could not install python-lsp-server"; exit 2; }
cat > try.py <<'PY'
import json, subprocess, sys, threading

USUAL = "Content-Length: {}\r\n\r\n"
changed = False

def message(id, head):
    body = json.dumps({"jsonrpc": "2.0", "id": id, "method": "initialize", "params": {"capabilities": {}}}).encode()
    return head.format(len(body)).encode() + body

def answer(server):
    """The next answer; None at the end of the output."""
    length = 0
    for line in iter(server.stdout.readline, b""):
        if line.startswith(b"Content-Length: "):
            length = int(line.split()[1])
        if line == b"\r\n":
            return json.loads(server.stdout.read(length))

def check(head, is_answered):
    """Sends a message with this head as number 1, and one with the usual head as number 2: who is answered?"""
    global changed
    server = subprocess.Popen(["env/bin/pylsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    late = threading.Timer(10, server.kill)
    late.start()
    server.stdin.write(message(1, head) + message(2, USUAL))
    server.stdin.flush()
    ids = []
    while len(ids) < 2 and (one := answer(server)):
        ids.append(one["id"])
    server.kill()
    late.cancel()
    said = server.stderr.read().decode()
    print(f"{head!r}: answers to {ids} within 10 s, on its standard error {said!r}")
    if ids != ([1, 2] if is_answered else []) or said:
        changed = True
        print("  CHANGED")

check(USUAL, True)
check("Content-Length: {}\n\n", True)
check("Content-Length: {}\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n", True)
check("content-length: {}\r\n\r\n", False)
check("Content-Length:{}\r\n\r\n", False)
check("Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: {}\r\n\r\n", False)
sys.exit(changed)
PY
echo "python-lsp-server 1.15.0"
timeout 240 env/bin/python try.py
